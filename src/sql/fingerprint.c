/* sql/fingerprint.c -- a statement without its values, and a number that stands for it
 *
 * A list (of IN, ARRAY or VALUES) is watched while it is written: at the end of each item its hash
 * is compared with those of the items before, and what was there already is taken back, by going
 * back to the mark that was made before it. The hash is built token by token for that reason.
 */
#include "sql/fingerprint.h"

#include <string.h>
#include <strings.h>

enum {
    LISTS_MAX = 6,  /* lists within each other; deeper ones are written as they are */
    ITEMS_MAX = 16, /* different items of one list; further ones are written as they are */
};

static const uint64_t FNV_BASIS = 0xcbf29ce484222325, FNV_PRIME = 0x100000001b3;
static const uint64_t CHAIN = 0x9e3779b97f4a7c15;

/* What the space before a token depends on. */
enum last { LAST_NONE, LAST_NAME, LAST_OPENER, LAST_VALUE, LAST_OPEN, LAST_TIGHT, LAST_OTHER };

/* All that a token that is taken back has changed. */
struct mark {
    size_t len;
    uint64_t hash;
    uint64_t item[LISTS_MAX];
    unsigned params;
    enum last last;
};

struct list {
    unsigned depth; /* that its items' ends are at */
    bool of_rows;   /* VALUES: an item is a row with its parentheses */
    bool between;   /* a row has ended, and no comma has come */
    bool fresh;     /* nothing has come yet */
    unsigned items;
    uint64_t seen[ITEMS_MAX];
    struct mark before; /* the item and its comma */
};

/* What an identifier is in a statement that names what a library has made up. */
enum named { NAMED_NOT, NAMED_ALL, NAMED_FIRST };

struct writer {
    enum sql_dialect dialect;
    char *out;
    size_t room;
    struct mark now;
    size_t cut; /* where the text ends when not all of it fits; SIZE_MAX: it does */
    struct list list[LISTS_MAX];
    unsigned lists;
    unsigned depth;
    unsigned by_depth; /* of ORDER BY or GROUP BY, and one; 0: not there */
    bool ordinal;      /* a number would be an ordinal */
    bool semicolon;    /* one is due before the next token */
    bool starts;       /* the next token begins a statement */
    enum named named;
    struct sql_token last; /* the token before */
};

/* As it is written: a statement is one line. */
static char shown(char c, bool fold)
{
    if (fold && c >= 'A' && c <= 'Z')
        return (char)(c + 32);
    return (unsigned char)c < ' ' || c == 127 ? ' ' : c;
}

static uint64_t mix(uint64_t h)
{
    h = (h ^ (h >> 33)) * 0xff51afd7ed558ccd;
    h = (h ^ (h >> 33)) * 0xc4ceb9fe1a85ec53;
    return h ^ (h >> 33);
}

static void hash_add(struct writer *w, uint64_t h)
{
    h = mix(h);
    w->now.hash = (w->now.hash ^ h) * CHAIN;
    for (unsigned i = 0; i < w->lists; i++)
        w->now.item[i] = (w->now.item[i] ^ h) * CHAIN;
}

/* The token's bytes, if all fit with room for "…" and a NUL. */
static void put(struct writer *w, const char *s, size_t len, bool space, bool fold)
{
    size_t at = w->now.len;

    w->now.len += space + len;
    if (w->cut != SIZE_MAX || w->now.len < at || w->now.len + 4 > w->room) {
        if (w->cut == SIZE_MAX)
            w->cut = at;
        return;
    }
    if (space)
        w->out[at++] = ' ';
    for (size_t i = 0; i < len; i++)
        w->out[at + i] = shown(s[i], fold);
}

static void go_back(struct writer *w, const struct mark *to)
{
    w->now = *to;
    if (w->cut >= to->len)
        w->cut = SIZE_MAX;
}

static bool wants_space(enum last last, const struct sql_token *t)
{
    if (last == LAST_TIGHT)
        return *t->ptr >= '0' && *t->ptr <= '9' && t->kind == SQL_WORD; /* `.2` is a number */
    if (last == LAST_NONE || last == LAST_OPEN)
        return false;
    switch (t->kind) {
    case SQL_CLOSE:
    case SQL_COMMA:
        return false;
    case SQL_DOT:
    case SQL_CAST:
        return last != LAST_NAME && last != LAST_VALUE;
    case SQL_OPEN:
        return *t->ptr == '(' ? last != LAST_NAME : last == LAST_OPENER || last == LAST_OTHER;
    case SQL_WORD:
    case SQL_QUOTED:
    case SQL_STRING:
    case SQL_NUMBER:
    case SQL_PARAM:
    case SQL_OPERATOR:
    case SQL_SEMICOLON:
    case SQL_END:
        break;
    }
    return true;
}

