/* app/completion_zsh.c -- the completion of zsh */
#include "app/completion.h"

#include "app/bench_options.h"
#include "app/config_options.h"
#include "app/service_options.h"

/* Inside '…' of zsh's _arguments: quotes, brackets and colons have meanings. */
static void zsh_text(struct buf *out, struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] == '\'')
            buf_add(out, STR("'\\''"));
        else if (strchr("[]:\\", s.ptr[i]))
            buf_addf(out, "\\%c", s.ptr[i]);
        else
            buf_addc(out, s.ptr[i]);
    }
}

/* One argument of _arguments: '--name=[help]:PLACEHOLDER:(values)' */
static void zsh_flag(struct buf *out, const struct settings_row *row)
{
    buf_add(out, STR("        "));
    if (row->type == SETTINGS_BOOL)
        buf_addf(out, "'(--no-%s)--%s[", row->name, row->name);
    else if (row->short_flag && row->type == SETTINGS_LINES)
        buf_addf(out, "'*'{-%c+,--%s=}'[", row->short_flag, row->name);
    else if (row->short_flag)
        buf_addf(out, "'(-%c --%s)'{-%c+,--%s=}'[", row->short_flag, row->name, row->short_flag,
                 row->name);
    else
        buf_addf(out, "'%s--%s=[",
                 row->type == SETTINGS_CIDRS || row->type == SETTINGS_LIST ? "*" : "", row->name);
    zsh_text(out, str_of(row->help));
    buf_add(out, STR("]"));
    if (row->type == SETTINGS_BOOL) {
        buf_addf(out, "' \\\n        '(--%s)--no-%s[not: ", row->name, row->name);
        out->len -= 2;
        buf_add(out, STR(" "));
        zsh_text(out, str_of(row->help));
        buf_add(out, STR("]' \\\n"));
        return;
    }
    buf_addc(out, ':');
    zsh_text(out, str_of(row->placeholder));
    buf_addc(out, ':');
    switch (completion_kind(row)) {
    case COMPLETE_NONE:
        break;
    case COMPLETE_WORDS: {
        AUTO(buf_done) struct buf words = { 0 };

        completion_values(&words, row);
        buf_addc(out, '(');
        zsh_text(out, buf_str(&words));
        buf_addc(out, ')');
        break;
    }
    case COMPLETE_FILE:
        buf_add(out, STR("_files"));
        break;
    case COMPLETE_DIR:
        buf_add(out, STR("_directories"));
        break;
    }
    buf_add(out, STR("' \\\n"));
}

/* Behind a list of commands: describes them, or goes on with the one that is there. */
static void zsh_go_on(struct buf *out)
{
    buf_add(out, STR("    )\n"
                     "    if ((CURRENT == 2)); then\n"
                     "        _describe command cmds\n"
                     "        return\n"
                     "    fi\n"
                     "    local cmd=$words[2]\n"
                     "    shift words\n"
                     "    ((CURRENT--))\n"
                     "    case $cmd in\n"));
}

/* A command that has sub-commands: describes them, or goes on with the one that is there. */
static void zsh_subs(struct buf *out, const struct command *c)
{
    buf_addf(out, "_fettle_%s() {\n    local -a cmds\n    cmds=(\n", c->name);
    for (const struct command *sub = c->subs; sub->name; sub++) {
        buf_addf(out, "        '%s:", command_sub_name(sub));
        zsh_text(out, str_of(sub->help));
        buf_add(out, STR("'\n"));
    }
    zsh_go_on(out);
    for (const struct command *sub = c->subs; sub->name; sub++) {
        buf_addf(out, "    %s) _fettle_", command_sub_name(sub));
        completion_identifier(out, sub->name);
        buf_add(out, STR(" ;;\n"));
    }
    buf_add(out, STR("    esac\n}\n\n"));
}

