/* sql/selection.c -- reads off a statement itself what it asks of its tables
 *
 * A query in parentheses is a scope of its own. Scopes are counted in the order of the text, so
 * that the second reading, for the columns, knows which tables the first one has found in each.
 */
#include "sql/selection.h"

enum { TOKENS_MAX = 8192, DEPTH_MAX = 24 };

struct reader {
    struct demand_scope scope; /* first: find() gets back from it */
    const struct catalog *catalog;
    enum sql_dialect dialect;
    u32 scopes, current;
    u32 of_scope[DEMAND_TABLES_MAX];
    struct sql_token token[TOKENS_MAX];
    u32 next_table;
};

static bool is(const struct sql_token *t, enum sql_word word)
{
    return t->kind == SQL_WORD && t->word == word;
}

static bool is_open(const struct sql_token *t)
{
    return t->kind == SQL_OPEN && *t->ptr == '(';
}

static bool is_query(const struct sql_token *t)
{
    return is(t, SQL_KW_SELECT) || is(t, SQL_KW_WITH);
}

/* Behind the bracket that closes the one at `at`, or `to`. */
static u32 close_of(const struct reader *r, u32 at, u32 to)
{
    u32 depth = 0;

    for (; at < to; at++) {
        if (r->token[at].kind == SQL_OPEN)
            depth++;
        else if (r->token[at].kind == SQL_CLOSE && --depth == 0)
            return at + 1;
    }
    return to;
}

static const struct catalog_table *facts_of(const struct reader *r, u32 table)
{
    const struct demand_table *t = &r->scope.demand->table[table];

    return catalog_find(r->catalog, t->schema, t->name, true);
}

static bool has(const struct reader *r, u32 table, struct str column)
{
    const struct catalog_table *t = facts_of(r, table);

    return t && catalog_column(t, column, true);
}

/* By its alias in the innermost scope that has it; without one, the table of the scope that has
 * such a column, then of those around it. */
static u32 find(const struct demand_scope *scope, struct str qualifier, struct str *name)
{
    const struct reader *r = container_of(scope, struct reader, scope);
    u32 best = DEMAND_TABLES_MAX;

    qualifier = demand_unquoted(qualifier, r->dialect);
    *name = demand_unquoted(*name, r->dialect);
    for (u32 i = 0; i < scope->demand->tables; i++) {
        bool fits = (!qualifier.len || str_eq_nocase(scope->demand->table[i].alias, qualifier)) &&
                    r->of_scope[i] <= r->current && has(r, i, *name);

        if (fits && (best == DEMAND_TABLES_MAX || r->of_scope[i] > r->of_scope[best]))
            best = i;
    }
    return best;
}

static bool is_name(const struct sql_token *t)
{
    return t->kind == SQL_QUOTED || (t->kind == SQL_WORD && !t->opens);
}

/* Words that may follow a table's name and are no alias of it. */
static bool ends_table(const struct sql_token *t)
{
    static const char *const words[] = { "indexed",   "not",     "use",   "force",         "ignore",
                                         "partition", "natural", "left",  "right",         "inner",
                                         "cross",     "full",    "outer", "straight_join", "group",
                                         "order",     "window" };

    for (u32 i = 0; t->kind == SQL_WORD && i < ARRAY_LEN(words); i++)
        if (str_eq_nocase(token_text(t), str_of(words[i])))
            return true;
    return false;
}

/* A table's name at `at`, with its schema and alias; returns what is behind it. */
static u32 table_read(struct reader *r, u32 at, u32 to)
{
    struct str schema = { 0 }, name, alias = { 0 };
    const struct sql_token *t = r->token;

    if (at >= to || !is_name(&t[at]))
        return at;
    name = demand_unquoted(token_text(&t[at++]), r->dialect);
    if (at + 1 < to && t[at].kind == SQL_DOT && is_name(&t[at + 1])) {
        schema = name;
        name = demand_unquoted(token_text(&t[at + 1]), r->dialect);
        at += 2;
    }
    if (at < to && is(&t[at], SQL_KW_AS))
        at++;
    if (at < to && (t[at].kind == SQL_QUOTED ||
                    (t[at].kind == SQL_WORD && !t[at].word && !ends_table(&t[at]))))
        alias = demand_unquoted(token_text(&t[at++]), r->dialect);
    if (!r->catalog)
        demand_add_table(r->scope.demand, schema, name, alias);
    if (r->next_table < DEMAND_TABLES_MAX)
        r->of_scope[r->next_table++] = r->current;
    return at;
}

