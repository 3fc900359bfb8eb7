/* sql/shape.c -- what a statement that comes again and again says of itself */
#include "sql/shape.h"

#include <string.h>

/* What has been seen of it. */
struct look {
    bool select, write, from, limit, limit_one, offset, below, above, equal, between, many;
    bool skip_locked, offset_param;
    unsigned rows; /* of VALUES */
};

static bool is(const struct sql_token *t, enum sql_word word)
{
    return t->kind == SQL_WORD && t->word == word;
}

static bool names(const struct sql_token *t, const char *name)
{
    size_t len = strlen(name);

    if (t->kind != SQL_WORD || t->len != len)
        return false;
    for (size_t i = 0; i < len; i++)
        if ((t->ptr[i] >= 'A' && t->ptr[i] <= 'Z' ? t->ptr[i] | 0x20 : t->ptr[i]) != name[i])
            return false;
    return true;
}

static bool is_value(const struct sql_token *t)
{
    return t->kind == SQL_STRING || t->kind == SQL_NUMBER || t->kind == SQL_PARAM;
}

/* After `in (`: two values or more. Looks ahead with a lexer of its own. */
static bool list_is_long(struct sql_lexer lexer)
{
    struct sql_token t;

    if (!sql_token_next(&lexer, &t) || t.kind != SQL_OPEN)
        return false;
    if (!sql_token_next(&lexer, &t) || !is_value(&t))
        return false;
    return sql_token_next(&lexer, &t) && t.kind == SQL_COMMA;
}

/* How many rows follow `values`, up to two. */
static unsigned rows_count(struct sql_lexer lexer)
{
    struct sql_token t;
    unsigned depth = 0, rows = 0;

    while (rows < 2 && sql_token_next(&lexer, &t)) {
        if (t.kind == SQL_OPEN && depth++ == 0)
            rows++;
        else if (t.kind == SQL_CLOSE && depth > 0)
            depth--;
        else if (depth == 0 && t.kind != SQL_COMMA && !is(&t, SQL_KW_ROW))
            break;
    }
    return rows;
}

static bool is_operator(const struct sql_token *t, const char *text)
{
    return t->kind == SQL_OPERATOR && t->len == strlen(text) && memcmp(t->ptr, text, t->len) == 0;
}

static void look_at(struct look *l, const struct sql_token *t, const struct sql_lexer *rest)
{
    static const char *const lists[] = {
        "unnest",     "json_each", "json_table",     "json_to_recordset", "jsonb_to_recordset",
        "jsonb_each", "openjson",  "generate_series"
    };
    struct sql_lexer ahead = *rest;
    struct sql_token next;

    l->below |= is_operator(t, "<") || is_operator(t, "<=");
    l->above |= is_operator(t, ">") || is_operator(t, ">=");
    l->equal |= is_operator(t, "=") || is_operator(t, "==") || is_operator(t, "<=>");
    if (t->kind != SQL_WORD)
        return;
    l->select |= t->word == SQL_KW_SELECT;
    l->write |= t->word == SQL_KW_INSERT || t->word == SQL_KW_UPDATE || t->word == SQL_KW_DELETE ||
                names(t, "merge");
    l->from |= t->word == SQL_KW_FROM;
    l->between |= t->word == SQL_KW_BETWEEN;
    if (t->word == SQL_KW_OFFSET) {
        l->offset = true;
        l->offset_param = sql_token_next(&ahead, &next) && next.kind == SQL_PARAM;
    }
    l->skip_locked |= t->word == SQL_KW_SKIP || t->word == SQL_KW_LOCKED;
    if (t->word == SQL_KW_VALUES && l->rows == 0)
        l->rows = rows_count(*rest);
    if (t->word == SQL_KW_LIMIT || t->word == SQL_KW_FETCH) {
        l->limit = true;
        l->limit_one = sql_token_next(&ahead, &next) && next.len == 1 && *next.ptr == '1';
    }
    if (t->word == SQL_KW_IN)
        l->many |= list_is_long(*rest);
    if (t->word == SQL_KW_ANY || t->word == SQL_KW_ALL)
        l->many |= sql_token_next(&ahead, &next) && next.kind == SQL_OPEN && t->word == SQL_KW_ANY;
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        l->many |= names(t, lists[i]);
}

static uint32_t transaction(const struct sql_token *first, const struct sql_token *second)
{
    if (is(first, SQL_KW_BEGIN) || (is(first, SQL_KW_START) && is(second, SQL_KW_TRANSACTION)))
        return SQL_SHAPE_TRANSACTION_BEGIN | SQL_SHAPE_DELIBERATE;
    if (is(first, SQL_KW_COMMIT) || is(first, SQL_KW_END) || names(first, "abort") ||
        (is(first, SQL_KW_ROLLBACK) && !is(second, SQL_KW_TO)))
        return SQL_SHAPE_TRANSACTION_END | SQL_SHAPE_DELIBERATE;
    return 0;
}

