/* app/completion_fish.c -- the completion of fish */
#include "app/completion.h"

#include "app/bench_options.h"
#include "app/config_options.h"

/* Inside '…' of fish. */
static void fish_text(struct buf *out, struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] == '\'' || s.ptr[i] == '\\')
            buf_addc(out, '\\');
        buf_addc(out, s.ptr[i]);
    }
}

/* The beginning of a line that is about a command: both words of a sub-command must be there. */
static void fish_begin(struct buf *out, const char *command)
{
    struct str rest = str_of(command);

    buf_add(out, STR("complete -c fettle -n '"));
    while (rest.ptr) {
        struct str word = str_cut(rest, ' ', &rest);

        buf_addf(out, "__fish_seen_subcommand_from %.*s", STR_ARG(word));
        buf_add(out, rest.ptr ? STR("; and ") : STR("'"));
    }
}

static void fish_flag(struct buf *out, const char *command, const struct settings_row *row)
{
    fish_begin(out, command);
    buf_addf(out, " -l %s", row->name);
    if (row->short_flag)
        buf_addf(out, " -s %c", row->short_flag);
    switch (completion_kind(row)) {
    case COMPLETE_NONE:
        buf_add(out, row->type == SETTINGS_BOOL ? STR("") : STR(" -x"));
        break;
    case COMPLETE_WORDS:
        buf_add(out, STR(" -x -a '"));
        completion_values(out, row);
        buf_addc(out, '\'');
        break;
    case COMPLETE_FILE:
        buf_add(out, STR(" -r -F"));
        break;
    case COMPLETE_DIR:
        buf_add(out, STR(" -x -a '(__fish_complete_directories)'"));
        break;
    }
    buf_add(out, STR(" -d '"));
    fish_text(out, str_of(row->help));
    buf_add(out, STR("'\n"));
    if (row->type == SETTINGS_BOOL) {
        fish_begin(out, command);
        buf_addf(out, " -l no-%s -d 'not ", row->name);
        fish_text(out, str_of(row->help));
        buf_add(out, STR("'\n"));
    }
}

static void fish_subs(struct buf *out, const struct command *c)
{
    for (const struct command *sub = c->subs; sub->name; sub++) {
        buf_addf(out,
                 "complete -c fettle -n '__fish_seen_subcommand_from %s; and not "
                 "__fish_seen_subcommand_from ",
                 c->name);
        completion_subs(out, c);
        buf_addf(out, "' -a %s -d '", command_sub_name(sub));
        fish_text(out, str_of(sub->help));
        buf_add(out, STR("'\n"));
    }
}

static void fish_plain(struct buf *out)
{
    const struct command *c;

    for (u32 i = 0; (c = command_at(i)); i++) {
        if (c->subs)
            fish_subs(out, c);
        if (!command_is_plain(c))
            continue;
        fish_begin(out, c->name);
        buf_add(out, STR(" -l help -s h -d 'all flags'\n"));
        if (c->takes_app) {
            fish_begin(out, c->name);
            buf_add(out, STR(" -a '(fettle __apps 2>/dev/null)'\n"));
        }
        if (c->takes_files) {
            fish_begin(out, c->name);
            buf_add(out, STR(" -F\n"));
        }
        for (u32 k = 0; k < *c->flags->count; k++)
            if (completion_shows(&c->flags->rows[k]))
                fish_flag(out, c->name, &c->flags->rows[k]);
    }
}

void completion_fish(struct buf *out)
{
    const char *first = "complete -c fettle -n __fish_use_subcommand";

    buf_add(out, STR("# fish completion for fettle; made by `fettle completion fish`\n\n"
                     "complete -c fettle -f\n"));
    for (u32 i = 0; i < command_count; i++) {
        if (commands[i].hidden)
            continue;
        buf_addf(out, "%s -a %s -d '", first, commands[i].name);
        fish_text(out, str_of(commands[i].help));
        buf_add(out, STR("'\n"));
    }
    buf_addf(out, "%s -l help -s h -d 'the commands'\n", first);
    buf_addf(out, "%s -l version -s V -d 'the versions of fettle and node'\n", first);
    buf_add(out, STR("complete -c fettle -n '__fish_seen_subcommand_from help' -a '"));
    completion_commands(out);
    buf_add(out, STR(" settings exit-codes'\n"
                     "complete -c fettle -n '__fish_seen_subcommand_from completion' -a 'bash zsh "
                     "fish'\n"
                     "complete -c fettle -n '__fish_seen_subcommand_from run' -F\n"
                     "complete -c fettle -n '__fish_seen_subcommand_from run' -a 'npm:(fettle "
                     "__scripts 2>/dev/null)' -d 'script of package.json'\n"
                     "complete -c fettle -n '__fish_seen_subcommand_from run' -l help -s h -d 'all "
                     "flags'\n"));
    for (u32 i = 0; i < settings_row_count; i++)
        if (completion_shows(&settings_rows[i]))
            fish_flag(out, "run", &settings_rows[i]);
    buf_add(out,
            STR("complete -c fettle -n '__fish_seen_subcommand_from bench' -l help -s h -d 'all "
                "flags'\n"));
    for (u32 i = 0; i < *bench_flags.count; i++)
        fish_flag(out, "bench", &bench_flags.rows[i]);
    buf_add(out, STR("complete -c fettle -n '__fish_seen_subcommand_from config' -a 'check show "
                     "schema'\n"
                     "complete -c fettle -n '__fish_seen_subcommand_from config' -F\n"));
    for (u32 i = 0; i < *config_flags.count; i++)
        if (completion_shows(&config_flags.rows[i]))
            fish_flag(out, "config", &config_flags.rows[i]);
    fish_plain(out);
}
