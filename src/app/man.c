/* app/man.c -- `fettle __man`: the man page fettle(1) in mdoc, made from the tables */
#include "app/bench_options.h"
#include "app/command.h"
#include "app/config_options.h"
#include "app/exit_code.h"
#include "app/topic.h"

/* Text as a line of mdoc: backslashes, leading dots and quotes, and what is not ASCII. */
static void add_text(struct buf *out, struct str s)
{
    for (size_t i = 0; i < s.len;) {
        u8 c = (u8)s.ptr[i];
        u32 more = c < 0x80 ? 0 : c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : 1;
        u32 point = more == 0 ? c : c & (0x3fu >> more);

        for (u32 k = 1; k <= more && i + k < s.len; k++)
            point = point << 6 | ((u8)s.ptr[i + k] & 0x3f);
        if (more)
            buf_addf(out, "\\[u%04X]", point);
        else if (c == '\\')
            buf_add(out, STR("\\e"));
        else if (c == '-')
            buf_add(out, STR("\\-"));
        else if ((c == '.' || c == '\'') && (i == 0 || s.ptr[i - 1] == '\n'))
            buf_addf(out, "\\&%c", c);
        else
            buf_addc(out, (char)c);
        i += more + 1;
    }
}

/* Lines of about 60 characters, broken between words: mandoc's style wants less than 80 bytes. */
static void add_lines(struct buf *out, struct str s)
{
    enum { LINE = 60 };

    while (s.len > LINE) {
        size_t at = LINE;

        while (at && s.ptr[at] != ' ')
            at--;
        if (!at)
            break;
        add_text(out, str_sub(s, 0, at));
        buf_addc(out, '\n');
        s = str_sub(s, at + 1, s.len);
    }
    add_text(out, s);
    buf_addc(out, '\n');
}

/* A new sentence begins a new line: that is how mdoc wants its input. */
static void add_sentences(struct buf *out, struct str s)
{
    size_t start = 0;

    for (size_t i = 0; i + 2 < s.len; i++) {
        if (s.ptr[i] == '.' && s.ptr[i + 1] == ' ') {
            add_lines(out, str_sub(s, start, i + 1 - start));
            start = i + 2;
        }
    }
    add_lines(out, str_sub(s, start, s.len));
}

static void add_paragraphs(struct buf *out, struct str s)
{
    while (s.ptr) {
        add_sentences(out, str_cut(s, '\n', &s));
        if (s.ptr)
            buf_add(out, STR(".Pp\n"));
    }
}

/* The argument of a macro: quoted, since it may hold blanks or be the name of a macro. */
static void add_arg(struct buf *out, struct str s)
{
    buf_add(out, STR(" \""));
    assert(str_index(s, '"') < 0); /* no synopsis or placeholder has one */
    add_text(out, s);
    buf_addc(out, '"');
}

static void commands_add(struct buf *out)
{
    const struct command *c;

    for (u32 i = 0; (c = command_at(i)); i++) {
        if (c->hidden)
            continue;
        buf_addf(out, ".It Cm %s", c->name);
        if (*c->synopsis)
            add_arg(out, str_of(c->synopsis));
        buf_addc(out, '\n');
        if (c->more) {
            add_paragraphs(out, str_of(c->more));
        } else {
            AUTO(buf_done) struct buf line = { 0 };

            buf_addf(&line, "%c%s.", c->help[0] - 32, c->help + 1);
            add_text(out, buf_str(&line));
            buf_addc(out, '\n');
        }
    }
}

static void setting_add(struct buf *out, const struct settings_row *row)
{
    AUTO(buf_done) struct buf words = { 0 };

    buf_add(out, STR(".It "));
    if (row->short_flag)
        buf_addf(out, "Fl %c , ", row->short_flag);
    buf_add(out, STR("Fl \\-"));
    add_text(out, str_of(row->name));
    if (row->type == SETTINGS_BOOL) {
        buf_add(out, STR(" , Fl \\-no\\-"));
        add_text(out, str_of(row->name));
    } else {
        buf_add(out, STR(" Ar"));
        add_arg(out, str_of(row->placeholder));
    }
    buf_addc(out, '\n');
    if (row->help[0] >= 'a' && row->help[0] <= 'z')
        buf_addf(&words, "%c%s. ", row->help[0] - 32, row->help + 1);
    else
        buf_addf(&words, "%s. ", row->help);
    if (row->more)
        buf_addf(&words, "%s ", row->more);
    buf_add(&words, STR("Value: "));
    topic_values(row, &words);
    if (topic_default(row).len)
        buf_addf(&words, "; default: %.*s", STR_ARG(topic_default(row)));
    buf_addc(&words, '.');
    add_sentences(out, buf_str(&words));
    out->failed |= words.failed;
}

static void table_add(struct buf *out, const struct settings_table *t)
{
    for (u32 group = 0; group < t->groups; group++) {
        buf_addf(out, ".Ss %s\n.Bl -tag -width Ds\n", t->group_title[group]);
        for (u32 i = 0; i < *t->count; i++)
            if (t->rows[i].group == group && !(t->rows[i].flags & SETTINGS_HIDDEN))
                setting_add(out, &t->rows[i]);
        buf_add(out, STR(".El\n"));
    }
}

static void settings_add(struct buf *out)
{
    for (u32 i = 0; i < topic_settings_count; i++) {
        if (i)
            buf_add(out, STR(".Pp\n"));
        add_sentences(out, str_of(topic_settings[i]));
    }
    table_add(out, &settings_of_run);
}

