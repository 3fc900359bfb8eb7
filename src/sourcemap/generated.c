/* sourcemap/generated.c -- looking into a script without parsing it */
#include "sourcemap/generated.h"

enum { NAME_STEPS_MAX = 12, BACK_BYTES_MAX = 256 << 10, DECLARED_MAX = 32 };

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct str generated_map_url(struct str text)
{
    static const struct str mark = STR("sourceMappingURL=");
    struct str url = { 0 };
    const char *end = text.ptr + text.len;

    for (const char *p = text.ptr; p && (p = memmem(p, (size_t)(end - p), mark.ptr, mark.len));) {
        struct str before = str_make(text.ptr, (size_t)(p - text.ptr)), found = { p + mark.len, 0 };

        p += mark.len;
        while (p < end && !is_blank(*p) && !memchr("'\"`", *p, 3))
            p++;
        found.len = (size_t)(p - found.ptr);
        /* A program that writes such lines has the words in a text. */
        if (p < end && !is_blank(*p))
            continue;
        if (str_ends(before, STR("//# ")) || str_ends(before, STR("//@ ")) ||
            str_ends(before, STR("/*# ")))
            url = found;
    }
    return url;
}

/* The length of a line's end at `at`; 0: there is none. ECMA-262 section 12.3, which V8 counts by.
 */
static size_t line_end_len(struct str s, size_t at)
{
    if (s.ptr[at] == '\n')
        return 1;
    if (s.ptr[at] == '\r')
        return at + 1 < s.len && s.ptr[at + 1] == '\n' ? 2 : 1;
    if (s.ptr[at] == '\xe2' && at + 2 < s.len && s.ptr[at + 1] == '\x80' &&
        (s.ptr[at + 2] == '\xa8' || s.ptr[at + 2] == '\xa9'))
        return 3;
    return 0;
}

/* UTF-16 units of the character at `at`, and its bytes. */
static u32 units_of(struct str s, size_t at, size_t *bytes)
{
    size_t len = (u8)s.ptr[at] < 0x80 ? 1 : str_utf8_len(s, at);

    *bytes = len ? len : 1;
    return len == 4 ? 2 : 1;
}

/* Goes to a place; false: the text has no such line. */
static bool go(struct generated *g, u32 line, u32 column)
{
    if (line < g->line || (line == g->line && column < g->column)) {
        g->at = 0;
        g->line = g->column = 0;
    }
    while (g->at < g->text.len && (g->line < line || g->column < column)) {
        size_t bytes = line_end_len(g->text, g->at);

        if (bytes && g->line == line)
            return false;
        if (bytes) {
            g->line++;
            g->column = 0;
        } else {
            g->column += units_of(g->text, g->at, &bytes);
        }
        g->at += bytes;
    }
    return g->line == line && g->column == column;
}

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '$' || c == '#' || (u8)c >= 0x80;
}

static bool is_keyword(struct str word)
{
    return str_eq(word, STR("function")) || str_eq(word, STR("async")) ||
           str_eq(word, STR("get")) || str_eq(word, STR("set"));
}

/* "b" of "a.b", "x" of "get x". */
static struct str last_part(struct str name)
{
    size_t at = name.len;

    while (at > 0 && is_word(name.ptr[at - 1]))
        at--;
    return str_sub(name, at, name.len);
}

bool generated_name_column(struct generated *g, u32 line, u32 column, struct str name, u32 *out)
{
    struct str word;
    size_t at, begin, bytes;
    u32 units = 0;

    name = last_part(name);
    if (!name.len || !go(g, line, column))
        return false;
    at = g->at;
    for (u32 step = 0; step < NAME_STEPS_MAX && at > 0; step++) {
        char c = g->text.ptr[at - 1];

        if (c == ' ' || c == '\t' || memchr("*=:(", c, 4)) {
            at--;
            continue;
        }
        for (begin = at; begin > 0 && is_word(g->text.ptr[begin - 1]);)
            begin--;
        word = str_sub(g->text, begin, at - begin);
        if (str_eq(word, name)) {
            for (size_t i = begin; i < g->at; i += bytes)
                units += units_of(g->text, i, &bytes);
            *out = column - min(units, column);
            return true;
        }
        if (!is_keyword(word))
            return false;
        at = begin;
    }
    return false;
}

/* ---- the function around a place ---- */

static size_t blanks_end(struct str s, size_t at)
{
    while (at < s.len && is_blank(s.ptr[at]))
        at++;
    return at;
}

