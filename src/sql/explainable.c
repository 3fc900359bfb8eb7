/* sql/explainable.c -- statements as people and apps give them, made ready to be explained */
#include "sql/explainable.h"

struct str explainable_next(struct str *rest, enum sql_dialect dialect)
{
    while (rest->len) {
        struct sql_lexer lexer = { .dialect = dialect, .text = rest->ptr, .len = rest->len };
        struct sql_token t;
        const char *from = NULL, *to = NULL;

        while (sql_token_next(&lexer, &t) && t.kind != SQL_SEMICOLON) {
            from = from ? from : t.ptr;
            to = t.ptr + t.len;
        }
        *rest = str_sub(*rest, lexer.at, rest->len);
        if (from)
            return str_make(from, (size_t)(to - from));
    }
    return (struct str){ 0 };
}

enum explainable_verb explainable_verb(struct str statement, enum sql_dialect dialect)
{
    static const char *const verbs[] = { "select", "with",  "insert",  "update", "delete",
                                         "merge",  "table", "replace", "values" };
    struct sql_lexer lexer = { .dialect = dialect, .text = statement.ptr, .len = statement.len };
    struct sql_token t = { .kind = SQL_END };

    while (sql_token_next(&lexer, &t) && t.kind == SQL_OPEN)
        ;
    for (u32 i = 0; t.kind == SQL_WORD && i < ARRAY_LEN(verbs); i++)
        if (str_eq_nocase(str_make(t.ptr, t.len), str_of(verbs[i])))
            return EXPLAINABLE_YES;
    return t.word == SQL_KW_EXPLAIN ? EXPLAINABLE_ALREADY : EXPLAINABLE_NO;
}

/* Types that may stand before a text: date '2026-11-26'. */
static bool is_typed(const struct sql_token *t)
{
    static const char *const types[] = { "date", "time", "timestamp", "timestamptz", "interval" };

    for (u32 i = 0; t->kind == SQL_WORD && i < ARRAY_LEN(types); i++)
        if (str_eq_nocase(str_make(t->ptr, t->len), str_of(types[i])))
            return true;
    return false;
}

static void param_add(struct buf *out, enum sql_dialect dialect, u32 number)
{
    if (dialect == SQL_POSTGRESQL)
        buf_addf(out, "$%u", number);
    else
        buf_addc(out, '?');
}

/* $12 is 12; what has no number is the next one. */
static u32 number_of(const struct sql_token *t, enum sql_dialect dialect, u32 params)
{
    u64 n;

    if (dialect == SQL_POSTGRESQL && str_to_u64(str_make(t->ptr + 1, t->len - 1), &n) && n >= 1 &&
        n <= 65535)
        return (u32)n;
    return params + 1;
}

static void token_add(struct buf *out, const struct sql_token *t, const char *end)
{
    if (out->len && t->ptr > end)
        buf_addc(out, ' ');
    buf_add(out, str_make(t->ptr, t->len));
}

void explainable_prepare(struct str statement, enum sql_dialect dialect, struct buf *out,
                         u32 *params)
{
    struct sql_lexer lexer = { .dialect = dialect, .text = statement.ptr, .len = statement.len };
    struct sql_token t, last = { .kind = SQL_END }, first = last; /* first: FETCH FIRST */
    const char *end = statement.ptr;

    *params = 0;
    for (; sql_token_next(&lexer, &t); first = last, last = t, end = t.ptr + t.len) {
        if (t.kind != SQL_PARAM) {
            token_add(out, &t, end);
            continue;
        }
        if (last.word == SQL_KW_LIMIT ||
            (first.word == SQL_KW_FETCH &&
             (last.word == SQL_KW_FIRST || last.word == SQL_KW_NEXT))) {
            buf_add(out, STR(" 20"));
        } else if (last.word == SQL_KW_OFFSET) {
            buf_add(out, STR(" 0"));
        } else if (dialect == SQL_POSTGRESQL && is_typed(&last)) {
            out->len -= last.len;
            *params = max(*params, number_of(&t, dialect, *params));
            buf_addf(out, "$%u::%.*s", *params, (int)last.len, last.ptr);
        } else {
            u32 number = number_of(&t, dialect, *params);

            if (t.ptr > end)
                buf_addc(out, ' ');
            *params = max(*params, number);
            param_add(out, dialect, number);
        }
    }
}