static void query_read(struct reader *r, u32 from, u32 to, u32 depth);

/* Queries in parentheses somewhere between. */
static void nested_read(struct reader *r, u32 from, u32 to, u32 depth)
{
    for (u32 i = from; i + 1 < to; i++) {
        u32 end;

        if (!is_open(&r->token[i]) || !is_query(&r->token[i + 1]))
            continue;
        end = close_of(r, i, to);
        query_read(r, i + 1, end - (end > i + 1 && r->token[end - 1].kind == SQL_CLOSE), depth + 1);
        i = end - 1;
    }
}

static bool ends_clause(const struct sql_token *t)
{
    switch (t->word) {
    case SQL_KW_FROM:
    case SQL_KW_WHERE:
    case SQL_KW_GROUP:
    case SQL_KW_ORDER:
    case SQL_KW_HAVING:
    case SQL_KW_LIMIT:
    case SQL_KW_OFFSET:
    case SQL_KW_WINDOW:
    case SQL_KW_UNION:
    case SQL_KW_EXCEPT:
    case SQL_KW_INTERSECT:
    case SQL_KW_RETURNING:
    case SQL_KW_ON:
    case SQL_KW_USING:
    case SQL_KW_JOIN:
    case SQL_KW_INNER:
    case SQL_KW_LEFT:
    case SQL_KW_RIGHT:
    case SQL_KW_CROSS:
    case SQL_KW_NATURAL:
    case SQL_KW_STRAIGHT_JOIN:
    case SQL_KW_SET:
    case SQL_KW_FOR:
    case SQL_KW_FETCH:
        return t->kind == SQL_WORD;
    default:
        return false;
    }
}

/* Where the clause that begins at `at` ends. LEFT( and the like are functions. */
static u32 clause_end(const struct reader *r, u32 at, u32 to)
{
    while (at < to) {
        if (r->token[at].kind == SQL_OPEN)
            at = close_of(r, at, to);
        else if (ends_clause(&r->token[at]) &&
                 !((is(&r->token[at], SQL_KW_LEFT) || is(&r->token[at], SQL_KW_RIGHT)) &&
                   at + 1 < to && is_open(&r->token[at + 1])))
            return at;
        else
            at++;
    }
    return to;
}

static void condition(struct reader *r, u32 from, u32 to)
{
    if (r->catalog && to > from)
        demand_read_condition(&r->scope, r->token + from, to - from);
}

/* USING (a, b): of the last two tables. */
static void using_read(struct reader *r, u32 from, u32 to)
{
    u32 last = r->next_table;

    if (!r->catalog || last < 2)
        return;
    for (u32 i = from; i < to; i++) {
        struct str name = demand_unquoted(token_text(&r->token[i]), r->dialect);

        if (!is_name(&r->token[i]) || !has(r, last - 1, name) || !has(r, last - 2, name))
            continue;
        for (u32 k = 1; k <= 2; k++)
            demand_add_use(r->scope.demand, &(struct demand_use){ .table = last - k,
                                                                  .column = name,
                                                                  .kind = DEMAND_JOIN,
                                                                  .other = last - 3 + k });
    }
}