static size_t word_end(struct str s, size_t at)
{
    while (at < s.len && is_word(s.ptr[at]))
        at++;
    return at;
}

/* Behind the text in quotes that begins here. */
static size_t quoted_end(struct str s, size_t at)
{
    char quote = s.ptr[at++];

    while (at < s.len && s.ptr[at] != quote)
        at += s.ptr[at] == '\\' ? 2 : 1;
    return min(at + 1, s.len);
}

/* Behind what begins here: a bracket, up to its other one; else (`open`) an expression.
 * SIZE_MAX: it goes on. */
static size_t whole_end(struct str s, size_t at, bool open)
{
    u32 depth = open ? 1 : 0;

    while (at < s.len) {
        char c = s.ptr[at];

        if (memchr("'\"`", c, 3)) {
            at = quoted_end(s, at);
            continue;
        }
        if (memchr("([{", c, 3))
            depth++;
        else if (memchr(")]}", c, 3) && --depth == 0)
            return at + (open ? 0 : 1);
        else if (open && depth == 1 && (c == ',' || c == ';'))
            return at;
        at++;
    }
    return SIZE_MAX;
}

/* Whether a function's name ends at `at`, and its body has begun but not ended at the end of `s`.
 * Without "function" before its name, it has to be something else that is one. */
static bool body_goes_on(struct str s, size_t at, bool is_function)
{
    size_t end;
    bool arrow;

    at = blanks_end(s, at);
    if (at < s.len && (s.ptr[at] == '=' || s.ptr[at] == ':') && !is_function) {
        at = blanks_end(s, at + 1);
        for (; is_keyword(str_sub(s, at, (end = word_end(s, at)) - at)); at = blanks_end(s, end))
            ;
        if (at < s.len && s.ptr[at] == '*')
            at = blanks_end(s, at + 1);
        if (at < s.len && is_word(s.ptr[at])) /* its own name, or a parameter */
            at = blanks_end(s, word_end(s, at));
    }
    if (at < s.len && s.ptr[at] == '(')
        at = blanks_end(s, whole_end(s, at, false));
    arrow = at < s.len && at + 1 < s.len && s.ptr[at] == '=' && s.ptr[at + 1] == '>';
    if (arrow)
        at = blanks_end(s, at + 2);
    if (at < s.len && s.ptr[at] == '{')
        return whole_end(s, at, false) == SIZE_MAX;
    return arrow && whole_end(s, at, true) == SIZE_MAX;
}

static bool follows_function(struct str s, size_t at)
{
    while (at > 0 && (is_blank(s.ptr[at - 1]) || s.ptr[at - 1] == '*'))
        at--;
    return at >= 8 && memcmp(s.ptr + at - 8, "function", 8) == 0;
}

static void place_of(const struct generated *g, size_t at, u32 *line, u32 *column)
{
    size_t begin = at, bytes;

    for (size_t i = at; i < g->at; i += bytes ? bytes : 1)
        if ((bytes = line_end_len(g->text, i)))
            --*line;
    while (begin > 0 && !line_end_len(g->text, begin - 1))
        begin--;
    *column = 0;
    for (size_t i = begin; i < at; i += bytes)
        *column += units_of(g->text, i, &bytes);
}

bool generated_enclosing(struct generated *g, u32 line, u32 column, struct str name, u32 *name_line,
                         u32 *name_column)
{
    struct str before;
    u32 declared = 0;
    size_t least;

    name = last_part(name);
    if (!name.len || !go(g, line, column))
        return false;
    before = str_make(g->text.ptr, g->at);
    least = g->at > BACK_BYTES_MAX ? g->at - BACK_BYTES_MAX : 0;
    for (size_t at = g->at - min(g->at, name.len); at-- > least && declared < DECLARED_MAX;) {
        size_t end = at + name.len;
        bool is_function;

        if (g->text.ptr[at] != name.ptr[0] || memcmp(g->text.ptr + at, name.ptr, name.len) != 0 ||
            (at && is_word(g->text.ptr[at - 1])) || is_word(g->text.ptr[end]))
            continue;
        is_function = follows_function(before, at);
        if (!is_function && !memchr("=:( \t", g->text.ptr[end], 5))
            continue;
        declared++;
        if (!body_goes_on(before, end, is_function))
            continue;
        *name_line = line;
        place_of(g, at, name_line, name_column);
        return true;
    }
    return false;
}