/* A piece of a range, or a page of a list: where it goes on is what the last one told. */
static bool is_part(const struct look *l)
{
    if (l->skip_locked)
        return true;
    if (l->limit && !l->limit_one && (l->below || l->above))
        return true;
    return !l->equal && (l->between || (l->below && l->above));
}

uint32_t sql_shape(const char *text, size_t len, enum sql_dialect dialect)
{
    struct sql_lexer lexer = { .dialect = dialect, .text = text, .len = len };
    struct sql_token first = { 0 }, second = { 0 }, t;
    struct look l = { 0 };
    uint32_t shape;
    size_t n = 0;

    while (sql_token_next(&lexer, &t)) {
        if (n == 0 && t.kind == SQL_OPEN)
            continue;
        if (n == 0)
            first = t;
        else if (n == 1)
            second = t;
        n++;
        look_at(&l, &t, &lexer);
    }
    shape = transaction(&first, &second);
    if (shape)
        return shape;
    if (!is(&first, SQL_KW_SELECT) && !is(&first, SQL_KW_WITH) && !is(&first, SQL_KW_INSERT) &&
        !is(&first, SQL_KW_UPDATE) && !is(&first, SQL_KW_DELETE) && !is(&first, SQL_KW_REPLACE) &&
        !names(&first, "merge") && !names(&first, "call"))
        return SQL_SHAPE_DELIBERATE;
    shape = is(&first, SQL_KW_SELECT) || (is(&first, SQL_KW_WITH) && !l.write) ? SQL_SHAPE_READ
                                                                               : SQL_SHAPE_WRITE;
    if (l.many || l.rows > 1 || is_part(&l) || (shape == SQL_SHAPE_READ && !l.from))
        return shape | SQL_SHAPE_DELIBERATE;
    if (l.offset)
        shape |= SQL_SHAPE_DELIBERATE | (l.offset_param ? SQL_SHAPE_PAGE : 0);
    return shape;
}

/* A name, with what it is qualified by: the last part of it. */
static bool name_next(struct sql_lexer *lexer, struct sql_token *out)
{
    struct sql_token t;
    struct sql_lexer ahead;

    if (!sql_token_next(lexer, out) || (out->kind != SQL_WORD && out->kind != SQL_QUOTED))
        return false;
    for (;;) {
        ahead = *lexer;
        if (!sql_token_next(&ahead, &t) || t.kind != SQL_DOT || !sql_token_next(&ahead, &t) ||
            (t.kind != SQL_WORD && t.kind != SQL_QUOTED))
            return true;
        *out = t;
        *lexer = ahead;
    }
}

/* The column of the first `column = value`; nothing after an OR is as simple. */
static void column_find(struct sql_subject *out, struct sql_lexer lexer)
{
    struct sql_token t, name;
    bool where = false;

    while (sql_token_next(&lexer, &t)) {
        struct sql_lexer ahead;

        where |= is(&t, SQL_KW_WHERE);
        if (is(&t, SQL_KW_OR)) {
            out->column = NULL;
            break;
        }
        if (!where || out->column || (t.kind != SQL_WORD && t.kind != SQL_QUOTED))
            continue;
        name = t;
        ahead = lexer;
        if (!sql_token_next(&ahead, &t) || !is_operator(&t, "=") || !sql_token_next(&ahead, &t) ||
            !is_value(&t))
            continue;
        out->column = name.ptr;
        out->column_len = name.len;
    }
    if (!out->column)
        out->column_len = 0;
}

struct sql_subject sql_subject(const char *text, size_t len, enum sql_dialect dialect)
{
    struct sql_lexer lexer = { .dialect = dialect, .text = text, .len = len };
    struct sql_subject out = { 0 };
    struct sql_token t, name;

    if (!sql_token_next(&lexer, &t) || t.kind != SQL_WORD)
        return out;
    if (t.word == SQL_KW_SELECT || t.word == SQL_KW_DELETE) {
        out.verb = t.word;
        while (sql_token_next(&lexer, &t) && !is(&t, SQL_KW_FROM))
            ;
    } else if (t.word == SQL_KW_INSERT || t.word == SQL_KW_REPLACE) {
        out.verb = SQL_KW_INSERT;
        while (sql_token_next(&lexer, &t) && !is(&t, SQL_KW_INTO))
            ;
    } else if (t.word == SQL_KW_UPDATE) {
        out.verb = SQL_KW_UPDATE;
    } else {
        return out;
    }
    if (!name_next(&lexer, &name))
        return out;
    out.table = name.ptr;
    out.table_len = name.len;
    if (out.verb != SQL_KW_INSERT)
        column_find(&out, lexer);
    return out;
}
