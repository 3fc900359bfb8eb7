/* heap/statement.c -- the line of a program that adds to a collection */
#include "heap/statement.h"

enum { RANK_EXACT, RANK_ADDS, RANK_ASSIGNS, RANK_USES, RANK_DECLARES, RANK_NONE };
/* Lines may be whole bundles: so many bytes of one are looked at, before and after a word. */
enum { AROUND = 300 };

struct scan {
    struct str s;
    size_t at;
    u32 line;
    size_t line_begin;
};

static char char_at(struct str s, size_t at)
{
    return at < s.len ? s.ptr[at] : '\0';
}

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '$' || (unsigned char)c >= 0x80;
}

static void scan_step(struct scan *p)
{
    if (char_at(p->s, p->at) == '\n') {
        p->line++;
        p->line_begin = p->at + 1;
    }
    p->at++;
}

/* Behind the text, comment or template that begins here. A quote without an end on its line is none
 * (it is in a regular expression, say). */
static bool scan_skip(struct scan *p)
{
    char c = char_at(p->s, p->at), next = char_at(p->s, p->at + 1);

    if (c == '/' && next == '/') {
        while (p->at < p->s.len && p->s.ptr[p->at] != '\n')
            p->at++;
        return true;
    }
    if (c == '/' && next == '*') {
        for (p->at += 2; p->at < p->s.len; scan_step(p))
            if (p->s.ptr[p->at] == '*' && char_at(p->s, p->at + 1) == '/')
                break;
        p->at = min(p->at + 2, p->s.len);
        return true;
    }
    if (c == '"' || c == '\'') {
        size_t i = p->at + 1;

        while (i < p->s.len && p->s.ptr[i] != c && p->s.ptr[i] != '\n')
            i += 1 + (p->s.ptr[i] == '\\');
        if (char_at(p->s, i) != c)
            return false;
        p->at = i + 1;
        return true;
    }
    return false;
}

static size_t skip_blanks(struct str s, size_t at)
{
    while (char_at(s, at) == ' ' || char_at(s, at) == '\t' || char_at(s, at) == '\n' ||
           char_at(s, at) == '\r')
        at++;
    return at;
}

/* Behind the bracket that belongs to the one at `at`, or 0. */
static size_t bracket_end(struct str s, size_t at)
{
    u32 depth = 0;

    for (size_t i = at; i < s.len && i < at + 400; i++) {
        depth += s.ptr[i] == '[';
        depth -= s.ptr[i] == ']';
        if (depth == 0)
            return i + 1;
    }
    return 0;
}

/* "=", "+=", "?\?=": not "==" or "=>". */
static bool is_assignment(struct str s, size_t at)
{
    static const char *const assignments[] = { "=", "+=", "?\?=", "||=", "&&=" };

    at = skip_blanks(s, at);
    for (u32 i = 0; i < ARRAY_LEN(assignments); i++) {
        struct str a = str_of(assignments[i]);
        char next = char_at(s, at + a.len);

        if (str_starts(str_sub(s, at, SIZE_MAX), a) && next != '=' && next != '>')
            return true;
    }
    return false;
}

/* The method called at `at` (".set(", "?.set("), or empty. */
static struct str method_at(struct str s, size_t at)
{
    size_t begin, end;

    at = skip_blanks(s, at);
    at += char_at(s, at) == '?' && char_at(s, at + 1) == '.';
    if (char_at(s, at) != '.')
        return (struct str){ 0 };
    begin = end = skip_blanks(s, at + 1);
    while (is_word(char_at(s, end)))
        end++;
    return char_at(s, end) == '(' ? str_sub(s, begin, end - begin) : (struct str){ 0 };
}

static bool is_one_of(struct str word, const char *list)
{
    struct str rest = str_of(list);

    while (rest.ptr)
        if (str_eq(str_cut(rest, ' ', &rest), word))
            return true;
    return false;
}

/* What stands before the name: the word before it, or the method in whose brackets it is. */
static struct str word_before(struct str s, size_t at)
{
    size_t end = at, begin;

    while (end > 0 && (s.ptr[end - 1] == ' ' || s.ptr[end - 1] == '\t'))
        end--;
    for (begin = end; begin > 0 && is_word(s.ptr[begin - 1]); begin--)
        ;
    return str_sub(s, begin, end - begin);
}

static const char *const methods[] = {
    [STATEMENT_SET] = "set", [STATEMENT_ADD] = "add",  [STATEMENT_PUSH] = "push unshift",
    [STATEMENT_ASSIGN] = "", [STATEMENT_APPEND] = "",  [STATEMENT_USE] = "then catch finally",
    [STATEMENT_IMPORT] = "", [STATEMENT_REQUEST] = "",
};

