/* finding/sourceline.c -- what lines of JavaScript tell of calls */
#include "finding/sourceline.h"

static bool has(struct str s, struct str what)
{
    return s.len && memmem(s.ptr, s.len, what.ptr, what.len) != NULL;
}

bool sourceline_is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '$' || (c & 0x80);
}

static size_t word_end(struct str line, size_t at)
{
    while (at < line.len && sourceline_is_word(line.ptr[at]))
        at++;
    return at;
}

struct str sourceline_call(struct str line, size_t at)
{
    size_t end = word_end(line, at), from = at;

    if (end == at || end == line.len || line.ptr[end] != '(')
        return (struct str){ 0 };
    if (from >= 5 && memcmp(line.ptr + from - 5, "JSON.", 5) == 0)
        from -= 5;
    else if (from >= 8 && memcmp(line.ptr + from - 8, "Atomics.", 8) == 0)
        from -= 8;
    return str_sub(line, from, end - from);
}

struct str sourceline_arguments(struct str line, size_t at)
{
    size_t from = word_end(line, at) + 1, to;
    u32 depth = 1;

    if (from > line.len || line.ptr[from - 1] != '(')
        return (struct str){ 0 };
    for (to = from; to < line.len; to++) {
        struct str rest = str_sub(line, to, line.len);

        depth += line.ptr[to] == '(';
        depth -= line.ptr[to] == ')';
        if (!depth || str_starts(rest, STR("=>")) || str_starts(rest, STR("function")))
            break;
    }
    return str_sub(line, from, to - from);
}

static bool is_trifle(struct str name)
{
    static const char *const names[] = { "if",     "for",     "while",  "switch",   "catch",
                                         "return", "await",   "super",  "function", "typeof",
                                         "push",   "pop",     "now",    "String",   "Number",
                                         "trim",   "toFixed", "max",    "min",      "floor",
                                         "round",  "Boolean", "isArray" };

    for (u32 i = 0; i < ARRAY_LEN(names); i++)
        if (str_eq(name, str_of(names[i])))
            return true;
    return false;
}

/* The parenthesis that opens at `open` is closed before `until`. */
static bool is_closed(struct str line, size_t open, size_t until)
{
    u32 depth = 0;

    for (size_t i = open; i < line.len && i < until; i++) {
        depth += line.ptr[i] == '(';
        if (line.ptr[i] == ')' && --depth == 0)
            return true;
    }
    return false;
}

struct str sourceline_last_call(struct str line, size_t until)
{
    struct str found = { 0 }, call;

    for (size_t i = 0; i < line.len && i < until; i++) {
        if (!sourceline_is_word(line.ptr[i]) || (i && sourceline_is_word(line.ptr[i - 1])))
            continue;
        call = sourceline_call(line, i);
        if (call.len && !is_trifle(call) &&
            (until > line.len || is_closed(line, word_end(line, i), until)))
            found = call;
    }
    return found;
}

bool sourceline_passes(struct str line, struct str call, struct str name)
{
    const char *at = line.len ? memmem(line.ptr, line.len, call.ptr, call.len) : NULL;
    struct str rest;

    if (!at || !name.len)
        return false;
    rest = str_sub(line, (size_t)(at - line.ptr) + call.len, line.len);
    return str_starts(rest, name) &&
           (rest.len == name.len || !sourceline_is_word(rest.ptr[name.len]));
}

/* A block, and no function: if (x) { */
static bool begins_block(struct str line)
{
    static const char *const words[] = { "if", "for", "while", "else", "switch", "catch", "try" };

    line = str_trim(line);
    while (line.len && (line.ptr[0] == '}' || line.ptr[0] == ' '))
        line = str_sub(line, 1, line.len);
    for (u32 i = 0; i < ARRAY_LEN(words); i++)
        if (str_eq(str_sub(line, 0, word_end(line, 0)), str_of(words[i])))
            return true;
    return false;
}

bool sourceline_begins_function(struct str line)
{
    return has(line, STR("=> {")) || has(line, STR("function")) ||
           ((has(line, STR(") {")) || has(line, STR("){"))) && !begins_block(line));
}

bool sourceline_ends_function(struct str line)
{
    line = str_trim(line);
    return !line.len || line.ptr[0] == '}' || str_ends(line, STR("}")) ||
           str_ends(line, STR("},")) || str_ends(line, STR("});"));
}

bool sourceline_is_entry(struct str line, size_t at)
{
    struct str rest = at < line.len ? str_sub(line, at, line.len) : (struct str){ 0 };

    if (!rest.len)
        return false;
    if (rest.ptr[0] == '(' || str_starts(rest, STR("async ")) || str_starts(rest, STR("function")))
        return true;
    rest = str_trim(str_sub(rest, word_end(rest, 0), rest.len));
    return str_starts(rest, STR("=>")); /* one parameter, without parentheses */
}

bool sourceline_is_loop(struct str line)
{
    static const char *const words[] = { "for", "while", "do" };
    size_t end;

    line = str_trim(line);
    end = word_end(line, 0);
    for (u32 i = 0; i < ARRAY_LEN(words); i++)
        if (str_eq(str_sub(line, 0, end), str_of(words[i])))
            return true;
    return false;
}

static size_t indent_of(struct str line)
{
    size_t at = 0;

    while (at < line.len && (line.ptr[at] == ' ' || line.ptr[at] == '\t'))
        at++;
    return at;
}

/* How many lines it has, as their indentation says. */
static int loop_lines(const struct str *lines, int count)
{
    int n = 1;

    while (n < count && (!str_trim(lines[n]).len || indent_of(lines[n]) > indent_of(lines[0])))
        n++;
    return n;
}

bool sourceline_loop_calls(const struct str *lines, int count)
{
    int n = loop_lines(lines, count);

    for (int i = 0; i < n; i++)
        if (sourceline_last_call(lines[i], SIZE_MAX).len)
            return true;
    return false;
}

bool sourceline_loop_awaits(const struct str *lines, int count, int at)
{
    int n = loop_lines(lines, count);

    for (int i = 0; i < n && at < n; i++)
        if (has(lines[i], STR("await ")) && !has(lines[i], STR("setImmediate")) &&
            !has(lines[i], STR("setTimeout")))
            return true;
    return false;
}
