/* sql/token.c -- a statement cut into its tokens, as its database does it */
#include "sql/token.h"

#include <string.h>

enum class { OTHER, SPACE, LETTER, DIGIT, SYMBOL };

#define L LETTER
#define D DIGIT
#define S SYMBOL
/* Bytes above 127 are letters, in all three. */
static const uint8_t class_low[128] = {
    [0 ... ' '] = SPACE, [127] = SPACE, ['_'] = L, ['0'] = D, ['1'] = D, ['2'] = D, ['3'] = D,
    ['4'] = D,           ['5'] = D,     ['6'] = D, ['7'] = D, ['8'] = D, ['9'] = D, ['+'] = S,
    ['-'] = S,           ['*'] = S,     ['/'] = S, ['<'] = S, ['>'] = S, ['='] = S, ['~'] = S,
    ['!'] = S,           ['%'] = S,     ['^'] = S, ['&'] = S, ['|'] = S, ['@'] = S, ['#'] = S,
    ['a'] = L,           ['b'] = L,     ['c'] = L, ['d'] = L, ['e'] = L, ['f'] = L, ['g'] = L,
    ['h'] = L,           ['i'] = L,     ['j'] = L, ['k'] = L, ['l'] = L, ['m'] = L, ['n'] = L,
    ['o'] = L,           ['p'] = L,     ['q'] = L, ['r'] = L, ['s'] = L, ['t'] = L, ['u'] = L,
    ['v'] = L,           ['w'] = L,     ['x'] = L, ['y'] = L, ['z'] = L, ['A'] = L, ['B'] = L,
    ['C'] = L,           ['D'] = L,     ['E'] = L, ['F'] = L, ['G'] = L, ['H'] = L, ['I'] = L,
    ['J'] = L,           ['K'] = L,     ['L'] = L, ['M'] = L, ['N'] = L, ['O'] = L, ['P'] = L,
    ['Q'] = L,           ['R'] = L,     ['S'] = L, ['T'] = L, ['U'] = L, ['V'] = L, ['W'] = L,
    ['X'] = L,           ['Y'] = L,     ['Z'] = L,
};
#undef L
#undef D
#undef S

static enum class class_of(char c) {
    return (unsigned char)c < 128 ? (enum class)class_low[(unsigned char)c] : LETTER;
}

/* '\0' behind the end: space, which ends everything. */
static char byte_at(const struct sql_lexer *x, size_t at)
{
    return at < x->len ? x->text[at] : '\0';
}

static bool in_word(const struct sql_lexer *x, size_t at)
{
    char c = byte_at(x, at);

    return at < x->len && (class_of(c) == LETTER || class_of(c) == DIGIT || c == '$');
}

static bool is_digit(const struct sql_lexer *x, size_t at)
{
    return class_of(byte_at(x, at)) == DIGIT;
}

enum { WORD_MAX = 13 };

static const struct {
    char text[WORD_MAX + 2];
    uint8_t len;
    bool opens;
} words[] = {
    [SQL_KW_NONE] = { "", 0, false },
#define X(name, text, opens) [SQL_KW_##name] = { text, sizeof(text) - 1, opens },
    SQL_WORDS(X)
#undef X
        { "", 0, false },
};

/* The first word of each letter. */
static const uint8_t word_first[26] = {
    ['a' - 'a'] = SQL_KW_ABSOLUTE,  ['b' - 'a'] = SQL_KW_BACKWARD,  ['c' - 'a'] = SQL_KW_CASE,
    ['d' - 'a'] = SQL_KW_DATE,      ['e' - 'a'] = SQL_KW_ELSE,      ['f' - 'a'] = SQL_KW_FALSE,
    ['g' - 'a'] = SQL_KW_GLOB,      ['h' - 'a'] = SQL_KW_HAVING,    ['i' - 'a'] = SQL_KW_IF,
    ['j' - 'a'] = SQL_KW_JOIN,      ['k' - 'a'] = SQL_KW_KEY,       ['l' - 'a'] = SQL_KW_LAST,
    ['m' - 'a'] = SQL_KW_MATCH,     ['n' - 'a'] = SQL_KW_NATURAL,   ['o' - 'a'] = SQL_KW_OFFSET,
    ['p' - 'a'] = SQL_KW_PARTITION, ['r' - 'a'] = SQL_KW_RANGE,     ['s' - 'a'] = SQL_KW_SAVEPOINT,
    ['t' - 'a'] = SQL_KW_TABLE,     ['u' - 'a'] = SQL_KW_UNBOUNDED, ['v' - 'a'] = SQL_KW_VALUES,
    ['w' - 'a'] = SQL_KW_WHEN,      ['x' - 'a'] = SQL_KW_XOR,
};

