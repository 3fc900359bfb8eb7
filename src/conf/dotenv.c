/* conf/dotenv.c -- the variables of a .env file */
#include "conf/dotenv.h"

#include "conf/file.h"

#define SHOWN(text) STR_ARG(str_sub(text, 0, 80))

struct dotenv {
    struct str text; /* without \r */
    size_t at;
    u32 line;       /* of … */
    size_t line_at; /* … this place */
    const char *file;
    struct strings *vars;
    struct findings *findings;
    u32 strays, stray_line; /* lines that are no variables, and the first of them */
};

static u32 line_of(struct dotenv *d, size_t at)
{
    for (; d->line_at < at; d->line_at++)
        d->line += d->text.ptr[d->line_at] == '\n';
    return d->line;
}

static void warn(struct dotenv *d, u32 line, struct str name, const char *what)
{
    findings_add(d->findings, FINDING_WARNING, d->file, line, "%.*s: %s", SHOWN(name), what);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* From `at` to the first `c`, or the end of all. */
static size_t find(const struct dotenv *d, size_t at, char c)
{
    ptrdiff_t i = str_index(str_sub(d->text, at, d->text.len), c);

    return i < 0 ? d->text.len : at + (size_t)i;
}

static void blanks_skip(struct dotenv *d)
{
    while (d->at < d->text.len && is_blank(d->text.ptr[d->at]))
        d->at++;
}

static void line_skip(struct dotenv *d, size_t from)
{
    size_t end = find(d, from, '\n');

    d->at = min(end + 1, d->text.len);
}

static struct str name_of(struct str left)
{
    struct str name = str_trim(left);

    if (str_starts(name, STR("export ")) || str_eq(name, STR("export\t")))
        name = str_trim(str_sub(name, 7, name.len));
    return name;
}

/* A name that no program asks for is kept, as Node keeps it. */
static void name_check(struct dotenv *d, u32 line, struct str name)
{
    for (size_t i = 0; i < name.len; i++) {
        if ((u8)name.ptr[i] > ' ' && name.ptr[i] != ':' && name.ptr[i] != '"')
            continue;
        warn(d, line, name,
             "this whole text is the name of the variable; write NAME=value, a name having "
             "letters, digits and _");
        return;
    }
}

static void put(struct dotenv *d, u32 line, struct str name, struct str value, bool escapes)
{
    AUTO(buf_done) struct buf text = { 0 };

    if (name.len == 0) {
        findings_add(d->findings, FINDING_WARNING, d->file, line,
                     "there is no name before the =; the line is left aside");
        return;
    }
    if (str_starts(name, STR("FETTLE_"))) {
        warn(d, line, name,
             "names that begin with FETTLE_ are fettle's own, and the app does not get them; it is "
             "left aside");
        return;
    }
    name_check(d, line, name);
    for (size_t i = 0; escapes && i < value.len; i++) {
        bool is_end = value.ptr[i] == '\\' && i + 1 < value.len && value.ptr[i + 1] == 'n';

        buf_addc(&text, is_end ? '\n' : value.ptr[i]);
        i += is_end;
    }
    strings_addf(d->vars, "%.*s=%.*s", STR_ARG(name), STR_ARG(escapes ? buf_str(&text) : value));
    d->vars->bytes.failed |= text.failed;
}

/* False: there is no second quote, and so it is none. */
static bool quoted_read(struct dotenv *d, u32 line, struct str name)
{
    char quote = d->text.ptr[d->at];
    size_t start = d->at + 1, end = find(d, start, quote);

    if (end == d->text.len) {
        warn(d, line, name,
             "the quote at the beginning of the value is not closed, and so is part of it");
        return false;
    }
    put(d, line, name, str_sub(d->text, start, end - start), quote == '"');
    d->at = end + 1;
    blanks_skip(d);
    if (d->at < d->text.len && d->text.ptr[d->at] != '\n' && d->text.ptr[d->at] != '#')
        warn(d, line_of(d, d->at), name, "what follows the closing quote is left aside");
    line_skip(d, d->at);
    return true;
}

static void value_read(struct dotenv *d, u32 line, struct str name)
{
    char first;
    struct str value;

    blanks_skip(d);
    first = d->at < d->text.len ? d->text.ptr[d->at] : '\n';
    if ((first == '"' || first == '\'' || first == '`') && quoted_read(d, line, name))
        return;
    value = str_sub(d->text, d->at, find(d, d->at, '\n') - d->at);
    if (first != '"' && first != '\'' && first != '`') {
        struct str comment;

        value = str_trim(str_cut(value, '#', &comment));
    }
    put(d, line, name, value, false);
    line_skip(d, d->at);
}

static void entry_read(struct dotenv *d)
{
    size_t end = find(d, d->at, '\n'), equals = find(d, d->at, '=');
    u32 line = line_of(d, d->at);

    if (equals < end) {
        struct str left = str_sub(d->text, d->at, equals - d->at);

        d->at = equals + 1;
        value_read(d, line, name_of(left));
        return;
    }
    if (d->strays++ == 0)
        d->stray_line = line;
    line_skip(d, d->at);
}

static void strays_tell(const struct dotenv *d)
{
    AUTO(buf_done) struct buf more = { 0 };

    if (d->strays == 0)
        return;
    if (d->strays > 1)
        buf_addf(&more, ", and %u more,", d->strays - 1);
    findings_add(d->findings, FINDING_WARNING, d->file, d->stray_line,
                 "this line%.*s is not NAME=value, and is left aside; a value of several lines "
                 "stands in quotes",
                 STR_ARG(buf_str(&more)));
}

int dotenv_read(struct str text, const char *file, struct strings *vars, struct findings *f)
{
    AUTO(buf_done) struct buf plain = { 0 };
    struct dotenv d = { .line = 1, .file = file, .vars = vars, .findings = f };
    u32 before = vars->count;

    for (size_t i = str_starts(text, STR("\xef\xbb\xbf")) ? 3 : 0; i < text.len; i++)
        if (text.ptr[i] != '\r')
            buf_addc(&plain, text.ptr[i]);
    if (plain.failed)
        return -ENOMEM;
    d.text = buf_str(&plain);
    for (size_t i = 0; i < d.text.len; i++) {
        if (d.text.ptr[i])
            continue;
        findings_add(f, FINDING_MISTAKE, file, line_of(&d, i),
                     "it holds a NUL byte, which no environment can; is it a text file?");
        return f->failed ? -ENOMEM : 0;
    }
    for (;;) {
        while (d.at < d.text.len && (is_blank(d.text.ptr[d.at]) || d.text.ptr[d.at] == '\n'))
            d.at++;
        if (d.at == d.text.len)
            break;
        if (vars->count - before == DOTENV_VARS_MAX) {
            findings_add(f, FINDING_MISTAKE, file, line_of(&d, d.at),
                         "there are more than %d variables", DOTENV_VARS_MAX);
            break;
        }
        if (d.text.ptr[d.at] == '#')
            line_skip(&d, d.at);
        else
            entry_read(&d);
    }
    strays_tell(&d);
    return vars->bytes.failed || f->failed ? -ENOMEM : 0;
}

int dotenv_load(const char *path, struct strings *vars, struct findings *f)
{
    AUTO(buf_done) struct buf text = { 0 };
    int err = file_read(path, DOTENV_BYTES_MAX, &text);

    return err ? err : dotenv_read(buf_str(&text), path, vars, f);
}