static enum last last_of(const struct sql_token *t)
{
    switch (t->kind) {
    case SQL_WORD:
        return t->opens && t->word != SQL_KW_ANY && t->word != SQL_KW_ALL ? LAST_OPENER : LAST_NAME;
    case SQL_QUOTED:
        return LAST_NAME;
    case SQL_OPEN:
        return LAST_OPEN;
    case SQL_DOT:
    case SQL_CAST:
        return LAST_TIGHT;
    case SQL_STRING:
    case SQL_PARAM:
    case SQL_CLOSE:
        return LAST_VALUE;
    case SQL_NUMBER: /* an ordinal */
    case SQL_OPERATOR:
    case SQL_COMMA:
    case SQL_SEMICOLON:
    case SQL_END:
        break;
    }
    return LAST_OTHER;
}

static void write_value(struct writer *w)
{
    static const struct sql_token placeholder = { .kind = SQL_PARAM, .ptr = "?", .len = 1 };
    char text[12] = "?";
    size_t len = 1;

    if (w->dialect == SQL_POSTGRESQL) {
        unsigned n = ++w->now.params;
        char digits[10];
        size_t count = 0;

        for (; n; n /= 10)
            digits[count++] = (char)('0' + n % 10);
        text[0] = '$';
        while (count)
            text[len++] = digits[--count];
    }
    put(w, text, len, wants_space(w->now.last, &placeholder), false);
    hash_add(w, '?');
    w->now.last = LAST_VALUE;
}

static void write_token(struct writer *w, const struct sql_token *t)
{
    bool fold = t->kind == SQL_WORD && (t->word || w->dialect != SQL_MYSQL);
    uint64_t h = FNV_BASIS;

    put(w, t->ptr, t->len, wants_space(w->now.last, t), fold);
    for (size_t i = 0; i < t->len; i++)
        h = (h ^ (unsigned char)shown(t->ptr[i], fold)) * FNV_PRIME;
    hash_add(w, h);
    w->now.last = last_of(t);
}

static struct list *innermost(struct writer *w)
{
    return w->lists ? &w->list[w->lists - 1] : NULL;
}

/* At the end of an item: what is like one before is taken back. */
static void item_end(struct writer *w, struct list *l)
{
    uint64_t h = w->now.item[w->lists - 1];

    for (unsigned i = 0; i < l->items && i < ITEMS_MAX; i++) {
        if (l->seen[i] != h)
            continue;
        go_back(w, &l->before);
        return;
    }
    if (l->items < ITEMS_MAX)
        l->seen[l->items++] = h;
}

static void item_begin(struct writer *w)
{
    w->now.item[w->lists - 1] = 0;
}

static void list_push(struct writer *w, unsigned depth, bool of_rows)
{
    if (w->lists == LISTS_MAX)
        return;
    w->list[w->lists++] = (struct list){ .depth = depth, .of_rows = of_rows, .fresh = true };
    w->list[w->lists - 1].before = w->now;
    item_begin(w);
}

/* Whether `t`, an opening bracket, begins a list, going by what stands before it. */
static void list_open(struct writer *w, const struct sql_token *t)
{
    const struct sql_token *last = &w->last;

    if (last->kind != SQL_WORD)
        return;
    if (*t->ptr == '(' &&
        (last->word == SQL_KW_VALUES ||
         (w->dialect == SQL_MYSQL && last->len == 5 && strncasecmp(last->ptr, "value", 5) == 0)))
        list_push(w, w->depth, true); /* before the row's parenthesis */
}

static void list_opened(struct writer *w, const struct sql_token *t)
{
    const struct sql_token *last = &w->last;

    if (*t->ptr == '(' ? last->word == SQL_KW_IN : last->word == SQL_KW_ARRAY)
        list_push(w, w->depth, false);
}