static void zsh_plain(struct buf *out)
{
    const struct command *c;

    buf_add(out, STR("_fettle_app() {\n"
                     "    compadd -- ${(f)\"$(fettle __apps 2>/dev/null)\"}\n"
                     "}\n\n"
                     "_fettle_app_or_file() {\n"
                     "    _alternative 'apps:app:_fettle_app' 'files:file:_files'\n"
                     "}\n\n"));
    for (u32 i = 0; i < command_count; i++)
        if (commands[i].subs)
            zsh_subs(out, &commands[i]);
    for (u32 i = 0; (c = command_at(i)); i++) {
        if (!command_is_plain(c))
            continue;
        buf_add(out, STR("_fettle_"));
        completion_identifier(out, c->name);
        buf_add(out, STR("() {\n    _arguments -s -S \\\n"));
        for (u32 k = 0; k < *c->flags->count; k++)
            if (completion_shows(&c->flags->rows[k]))
                zsh_flag(out, &c->flags->rows[k]);
        buf_addf(out, "        '(- *)'{-h,--help}'[all flags]'%s%s\n}\n\n",
                 c->takes_app && c->takes_files ? " \\\n        '*:app or file:_fettle_app_or_file'"
                 : c->takes_app                 ? " \\\n        '*:app:_fettle_app'"
                 : c->takes_files               ? " \\\n        '*:file:_files'"
                                                : "",
                 c->flags == &service_flags
                     ? " \\\n        '1:what to do:(install remove show)' \\\n        "
                       "'2:file or folder:_files'"
                     : "");
    }
}

void completion_zsh(struct buf *out)
{
    buf_add(out,
            STR("#compdef fettle\n"
                "# zsh completion for fettle; made by `fettle completion zsh`\n\n"
                "_fettle_target() {\n"
                "    local -a scripts\n"
                "    if [[ $PREFIX == npm:* ]]; then\n"
                "        scripts=(npm:${^$(fettle __scripts 2>/dev/null)})\n"
                "        compadd -- $scripts\n"
                "        return\n"
                "    fi\n"
                "    _alternative 'files:file or folder:_files' 'npm:script:compadd -S \"\" -- "
                "npm:'\n"
                "}\n\n"
                "_fettle_run() {\n"
                "    _arguments -s -S \\\n"));
    for (u32 i = 0; i < settings_row_count; i++)
        if (completion_shows(&settings_rows[i]))
            zsh_flag(out, &settings_rows[i]);
    buf_add(out, STR("        '(- *)'{-h,--help}'[all flags]' \\\n"
                     "        '1:target:_fettle_target' \\\n"
                     "        '*:argument of the app:_files'\n"
                     "}\n\n"
                     "_fettle_bench() {\n"
                     "    _arguments -s -S \\\n"));
    for (u32 i = 0; i < *bench_flags.count; i++)
        zsh_flag(out, &bench_flags.rows[i]);
    buf_add(out, STR("        '(- *)'{-h,--help}'[all flags]' \\\n"
                     "        '1:URL:_urls' \\\n"
                     "        '2:second URL:_urls'\n"
                     "}\n\n"
                     "_fettle_config() {\n"
                     "    _arguments -s -S \\\n"));
    for (u32 i = 0; i < *config_flags.count; i++)
        if (completion_shows(&config_flags.rows[i]))
            zsh_flag(out, &config_flags.rows[i]);
    buf_add(out, STR("        '(- *)'{-h,--help}'[all flags]' \\\n"
                     "        '1:what to do:(check show schema)' \\\n"
                     "        '2:file or folder:_files'\n"
                     "}\n\n"));
    zsh_plain(out);
    buf_add(out, STR("_fettle() {\n"
                     "    local -a cmds\n"
                     "    cmds=(\n"));
    for (u32 i = 0; i < command_count; i++) {
        if (commands[i].hidden)
            continue;
        buf_addf(out, "        '%s:", commands[i].name);
        zsh_text(out, str_of(commands[i].help));
        buf_add(out, STR("'\n"));
    }
    zsh_go_on(out);
    buf_add(out, STR("    run) _fettle_run ;;\n"
                     "    bench) _fettle_bench ;;\n"
                     "    config) _fettle_config ;;\n"));
    for (u32 i = 0; i < command_count; i++)
        if (command_is_plain(&commands[i]) || commands[i].subs)
            buf_addf(out, "    %s) _fettle_%s ;;\n", commands[i].name, commands[i].name);
    buf_add(out, STR("    help) ((CURRENT == 2)) && compadd -- "));
    completion_commands(out);
    buf_add(out, STR(" settings exit-codes ;;\n"
                     "    completion) ((CURRENT == 2)) && compadd -- bash zsh fish ;;\n"
                     "    esac\n"
                     "}\n\n"
                     "# Works as a file in $fpath and with source <(…).\n"
                     "if [[ $funcstack[1] == _fettle ]]; then\n"
                     "    _fettle \"$@\"\n"
                     "else\n"
                     "    compdef _fettle fettle\n"
                     "fi\n"));
}