static bool is_race(struct str s, size_t line_begin, size_t at)
{
    size_t begin = at - min(at - line_begin, (size_t)AROUND);
    struct str line = str_sub(s, begin, at - begin);

    return memmem(line.ptr, line.len, ".race(", 6) || memmem(line.ptr, line.len, ".any(", 5) ||
           memmem(line.ptr, line.len, ".all(", 5) || memmem(line.ptr, line.len, "await ", 6);
}

static u32 rank_of(const struct scan *p, enum statement_adds adds, size_t end)
{
    struct str s = p->s, method = method_at(s, end), before = word_before(s, p->at);
    size_t behind = char_at(s, end) == '[' ? bracket_end(s, end) : 0;

    if (is_one_of(before, "const let var function class import static"))
        return RANK_DECLARES;
    if (method.len && is_one_of(method, methods[adds]))
        return RANK_EXACT;
    if (adds == STATEMENT_USE && is_race(s, p->line_begin, p->at))
        return RANK_EXACT;
    if (behind && is_assignment(s, behind))
        return adds == STATEMENT_ASSIGN || adds == STATEMENT_PUSH ? RANK_EXACT : RANK_ADDS;
    if (is_one_of(method,
                  "set add push unshift append prepend put insert enqueue on once addListener "
                  "addEventListener concat assign"))
        return RANK_ADDS;
    if (is_assignment(s, end))
        return adds == STATEMENT_APPEND ? RANK_EXACT : RANK_ASSIGNS;
    return RANK_USES;
}

static struct str line_of(struct str s, size_t begin)
{
    struct str line = str_sub(s, begin, SIZE_MAX);
    ptrdiff_t end = str_index(line, '\n');

    line = end < 0 ? line : str_sub(line, 0, (size_t)end);
    return str_trim(str_ends(line, STR("\r")) ? str_sub(line, 0, line.len - 1) : line);
}

static void found_at(const struct scan *p, u32 rank, struct statement *out)
{
    *out = (struct statement){ .line = p->line,
                               .column = (u32)(p->at - p->line_begin) + 1,
                               .rank = rank,
                               .text = line_of(p->s, p->line_begin) };
}

static bool line_has(const struct scan *p, struct str part)
{
    size_t begin = p->at - min(p->at - p->line_begin, (size_t)AROUND);
    struct str line = str_sub(p->s, begin, 2 * AROUND);
    ptrdiff_t end = str_index(line, '\n');

    line = end < 0 ? line : str_sub(line, 0, (size_t)end);
    return part.len && memmem(line.ptr, line.len, part.ptr, part.len);
}

/* The rank of the word at p, which ends at `end`, where not a variable is looked for. */
static u32 call_rank(const struct scan *p, enum statement_adds adds, struct str name, size_t end)
{
    struct str word = str_sub(p->s, p->at, end - p->at);
    bool called = char_at(p->s, skip_blanks(p->s, end)) == '(';

    if (adds == STATEMENT_IMPORT) {
        if (str_eq(word, STR("cache")) && line_has(p, STR("require.cache")))
            return RANK_EXACT;
        if (called && is_one_of(word, "import require") && line_has(p, name))
            return str_eq(word, STR("import")) ? RANK_EXACT : RANK_USES;
        return RANK_NONE;
    }
    if (!called || str_eq(word_before(p->s, p->at), STR("function")))
        return RANK_NONE;
    if (is_one_of(word, "get request") && p->at > 0 && p->s.ptr[p->at - 1] == '.' &&
        (line_has(p, STR("http.")) || line_has(p, STR("https."))))
        return RANK_EXACT;
    return is_one_of(word, "fetch createReadStream createGunzip createGzip") ? RANK_ADDS
                                                                             : RANK_NONE;
}

bool statement_find(struct str source, enum statement_adds adds, struct str name,
                    struct statement *out)
{
    struct scan p = { .s = source, .line = 1 };
    u32 best = RANK_DECLARES;

    while (p.at < source.len && best != RANK_EXACT) {
        size_t end = p.at;
        u32 rank = RANK_NONE;

        if (scan_skip(&p))
            continue;
        while (is_word(char_at(source, end)))
            end++;
        if (end == p.at) {
            scan_step(&p);
            continue;
        }
        if (adds == STATEMENT_IMPORT || adds == STATEMENT_REQUEST)
            rank = call_rank(&p, adds, name, end);
        else if (str_eq(str_sub(source, p.at, end - p.at), name))
            rank = rank_of(&p, adds, end);
        if (rank < best) {
            best = rank;
            found_at(&p, rank, out);
        }
        p.at = end;
    }
    return best < RANK_DECLARES;
}

struct str statement_line(struct str source, u32 line)
{
    u32 at_line = 1;

    for (size_t i = 0; i <= source.len; i++) {
        if (at_line == line)
            return line_of(source, i);
        at_line += i < source.len && source.ptr[i] == '\n';
    }
    return (struct str){ 0 };
}