static void word_look_up(struct sql_token *t)
{
    char low[WORD_MAX];
    unsigned at;

    if (t->len > WORD_MAX || t->len < 2)
        return;
    for (size_t i = 0; i < t->len; i++)
        low[i] = (char)(t->ptr[i] == '_' ? '_' : t->ptr[i] | 0x20);
    if (low[0] < 'a' || low[0] > 'z' || !(at = word_first[low[0] - 'a']))
        return;
    for (; words[at].text[0] == low[0]; at++) {
        if (words[at].len != t->len || memcmp(words[at].text, low, t->len) != 0)
            continue;
        t->word = (enum sql_word)at;
        t->opens = words[at].opens;
        return;
    }
}

/* Behind a text whose opening quote is at `at`. */
static size_t quoted_end(const struct sql_lexer *x, size_t at, char quote, bool backslash)
{
    while (++at < x->len) {
        if (backslash && x->text[at] == '\\')
            at++;
        else if (x->text[at] == quote && byte_at(x, at + 1) == quote)
            at++;
        else if (x->text[at] == quote)
            return at + 1;
    }
    return x->len;
}

/* Behind $tag$ … $tag$ that begins at `at`; 0: none begins there. */
static size_t dollar_end(const struct sql_lexer *x, size_t at)
{
    size_t tag = at + 1, len;
    const char *from = x->text + at, *end = x->text + x->len, *to;

    if (is_digit(x, tag))
        return 0;
    while (tag < x->len && x->text[tag] != '$' && in_word(x, tag))
        tag++;
    if (byte_at(x, tag) != '$')
        return 0;
    len = tag + 1 - at;
    to = memmem(from + len, (size_t)(end - from) - len, from, len);
    return to ? (size_t)(to - x->text) + len : x->len;
}

/* Behind a comment that begins at `at`; `at` itself when none does. MySQL executes what is in
 * such as have an exclamation mark: only their frame is skipped. */
static size_t comment_end(struct sql_lexer *x, size_t at)
{
    char c = byte_at(x, at), d = byte_at(x, at + 1);
    unsigned depth = 0;

    if ((c == '-' && d == '-' &&
         (x->dialect != SQL_MYSQL || class_of(byte_at(x, at + 2)) == SPACE)) ||
        (c == '#' && x->dialect == SQL_MYSQL)) {
        const char *end = memchr(x->text + at, '\n', x->len - at);

        return end ? (size_t)(end - x->text) : x->len;
    }
    if (x->executing && c == '*' && d == '/') {
        x->executing--;
        return at + 2;
    }
    if (c != '/' || d != '*')
        return at;
    d = byte_at(x, at + 2);
    if (x->dialect == SQL_MYSQL && (d == '!' || (d == 'M' && byte_at(x, at + 3) == '!'))) {
        x->executing++;
        for (at += d == '!' ? 3 : 4; is_digit(x, at); at++)
            ;
        return at;
    }
    for (; at < x->len; at++) {
        c = x->text[at], d = byte_at(x, at + 1);
        if (c == '/' && d == '*' && (!depth || x->dialect == SQL_POSTGRESQL))
            depth++, at++;
        else if (c == '*' && d == '/' && at++ && --depth == 0)
            return at + 1;
    }
    return x->len;
}

static size_t spaces_end(struct sql_lexer *x, size_t at)
{
    for (size_t end;; at = end) {
        while (at < x->len && class_of(x->text[at]) == SPACE)
            at++;
        end = at < x->len ? comment_end(x, at) : at;
        if (end == at)
            return at;
    }
}

static size_t digits_end(const struct sql_lexer *x, size_t at)
{
    while (is_digit(x, at) || (byte_at(x, at) == '_' && is_digit(x, at + 1)))
        at++;
    return at;
}

static size_t number_end(const struct sql_lexer *x, size_t at)
{
    char base = byte_at(x, at + 1) | 0x20, c;
    size_t exponent;

    if (byte_at(x, at) == '0' && (base == 'x' || base == 'b' || base == 'o') &&
        in_word(x, at + 2)) {
        for (at += 2; in_word(x, at); at++)
            ;
        return at;
    }
    at = digits_end(x, at);
    if (byte_at(x, at) == '.')
        at = digits_end(x, at + 1);
    if ((byte_at(x, at) | 0x20) != 'e')
        return at;
    c = byte_at(x, at + 1);
    exponent = at + 1 + (c == '+' || c == '-');
    return is_digit(x, exponent) ? digits_end(x, exponent) : at;
}

/* Whether the word of `len` bytes at `at` is but a text's prefix: E'…', N'…', x'…', _utf8'…'. The
 * quote is then at *quote. */