/* What comes before `t` is written: the lists that end there, or that are none. */
static void lists_before(struct writer *w, const struct sql_token *t)
{
    struct list *l;

    while ((l = innermost(w))) {
        if (l->of_rows && l->between && t->kind != SQL_COMMA) {
            if (t->kind == SQL_OPEN && w->last.kind == SQL_COMMA && w->depth == l->depth) {
                l->between = false; /* the next row */
                item_begin(w);
                return;
            }
            w->lists--;
            continue;
        }
        if (l->fresh && !l->of_rows && t->kind == SQL_WORD &&
            (t->word == SQL_KW_SELECT || t->word == SQL_KW_WITH || t->word == SQL_KW_VALUES)) {
            w->lists--; /* a query */
            continue;
        }
        l->fresh = false;
        if (!l->of_rows && t->kind == SQL_CLOSE && w->depth == l->depth) {
            item_end(w, l);
            w->lists--;
            continue;
        }
        return;
    }
}

/* A comma between items: the item before it ends. */
static void comma_write(struct writer *w, const struct sql_token *t)
{
    struct list *l = innermost(w);

    if (!l || w->depth != l->depth) {
        write_token(w, t);
        return;
    }
    if (!l->of_rows)
        item_end(w, l);
    l->before = w->now;
    write_token(w, t);
    if (!l->of_rows)
        item_begin(w);
}

static void bracket_write(struct writer *w, const struct sql_token *t)
{
    struct list *l;

    if (t->kind == SQL_OPEN) {
        list_open(w, t);
        write_token(w, t);
        w->depth++;
        list_opened(w, t);
        return;
    }
    write_token(w, t);
    if (w->depth)
        w->depth--;
    if (w->by_depth > w->depth + 1)
        w->by_depth = 0;
    if ((l = innermost(w)) && l->of_rows && !l->between && w->depth == l->depth) {
        item_end(w, l);
        l->between = true;
    }
}

/* NULL, TRUE and FALSE are values, but for IS NULL, NOT NULL, ON TRUE, and what stands in a name.
 */
static bool is_constant(const struct writer *w, const struct sql_token *t)
{
    const struct sql_token *last = &w->last;

    if (t->kind != SQL_WORD || last->kind == SQL_DOT ||
        !(t->word == SQL_KW_NULL || t->word == SQL_KW_TRUE || t->word == SQL_KW_FALSE))
        return false;
    return last->word != SQL_KW_IS && last->word != SQL_KW_NOT && last->word != SQL_KW_ON &&
           last->word != SQL_KW_DEFAULT && last->word != SQL_KW_SET;
}

static bool is_value(const struct writer *w, const struct sql_token *t)
{
    switch (t->kind) {
    case SQL_STRING:
    case SQL_PARAM:
        return true;
    case SQL_NUMBER:
        return !(w->ordinal && t->len <= 3 && *t->ptr >= '1' && *t->ptr <= '9');
    case SQL_WORD:
        return is_constant(w, t);
    case SQL_QUOTED:
    case SQL_OPERATOR:
    case SQL_CAST:
    case SQL_OPEN:
    case SQL_CLOSE:
    case SQL_COMMA:
    case SQL_DOT:
    case SQL_SEMICOLON:
    case SQL_END:
        break;
    }
    return false;
}

static void statement_begin(struct writer *w, const struct sql_token *t)
{
    static const struct {
        enum sql_word word;
        enum named named;
    } first[] = {
        { SQL_KW_SAVEPOINT, NAMED_ALL },  { SQL_KW_RELEASE, NAMED_ALL },
        { SQL_KW_ROLLBACK, NAMED_ALL },   { SQL_KW_CLOSE, NAMED_ALL },
        { SQL_KW_DEALLOCATE, NAMED_ALL }, { SQL_KW_PREPARE, NAMED_FIRST },
        { SQL_KW_EXECUTE, NAMED_FIRST },  { SQL_KW_DECLARE, NAMED_FIRST },
        { SQL_KW_FETCH, NAMED_ALL },      { SQL_KW_MOVE, NAMED_ALL },
    };

    w->named = NAMED_NOT;
    for (size_t i = 0; i < sizeof(first) / sizeof(first[0]); i++)
        if (t->word == first[i].word)
            w->named = first[i].named;
}

