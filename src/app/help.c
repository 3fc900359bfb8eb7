/* app/help.c -- `fettle help`: pages for the terminal, made from the tables */
#include "app/command.h"
#include "app/exit_code.h"
#include "app/topic.h"

enum { WIDTH = 80, FLAG_COLUMN = 30, USAGE_COLUMN = 42 };

struct page {
    struct buf text;
    bool colours;
};

static void heading(struct page *p, const char *text)
{
    buf_addf(&p->text, "\n%s%s:%s\n", p->colours ? "\033[1m" : "", text,
             p->colours ? "\033[0m" : "");
}

/* Columns, counting every character as one: the texts have no wide ones. */
static u32 columns(struct str s)
{
    u32 n = 0;

    for (size_t i = 0; i < s.len; i++)
        n += ((u8)s.ptr[i] & 0xc0) != 0x80;
    return n;
}

static void pad(struct buf *out, u32 n)
{
    while (n--)
        buf_addc(out, ' ');
}

/* Adds words, beginning in column `at`; further lines begin in column `indent`. */
static void wrap(struct buf *out, struct str text, u32 at, u32 indent)
{
    bool first = true;

    while (text.ptr) {
        struct str word = str_cut(text, ' ', &text);
        u32 width = columns(word);

        if (!first && at + 1 + width > WIDTH) {
            buf_addc(out, '\n');
            pad(out, indent);
            at = indent;
        } else if (!first) {
            buf_addc(out, ' ');
            at++;
        }
        buf_add(out, word);
        at += width;
        first = false;
    }
    buf_addc(out, '\n');
}

/* `left`, and `right` from `column` on; in a line of its own when `left` is too long. */
static void entry(struct buf *out, struct str left, struct str right, u32 column)
{
    u32 at = columns(left);

    buf_add(out, left);
    if (right.len == 0) {
        buf_addc(out, '\n');
        return;
    }
    if (at + 2 > column) {
        buf_addc(out, '\n');
        at = 0;
    }
    pad(out, column - at);
    wrap(out, right, column, column);
}

static void paragraphs(struct buf *out, struct str text)
{
    while (text.ptr) {
        wrap(out, str_cut(text, '\n', &text), 0, 0);
        if (text.ptr)
            buf_addc(out, '\n');
    }
}

static void usage(struct page *p, const struct command *c)
{
    buf_addf(&p->text, "%sUsage:%s fettle %s%s%s\n", p->colours ? "\033[1m" : "",
             p->colours ? "\033[0m" : "", c->name, *c->synopsis ? " " : "", c->synopsis);
}

static bool is_of(const struct example *e, const char *command)
{
    return strcmp(e->command, command) == 0;
}

static void examples_add(struct page *p, const char *command)
{
    u32 column = 0;

    heading(p, "Examples");
    for (u32 i = 0; i < example_count; i++)
        if (*examples[i].help && is_of(&examples[i], command))
            column = max(column, columns(str_of(examples[i].line)) + 4);
    for (u32 i = 0; i < example_count; i++) {
        AUTO(buf_done) struct buf left = { 0 };

        if (!is_of(&examples[i], command))
            continue;
        buf_addf(&left, "  %s", examples[i].line);
        entry(&p->text, buf_str(&left), str_of(examples[i].help), column);
        p->text.failed |= left.failed;
    }
}

static bool more_minor(u32 i)
{
    while (++i < command_count)
        if (commands[i].minor)
            return true;
    return false;
}

static void overview(struct page *p)
{
    buf_addf(&p->text, "fettle %s keeps Node.js services in fine fettle.\n", FETTLE_VERSION);
    heading(p, "Usage");
    for (u32 i = 0; i < command_count; i++) {
        AUTO(buf_done) struct buf left = { 0 };

        if (commands[i].hidden || commands[i].minor || (!commands[i].flags && !commands[i].subs))
            continue; /* those that take no flags are about fettle itself: the last line */
        buf_addf(&left, "  fettle %s%s%s", commands[i].name, *commands[i].synopsis ? " " : "",
                 commands[i].synopsis);
        entry(&p->text, buf_str(&left), str_of(commands[i].help), USAGE_COLUMN);
        p->text.failed |= left.failed;
    }
    for (u32 i = 0; i < example_count; i++) {
        if (!is_of(&examples[i], "run"))
            continue;
        buf_addf(&p->text, "\nExample: %s (%s)\n", examples[i].line, examples[i].help);
        break;
    }
    buf_add(&p->text, STR("Also: fettle"));
    for (u32 i = 0; i < command_count; i++)
        if (commands[i].minor)
            buf_addf(&p->text, " %s%s", commands[i].name, more_minor(i) ? "," : ".\n");
    buf_add(&p->text, STR("More: fettle help run (or another command), help settings, completion, "
                          "version.\n"));
}