static bool is_prefix(const struct sql_lexer *x, size_t at, size_t len, size_t *quote)
{
    char c = byte_at(x, at) | 0x20;
    size_t end = at + len;

    *quote = end;
    if (len == 1 && byte_at(x, end) == '\'')
        return x->dialect == SQL_SQLITE       ? c == 'x'
               : x->dialect == SQL_POSTGRESQL ? c == 'e' || c == 'x' || c == 'b' || c == 'n'
                                              : c == 'x' || c == 'b' || c == 'n';
    if (len == 1 && x->dialect == SQL_POSTGRESQL && c == 'u' && byte_at(x, end) == '&' &&
        byte_at(x, end + 1) == '\'') {
        *quote = end + 1;
        return true;
    }
    if (x->dialect != SQL_MYSQL || len < 2 || x->text[at] != '_')
        return false;
    while (class_of(byte_at(x, end)) == SPACE && end < x->len)
        end++;
    *quote = end;
    return byte_at(x, end) == '\'' || byte_at(x, end) == '"';
}

static enum sql_token_kind word_read(struct sql_lexer *x, size_t *at)
{
    size_t from = *at, quote;

    while (in_word(x, *at))
        ++*at;
    if (is_prefix(x, from, *at - from, &quote)) {
        bool escapes = x->dialect == SQL_MYSQL || (x->text[from] | 0x20) == 'e';

        *at = quoted_end(x, quote, x->text[quote], escapes);
        return SQL_STRING;
    }
    if (*at - from == 1 && x->dialect == SQL_POSTGRESQL && (x->text[from] | 0x20) == 'u' &&
        byte_at(x, *at) == '&' && byte_at(x, *at + 1) == '"') {
        *at = quoted_end(x, *at + 1, '"', false);
        return SQL_QUOTED;
    }
    return SQL_WORD;
}

/* In SQLite a name in double quotes that is no column's is a text. What is compared with and
 * could be no plain name is taken for one, so that no value is kept. */
static bool is_misquoted(const struct sql_lexer *x, size_t at, size_t end)
{
    if (x->dialect != SQL_SQLITE || !x->compared || byte_at(x, end) == '.')
        return false;
    for (at++; at + 1 < end; at++)
        if (!in_word(x, at))
            return true;
    return false;
}

static enum sql_token_kind quote_read(struct sql_lexer *x, size_t *at)
{
    size_t from = *at;
    char c = x->text[from];

    if (c == '[') {
        const char *end = memchr(x->text + from, ']', x->len - from);

        *at = end ? (size_t)(end - x->text) + 1 : x->len;
        return SQL_QUOTED;
    }
    *at = quoted_end(x, from, c, x->dialect == SQL_MYSQL && c != '`');
    if (c == '\'' || (c == '"' && (x->dialect == SQL_MYSQL || is_misquoted(x, from, *at))))
        return SQL_STRING;
    return SQL_QUOTED;
}

/* A run of symbols, as PostgreSQL has it: it ends before a comment, and before a sign unless it
 * has a character that no ordinary operator has. */
static size_t symbols_end(const struct sql_lexer *x, size_t at)
{
    size_t from = at;
    bool special = false;

    for (; class_of(byte_at(x, at)) == SYMBOL; at++) {
        char c = x->text[at], d = byte_at(x, at + 1);

        if ((c == '-' && d == '-') || (c == '/' && d == '*') ||
            (x->executing && c == '*' && d == '/'))
            break;
        if (at > from && x->dialect != SQL_POSTGRESQL && (c == '@' || c == '#'))
            break;
        special |= strchr("~!@#%^&|", c) != NULL;
    }
    if (at > from && x->dialect == SQL_POSTGRESQL && x->text[at - 1] == '@' &&
        byte_at(x, at) == '?')
        return at + 1; /* @? */
    while (at > from + 1 && !special && (x->text[at - 1] == '-' || x->text[at - 1] == '+'))
        at--;
    return at > from ? at : from + 1;
}

static size_t name_end(const struct sql_lexer *x, size_t at)
{
    while (in_word(x, at))
        at++;
    return at;
}

static enum sql_token_kind dollar_read(struct sql_lexer *x, size_t *at)
{
    size_t end = x->dialect == SQL_POSTGRESQL ? dollar_end(x, *at) : 0;

    if (end) {
        *at = end;
        return SQL_STRING;
    }
    *at = name_end(x, *at + 1);
    return x->dialect == SQL_MYSQL ? SQL_WORD : SQL_PARAM;
}

static enum sql_token_kind question_read(struct sql_lexer *x, size_t *at)
{
    char d = byte_at(x, ++*at);