/* Keys serve an index when all are columns of one table. */
static void keys_read(struct reader *r, u32 from, u32 to, enum demand_kind kind)
{
    struct demand *d = r->scope.demand;
    u32 before = d->uses, item = from;

    for (u32 i = from; r->catalog && i <= to; i++) {
        if (i < to && r->token[i].kind == SQL_OPEN) {
            i = close_of(r, i, to) - 1;
            continue;
        }
        if (i < to && r->token[i].kind != SQL_COMMA)
            continue;
        if (!demand_read_key(&r->scope, r->token + item, i - item, kind) || d->uses == before ||
            d->use[d->uses - 1].table != d->use[before].table) {
            d->uses = kind == DEMAND_ORDER ? before : d->uses;
            return;
        }
        item = i + 1;
    }
}

/* FROM a x, b JOIN …: tables with commas between, up to the clause's end. */
static void from_read(struct reader *r, u32 from, u32 to, u32 depth)
{
    for (u32 i = from; i < to;) {
        if (is_open(&r->token[i])) {
            u32 end = close_of(r, i, to);

            if (i + 1 < to && is_query(&r->token[i + 1]))
                nested_read(r, i, end, depth);
            else
                from_read(r, i + 1, end - 1, depth + 1);
            i = end;
        } else if (is_name(&r->token[i])) {
            u32 end = table_read(r, i, to);

            i = max(end, i + 1);
            continue;
        } else {
            i++;
        }
        while (i < to && r->token[i].kind != SQL_COMMA)
            i++;
    }
}

/* The clause that the word at `at` begins, of which `from` is behind that word. */
static void clause_read(struct reader *r, u32 at, u32 from, u32 to, u32 depth)
{
    switch (r->token[at].word) {
    case SQL_KW_FROM:
    case SQL_KW_JOIN:
    case SQL_KW_STRAIGHT_JOIN:
    case SQL_KW_UPDATE:
        from_read(r, from, to, depth);
        return;
    case SQL_KW_ON:
    case SQL_KW_WHERE:
        condition(r, from, to);
        break;
    case SQL_KW_USING:
        using_read(r, from, to);
        break;
    case SQL_KW_GROUP:
        keys_read(r, from + 1, to, DEMAND_GROUP);
        break;
    case SQL_KW_ORDER:
        keys_read(r, from + 1, to, DEMAND_ORDER);
        break;
    case SQL_KW_LIMIT:
        r->scope.demand->limited |= depth == 0;
        break;
    default:
        break;
    }
    nested_read(r, from, to, depth);
}

static void query_read(struct reader *r, u32 from, u32 to, u32 depth)
{
    u32 outer = r->current, at = from;

    if (depth == DEPTH_MAX)
        return;
    r->current = ++r->scopes;
    while (at < to) {
        bool begins = ends_clause(&r->token[at]) || is(&r->token[at], SQL_KW_UPDATE);
        u32 end = clause_end(r, at + 1, to);

        if (is(&r->token[at], SQL_KW_UNION) || is(&r->token[at], SQL_KW_EXCEPT) ||
            is(&r->token[at], SQL_KW_INTERSECT))
            r->current = ++r->scopes;
        if (begins)
            clause_read(r, at, at + 1, end, depth);
        else
            nested_read(r, at, end, depth);
        at = end;
    }
    r->current = outer;
}

int selection_read(struct demand *out, struct str statement, enum sql_dialect dialect,
                   const struct catalog *catalog)
{
    AUTO(freep) struct reader *r = calloc(1, sizeof(*r));
    u32 count;

    if (!r)
        return -ENOMEM;
    r->scope = (struct demand_scope){ .demand = out, .find = find };
    r->catalog = catalog;
    r->dialect = dialect;
    count = demand_tokens(statement, dialect, r->token, TOKENS_MAX);
    if (count == TOKENS_MAX)
        return -E2BIG;
    if (catalog) { /* which tables are in which scope: an inner one may come before what names it */
        struct demand none = { 0 };

        r->scope.demand = &none;
        r->catalog = NULL;
        query_read(r, 0, count, 0);
        r->scope.demand = out;
        r->catalog = catalog;
        r->scopes = r->next_table = 0;
    }
    query_read(r, 0, count, 0);
    return 0;
}