static void flag_entry(struct page *p, const struct settings_row *row)
{
    AUTO(buf_done) struct buf left = { 0 };
    AUTO(buf_done) struct buf right = { 0 };
    struct str by_default = topic_default(row);
    struct str by = row->scope & SETTINGS_OF_ROUTE      ? STR("by route")
                    : row->scope & SETTINGS_OF_LISTENER ? STR("by listener")
                                                        : (struct str){ 0 };

    if (row->short_flag)
        buf_addf(&left, "  -%c, ", row->short_flag);
    else
        buf_add(&left, STR("      "));
    topic_flag(row, &left);
    buf_add(&right, str_of(row->help));
    if (by_default.len || by.len)
        buf_addf(&right, " (%.*s%s%.*s)", STR_ARG(by_default), by_default.len && by.len ? ", " : "",
                 STR_ARG(by));
    entry(&p->text, buf_str(&left), buf_str(&right), FLAG_COLUMN);
    p->text.failed |= left.failed || right.failed;
}

static void flags_add(struct page *p, const struct settings_table *t)
{
    for (u32 group = 0; group < t->groups; group++) {
        heading(p, t->group_title[group]);
        for (u32 i = 0; i < *t->count; i++)
            if (t->rows[i].group == group && !(t->rows[i].flags & SETTINGS_HIDDEN))
                flag_entry(p, &t->rows[i]);
    }
}

static void subs_add(struct page *p, const struct command *c)
{
    heading(p, "Commands");
    for (const struct command *sub = c->subs; sub->name; sub++) {
        AUTO(buf_done) struct buf left = { 0 };

        buf_addf(&left, "  fettle %s %s", sub->name, sub->synopsis);
        entry(&p->text, buf_str(&left), str_of(sub->help), USAGE_COLUMN);
        p->text.failed |= left.failed;
    }
    buf_addf(&p->text, "\nMore: fettle help %s (or another one of them).\n", c->subs->name);
}

static void command_page(struct page *p, const struct command *c)
{
    usage(p, c);
    buf_addc(&p->text, '\n');
    paragraphs(&p->text, str_of(c->more ? c->more : c->help));
    if (c->subs)
        subs_add(p, c);
    if (!c->flags)
        return;
    flags_add(p, c->flags);
    examples_add(p, c->name);
    if (strcmp(c->name, "run") == 0)
        buf_add(&p->text,
                STR("\nIn brackets: the default, and whether a file can say it for single "
                    "listeners or\nroutes. More: fettle help settings, fettle help "
                    "exit-codes, man fettle.\n"));
    else
        buf_add(&p->text, STR("\nIn brackets: the default. More: fettle help settings, fettle help "
                              "exit-codes,\nman fettle.\n"));
}

static void settings_topic(struct page *p)
{
    for (u32 i = 0; i < topic_settings_count; i++) {
        if (i)
            buf_addc(&p->text, '\n');
        wrap(&p->text, str_of(topic_settings[i]), 0, 0);
    }
}

static void exit_codes_topic(struct page *p)
{
    buf_add(&p->text, STR("The exit code of fettle:\n\n"));
    for (u32 i = 0; i < exit_code_count; i++) {
        AUTO(buf_done) struct buf left = { 0 };

        buf_addf(&left, "  %s", exit_codes[i].code);
        entry(&p->text, buf_str(&left), str_of(exit_codes[i].help), 10);
        p->text.failed |= left.failed;
    }
}

static const struct {
    const char *name;
    void (*add)(struct page *p);
} topics[] = {
    { "settings", settings_topic },
    { "exit-codes", exit_codes_topic },
};

static int topic_unknown(const char *name)
{
    const char *nearest;

    command_find(str_of(name), &nearest);
    for (u32 i = 0; i < ARRAY_LEN(topics) && !nearest; i++)
        if (str_distance(str_of(name), str_of(topics[i].name)) <= 1 + strlen(name) / 3)
            nearest = topics[i].name;
    if (nearest)
        return command_usage("there is no help on \"%.100s\"; did you mean `fettle help %s`?", name,
                             nearest);
    return command_usage(
        "there is no help on \"%.100s\"; there is on run, bench, config, completion, version, "
        "settings and exit-codes",
        name);
}

int help_of(const char *name)
{
    struct page p = { .colours = log_colours(STDOUT_FILENO) };
    const struct command *c = name ? command_find(str_of(name), NULL) : NULL;
    bool known = !name;
    int code;

    if (c && !c->hidden) {
        command_page(&p, c);
        known = true;
    } else if (!name) {
        overview(&p);
    }
    for (u32 i = 0; name && !c && i < ARRAY_LEN(topics); i++) {
        if (strcmp(name, topics[i].name) == 0) {
            topics[i].add(&p);
            known = true;
        }
    }
    code = known ? command_print(&p.text) : topic_unknown(name);
    buf_done(&p.text);
    return code;
}

int help_command(int argc, char **argv)
{
    AUTO(buf_done) struct buf name = { 0 };
    const struct command *c = argc > 1 ? command_find(str_of(argv[1]), NULL) : NULL;
    int most = c && c->subs ? 3 : 2;

    if (argc > most)
        return command_usage("help explains one thing at a time; \"%.100s\" is one word too many",
                             argv[most]);
    if (argc < 3)
        return help_of(argc > 1 ? argv[1] : NULL);
    buf_addf(&name, "%s %s", c->name, argv[2]);
    buf_addc(&name, 0);
    return name.failed ? EXIT_APP : help_of(name.ptr);
}