    if (x->dialect == SQL_POSTGRESQL && (d == '|' || d == '&') && byte_at(x, *at + 1) != d) {
        ++*at;
        return SQL_OPERATOR; /* of jsonb: ?| and ?& */
    }
    while (x->dialect == SQL_SQLITE && is_digit(x, *at))
        ++*at;
    return x->dialect == SQL_POSTGRESQL && x->operand ? SQL_OPERATOR : SQL_PARAM;
}

static enum sql_token_kind colon_read(struct sql_lexer *x, size_t *at)
{
    char d = byte_at(x, ++*at);

    if (d == ':') {
        ++*at;
        return SQL_CAST;
    }
    if (d == '=')
        ++*at;
    else if (in_word(x, *at) && !(x->dialect == SQL_POSTGRESQL && x->operand)) {
        *at = name_end(x, *at);
        return SQL_PARAM;
    }
    return SQL_OPERATOR;
}

static enum sql_token_kind at_read(struct sql_lexer *x, size_t *at)
{
    if (x->dialect == SQL_POSTGRESQL || (x->dialect == SQL_SQLITE && !in_word(x, *at + 1))) {
        *at = symbols_end(x, *at);
        return SQL_OPERATOR;
    }
    for (++*at; byte_at(x, *at) == '@'; ++*at)
        ;
    *at = name_end(x, *at);
    return x->dialect == SQL_SQLITE ? SQL_PARAM : SQL_WORD; /* a variable of MySQL */
}

static enum sql_token_kind digit_read(struct sql_lexer *x, size_t *at)
{
    size_t name = name_end(x, *at);

    *at = number_end(x, *at);
    if (x->dialect != SQL_MYSQL || name <= *at)
        return SQL_NUMBER;
    *at = name; /* names may begin with a digit there */
    return SQL_WORD;
}

static enum sql_token_kind symbol_read(struct sql_lexer *x, size_t *at)
{
    char c = x->text[*at], d = byte_at(x, *at + 1);

    if ((c == '-' || c == '+') && !x->operand &&
        (is_digit(x, *at + 1) || (d == '.' && is_digit(x, *at + 2)))) {
        *at = number_end(x, *at + 1);
        return SQL_NUMBER;
    }
    if (c == '@')
        return at_read(x, at);
    *at = symbols_end(x, *at);
    return SQL_OPERATOR;
}

static enum sql_token_kind other_read(struct sql_lexer *x, size_t *at)
{
    switch (x->text[*at]) {
    case '\'':
    case '"':
        return quote_read(x, at);
    case '`':
        if (x->dialect != SQL_POSTGRESQL)
            return quote_read(x, at);
        break;
    case '[':
        if (x->dialect == SQL_SQLITE)
            return quote_read(x, at);
        ++*at;
        return SQL_OPEN;
    case '$':
        return dollar_read(x, at);
    case '?':
        return question_read(x, at);
    case ':':
        return colon_read(x, at);
    case '.':
        if (is_digit(x, *at + 1) && !x->operand) {
            *at = number_end(x, *at);
            return SQL_NUMBER;
        }
        ++*at;
        return SQL_DOT;
    case '(':
        ++*at;
        return SQL_OPEN;
    case ')':
    case ']':
        ++*at;
        return SQL_CLOSE;
    case ',':
        ++*at;
        return SQL_COMMA;
    case ';':
        ++*at;
        return SQL_SEMICOLON;
    default:
        break;
    }
    ++*at;
    return SQL_OPERATOR;
}

bool sql_token_next(struct sql_lexer *x, struct sql_token *t)
{
    size_t from = spaces_end(x, x->at), at = from;

    *t = (struct sql_token){ .kind = SQL_END, .ptr = x->len ? x->text + from : "" };
    x->at = from;
    if (from >= x->len)
        return false;
    switch (class_of(x->text[from])) {
    case LETTER:
        t->kind = word_read(x, &at);
        break;
    case DIGIT:
        t->kind = digit_read(x, &at);
        break;
    case SYMBOL:
        t->kind = symbol_read(x, &at);
        break;
    case SPACE:
    case OTHER:
        t->kind = other_read(x, &at);
        break;
    }
    x->at = at;
    t->len = at - from;
    if (t->kind == SQL_WORD)
        word_look_up(t);
    x->operand = t->kind == SQL_QUOTED || t->kind == SQL_STRING || t->kind == SQL_NUMBER ||
                 t->kind == SQL_PARAM || t->kind == SQL_CLOSE || (t->kind == SQL_WORD && !t->opens);
    x->compared = t->kind == SQL_OPERATOR || t->word == SQL_KW_LIKE || t->word == SQL_KW_GLOB;
    return true;
}