/* A name that a library has made up: of a savepoint, a cursor, a prepared statement. */
static bool is_made_up(struct writer *w, const struct sql_token *t)
{
    static const uint8_t words[] = {
        SQL_KW_TO,      SQL_KW_SAVEPOINT, SQL_KW_WORK,     SQL_KW_TRANSACTION, SQL_KW_ALL,
        SQL_KW_PREPARE, SQL_KW_PREPARED,  SQL_KW_AND,      SQL_KW_CHAIN,       SQL_KW_NO,
        SQL_KW_FROM,    SQL_KW_IN,        SQL_KW_NEXT,     SQL_KW_PRIOR,       SQL_KW_FIRST,
        SQL_KW_LAST,    SQL_KW_ABSOLUTE,  SQL_KW_RELATIVE, SQL_KW_FORWARD,     SQL_KW_BACKWARD
    };

    if (w->named == NAMED_NOT || (t->kind != SQL_WORD && t->kind != SQL_QUOTED))
        return false;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (t->word == words[i])
            return false;
    if (w->named == NAMED_FIRST)
        w->named = NAMED_NOT;
    return true;
}

/* Where ORDER BY and GROUP BY begin and end, in which a small number is an ordinal. */
static void by_follow(struct writer *w, const struct sql_token *t)
{
    static const uint8_t ends[] = { SQL_KW_LIMIT, SQL_KW_OFFSET, SQL_KW_HAVING, SQL_KW_FETCH,
                                    SQL_KW_FOR,   SQL_KW_WHERE,  SQL_KW_ROWS,   SQL_KW_RANGE,
                                    SQL_KW_UNION, SQL_KW_EXCEPT, SQL_KW_SELECT, SQL_KW_WITHIN };

    w->ordinal = false;
    if (t->word == SQL_KW_BY)
        w->by_depth = w->depth + 1;
    for (size_t i = 0; w->by_depth && t->kind == SQL_WORD && i < sizeof(ends) / sizeof(ends[0]);
         i++)
        if (t->word == ends[i])
            w->by_depth = 0;
    w->ordinal = w->by_depth == w->depth + 1 && (t->word == SQL_KW_BY || t->kind == SQL_COMMA);
}

static void token_write(struct writer *w, const struct sql_token *t)
{
    bool first = w->starts;

    if (t->kind == SQL_SEMICOLON) {
        w->semicolon |= !w->starts;
        w->starts = true;
        w->lists = w->depth = w->by_depth = 0;
        w->ordinal = false;
        return;
    }
    if (w->semicolon)
        write_token(w, &(struct sql_token){ .kind = SQL_COMMA, .ptr = ";", .len = 1 });
    w->semicolon = w->starts = false;
    if (first)
        statement_begin(w, t);
    lists_before(w, t);
    if (t->kind == SQL_STRING && w->last.kind == SQL_STRING)
        return; /* one text in two parts */
    if (is_value(w, t) || (!first && is_made_up(w, t))) {
        write_value(w);
        w->ordinal = false;
        return;
    }
    if (t->kind == SQL_COMMA)
        comma_write(w, t);
    else if (t->kind == SQL_OPEN || t->kind == SQL_CLOSE)
        bracket_write(w, t);
    else
        write_token(w, t);
    by_follow(w, t);
}

size_t sql_fingerprint(const char *text, size_t len, enum sql_dialect dialect, char *out,
                       size_t room, uint64_t *hash)
{
    struct sql_lexer lexer = { .dialect = dialect, .text = text, .len = len };
    struct sql_token token;
    struct writer w;

    w.dialect = dialect;
    w.out = out;
    w.room = room;
    w.now = (struct mark){ 0 };
    w.cut = SIZE_MAX;
    w.lists = w.depth = w.by_depth = 0;
    w.ordinal = w.semicolon = false;
    w.starts = true;
    w.named = NAMED_NOT;
    w.last = (struct sql_token){ 0 };
    while (sql_token_next(&lexer, &token)) {
        token_write(&w, &token);
        w.last = token;
    }
    if (hash)
        *hash = mix(w.now.hash);
    len = w.now.len;
    if (w.cut != SIZE_MAX) {
        len = w.cut;
        if (room >= 4) {
            memcpy(out + len, "…", 3);
            len += 3;
        }
    }
    if (room)
        out[len] = '\0';
    return len;
}

bool sql_fingerprint_is_whole(const char *out, size_t len)
{
    return len < 3 || memcmp(out + len - 3, "…", 3) != 0;
}