static void exit_codes_add(struct buf *out)
{
    buf_add(out, STR(".Bl -tag -width Ds\n"));
    for (u32 i = 0; i < exit_code_count; i++) {
        buf_addf(out, ".It %s\n", exit_codes[i].code);
        add_sentences(out, str_of(exit_codes[i].help));
    }
    buf_add(out, STR(".El\n"));
}

static void examples_add(struct buf *out)
{
    for (u32 i = 0; i < example_count; i++) {
        if (i)
            buf_add(out, STR(".Pp\n"));
        buf_add(out, STR(".Dl "));
        add_text(out, str_of(examples[i].line));
        buf_addc(out, '\n');
    }
}

static const char head[] =
    ".\\\" Made by `fettle __man` from the tables in src/conf and src/app.\n"
    ".Dd November 21, 2026\n"
    ".Dt FETTLE 1\n"
    ".Os\n"
    ".Sh NAME\n"
    ".Nm fettle\n"
    ".Nd run a Node.js app on every core, behind a proxy that sees its event "
    "loops\n"
    ".Sh SYNOPSIS\n"
    ".Nm\n"
    ".Cm run\n"
    ".Op Ar flags\n"
    ".Op Ar target\n"
    ".Op Fl \\- Ar args\n"
    ".Nm\n"
    ".Cm bench\n"
    ".Op Ar flags\n"
    ".Ar URL\n"
    ".Op Ar URL2\n"
    ".Nm\n"
    ".Cm config\n"
    ".Cm check | show | schema\n"
    ".Op Ar flags\n"
    ".Op Ar file | folder\n"
    ".Nm\n"
    ".Cm ps | describe | reload | restart | stop | start | scale | env | signal\n"
    ".Op Ar flags\n"
    ".Op Ar app\n"
    ".Nm\n"
    ".Cm heap\n"
    ".Ar command\n"
    ".Op Ar flags\n"
    ".Ar target | file\n"
    ".Nm\n"
    ".Cm help\n"
    ".Op Ar topic\n"
    ".Nm\n"
    ".Cm completion\n"
    ".Cm bash | zsh | fish\n"
    ".Nm\n"
    ".Cm version\n"
    ".Sh DESCRIPTION\n"
    ".Nm\n"
    "keeps Node.js services in fine fettle.\n"
    "The commands are:\n"
    ".Bl -tag -width Ds\n";

static const char environment[] =
    ".Sh ENVIRONMENT\n"
    ".Bl -tag -width Ds\n"
    ".It Ev FETTLE_NAME\n"
    "Each setting, its name in capitals and with underscores for dashes:\n"
    "FETTLE_MAX_MEMORY for\n"
    ".Fl \\-max-memory .\n"
    ".It Ev NO_COLOR\n"
    "When set and not empty, no colours are written.\n"
    ".It Ev PATH\n"
    "Where node is looked for.\n"
    ".It Ev XDG_RUNTIME_DIR\n"
    "Where the folder for sockets is made.\n"
    ".El\n"
    ".Pp\n"
    "The app's processes get the environment of\n"
    ".Nm\n"
    "without its settings.\n";

static const char files[] = ".Sh FILES\n"
                            ".Bl -tag -width Ds\n"
                            ".It Pa fettle.json , fettle.config.js , .cjs , .mjs , .ts\n"
                            "Settings, in the folder of the app; one of them.\n"
                            ".It Pa package.json\n"
                            "Its key fettle holds settings too.\n"
                            ".It Pa ecosystem.config.js , Procfile\n"
                            "Can be run as they are.\n"
                            ".El\n";

static const char signals[] =
    ".Sh SIGNALS\n"
    ".Bl -tag -width Ds\n"
    ".It SIGTERM , SIGINT\n"
    "Accept nothing new, let requests in flight finish for at most the time of\n"
    ".Fl \\-drain ,\n"
    "then end.\n"
    "A second one ends all at once.\n"
    ".It SIGHUP\n"
    "Replace all workers, one by one; the new one serves before the old one ends.\n"
    ".El\n";

/* One section for all commands that have the same flags. */
static void plain_flags_add(struct buf *out)
{
    const struct command *c, *other;

    for (u32 i = 0; (c = command_at(i)); i++) {
        const struct settings_row *rows = command_is_plain(c) ? c->flags->rows : NULL;
        bool told = false;

        for (u32 k = 0; k < i && rows; k++)
            told |= command_at(k)->flags && command_at(k)->flags->rows == rows;
        if (!rows || told)
            continue;
        buf_add(out, STR(".Sh FLAGS OF"));
        for (u32 k = i; (other = command_at(k)); k++)
            if (command_is_plain(other) && other->flags->rows == rows)
                buf_addf(out, "%s %s", k > i ? " ," : "", other->name);
        buf_addc(out, '\n');
        table_add(out, c->flags);
    }
}

int man_command(int argc, char **argv)
{
    AUTO(buf_done) struct buf out = { 0 };

    (void)argc;
    (void)argv;
    buf_add(&out, str_of(head));
    commands_add(&out);
    buf_add(&out, STR(".El\n.Sh SETTINGS\n"));
    settings_add(&out);
    buf_add(&out, STR(".Sh FLAGS OF BENCH\n"));
    table_add(&out, &bench_flags);
    buf_add(&out, STR(".Sh FLAGS OF CONFIG\n"));
    table_add(&out, &config_flags);
    plain_flags_add(&out);
    buf_add(&out, str_of(environment));
    buf_add(&out, str_of(files));
    buf_add(&out, str_of(signals));
    buf_add(&out, STR(".Sh EXIT STATUS\n"));
    exit_codes_add(&out);
    buf_add(&out, STR(".Sh EXAMPLES\n"));
    examples_add(&out);
    return command_print(&out);
}
