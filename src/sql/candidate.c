/* sql/candidate.c -- indexes that could serve a statement, before anybody has tried them */
#include "sql/candidate.h"

enum { USES_MAX = 12 };

/* The uses of one table, by what they are good for. */
struct uses {
    const struct demand_use *use[USES_MAX];
    u32 count;
};

struct maker {
    const struct demand *demand;
    const struct catalog_table *table; /* NULL: unknown */
    enum sql_dialect dialect;
    u32 number;
    struct uses equal, many, join, range, order, group, flags;
    struct candidate *out;
    u32 count, most;
};

static bool is_nocase(enum sql_dialect dialect)
{
    return dialect != SQL_POSTGRESQL;
}

static double distinct_of(const struct maker *m, const struct demand_use *u)
{
    const struct catalog_column *c =
        m->table ? catalog_column(m->table, u->column, is_nocase(m->dialect)) : NULL;

    return c ? c->distinct : 0;
}

static bool can_index(const struct maker *m, const struct demand_use *u)
{
    const struct catalog_column *c =
        m->table ? catalog_column(m->table, u->column, is_nocase(m->dialect)) : NULL;

    return (!m->table || (c && c->ordered)) && !(u->function.len && m->dialect == SQL_MYSQL);
}

/* The most selective first, as far as is known. */
static void uses_add(const struct maker *m, struct uses *to, const struct demand_use *u,
                     bool sorted)
{
    u32 at = to->count;

    if (at == USES_MAX || !can_index(m, u))
        return;
    while (sorted && at > 0 && distinct_of(m, to->use[at - 1]) < distinct_of(m, u)) {
        to->use[at] = to->use[at - 1];
        at--;
    }
    to->use[at] = u;
    to->count++;
}

static void uses_sort(struct maker *m)
{
    m->equal.count = m->many.count = m->join.count = m->range.count = 0;
    m->order.count = m->group.count = m->flags.count = 0;
    for (u32 i = 0; i < m->demand->uses; i++) {
        const struct demand_use *u = &m->demand->use[i];

        if (u->table != m->number)
            continue;
        switch (u->kind) {
        case DEMAND_EQUAL:
            uses_add(m, u->many ? &m->many : &m->equal, u, true);
            break;
        case DEMAND_NOT_NULL:
            uses_add(m, &m->flags, u, false);
            break;
        case DEMAND_NULL:
        case DEMAND_TRUE:
        case DEMAND_FALSE:
            uses_add(m, &m->flags, u, false);
            uses_add(m, &m->equal, u, true);
            break;
        case DEMAND_RANGE:
        case DEMAND_PREFIX:
            uses_add(m, &m->range, u, true);
            break;
        case DEMAND_JOIN:
            uses_add(m, &m->join, u, true);
            break;
        case DEMAND_ORDER:
            uses_add(m, &m->order, u, false);
            break;
        case DEMAND_GROUP:
            uses_add(m, &m->group, u, false);
            break;
        }
    }
}

static bool has_column(const struct candidate *c, const struct demand_use *u)
{
    for (u32 i = 0; i < c->columns; i++)
        if (str_eq(c->column[i].name, u->column) && str_eq(c->column[i].function, u->function))
            return true;
    return false;
}

static void column_add(struct candidate *c, const struct demand_use *u)
{
    if (c->columns == CANDIDATE_COLUMNS_MAX || has_column(c, u) ||
        (c->where.len && str_eq(c->where, u->column)))
        return;
    c->column[c->columns++] = (struct candidate_column){
        .name = u->column,
        .function = u->function,
        .descending = u->kind == DEMAND_ORDER && u->descending,
        .nulls_first = u->kind == DEMAND_ORDER && u->nulls_first,
        .nulls_last = u->kind == DEMAND_ORDER && u->nulls_last,
        .pattern = u->kind == DEMAND_PREFIX,
    };
    if (u->kind == DEMAND_RANGE || u->kind == DEMAND_PREFIX)
        c->ranged = true;
    else if (u->kind == DEMAND_ORDER || u->kind == DEMAND_GROUP)
        c->ordered = true;
    else
        c->equal = c->columns;
}

static bool columns_eq(const struct candidate *a, const struct candidate *b)
{
    if (a->table != b->table || a->columns != b->columns || !str_eq(a->where, b->where) ||
        (a->where.len && a->where_kind != b->where_kind))
        return false;
    for (u32 i = 0; i < a->columns; i++)
        if (!str_eq(a->column[i].name, b->column[i].name) ||
            !str_eq(a->column[i].function, b->column[i].function) ||
            a->column[i].descending != b->column[i].descending ||
            a->column[i].pattern != b->column[i].pattern)
            return false;
    return true;
}

/* All of one direction can be read backwards, so that no DESC is needed; a mixture cannot. */
static void directions_simplify(struct candidate *c)
{
    u32 ordered = 0, descending = 0;

    for (u32 i = c->equal; i < c->columns; i++) {
        ordered++;
        descending += c->column[i].descending;
        if (c->column[i].nulls_first || c->column[i].nulls_last)
            return;
    }
    if (ordered && ordered == descending)
        for (u32 i = c->equal; i < c->columns; i++)
            c->column[i].descending = false;
}

/* An index that is there begins with the same columns. */
static bool is_served(const struct maker *m, const struct candidate *c)
{
    for (u32 i = 0; m->table && !c->where.len && i < m->table->indexes; i++) {
        const struct catalog_index *x = &m->table->index[i];
        u32 same = 0;

        while (!x->partial && same < c->columns && same < x->columns &&
               !c->column[same].function.len && !c->column[same].pattern &&
               (is_nocase(m->dialect) ? str_eq_nocase(x->column[same], c->column[same].name)
                                      : str_eq(x->column[same], c->column[same].name)))
            same++;
        if (c->columns && same == c->columns)
            return true;
    }
    return false;
}

static void emit(struct maker *m, const struct candidate *c)
{
    struct candidate simple = *c;

    directions_simplify(&simple);
    if (!simple.columns || m->count == m->most || is_served(m, &simple))
        return;
    for (u32 i = 0; i < m->count; i++)
        if (columns_eq(&m->out[i], &simple))
            return;
    m->out[m->count++] = simple;
}

static struct candidate begin(const struct maker *m, const struct demand_use *where)
{
    struct candidate c = { .table = m->number };

    if (where) {
        c.where = where->column;
        c.where_kind = where->kind;
    }
    return c;
}

static void add_all(struct candidate *c, const struct uses *uses)
{
    for (u32 i = 0; i < uses->count; i++)
        column_add(c, uses->use[i]);
}

/* `base`, then each range, the order, or the groups behind it. */
static void emit_tails(struct maker *m, const struct candidate *base)
{
    struct candidate c = *base;

    emit(m, base);
    for (u32 i = 0; i < m->range.count; i++) {
        c = *base;
        column_add(&c, m->range.use[i]);
        emit(m, &c);
    }
    c = *base;
    add_all(&c, &m->order);
    emit(m, &c);
    c = *base;
    add_all(&c, &m->group);
    emit(m, &c);
}

/* Equalities first, and what may stand behind them. */
static void composites_make(struct maker *m, const struct demand_use *where)
{
    struct candidate c = begin(m, where), all;

    emit_tails(m, &c);
    add_all(&c, &m->equal);
    emit_tails(m, &c);
    all = c;
    for (u32 i = 0; i < m->many.count; i++) {
        column_add(&all, m->many.use[i]);
        emit_tails(m, &all);
    }
    for (u32 i = 0; i < m->join.count; i++) {
        all = c;
        column_add(&all, m->join.use[i]);
        emit_tails(m, &all);
        all = begin(m, where);
        column_add(&all, m->join.use[i]);
        emit_tails(m, &all);
        add_all(&all, &m->equal);
        emit_tails(m, &all);
    }
    all = begin(m, where);
    add_all(&all, &m->join);
    emit(m, &all);
}

/* Each column that is compared, and each two, in both orders where both are equalities. */
static void pairs_make(struct maker *m)
{
    const struct demand_use *first[4 * USES_MAX], *last[4 * USES_MAX];
    u32 firsts = 0, lasts = 0;
    const struct uses *kinds[] = { &m->equal, &m->join, &m->many, &m->range };

    for (u32 k = 0; k < ARRAY_LEN(kinds); k++)
        for (u32 i = 0; i < kinds[k]->count; i++)
            first[firsts++] = last[lasts++] = kinds[k]->use[i];
    for (u32 i = 0; i < firsts; i++) {
        struct candidate c = begin(m, NULL);

        column_add(&c, first[i]);
        emit_tails(m, &c);
        for (u32 j = 0; j < lasts; j++) {
            struct candidate two = c;

            column_add(&two, last[j]);
            if (two.columns == 2)
                emit(m, &two);
        }
    }
}

static void table_make(struct maker *m)
{
    uses_sort(m);
    composites_make(m, NULL);
    for (u32 i = 0; i < m->flags.count && m->dialect != SQL_MYSQL; i++)
        composites_make(m, m->flags.use[i]);
    pairs_make(m);
}

u32 candidates_make(const struct demand *demand, const struct catalog *catalog,
                    enum sql_dialect dialect, struct candidate *out, u32 most)
{
    struct maker m = { .demand = demand, .dialect = dialect, .out = out };

    for (u32 i = 0; i < demand->tables; i++) {
        u32 left = demand->tables - i;

        m.table = catalog_find(catalog, demand->table[i].schema, demand->table[i].name,
                               is_nocase(dialect));
        m.number = i;
        m.most = m.count + (most - m.count) / left; /* so that no table takes all places */
        if (!m.table && dialect != SQL_POSTGRESQL)
            continue; /* a view or a common table expression */
        if (!m.table || m.table->rows < 0 || m.table->rows >= CANDIDATE_ROWS_LEAST)
            table_make(&m);
    }
    return m.count;
}

/* Of PostgreSQL, MySQL and SQLite, beyond those that have a meaning in token.h. */
static const char reserved[] =
    " analyse authorization binary both check collation column concurrently current_date "
    "current_role current_time current_timestamp current_user databases dec deferrable do "
    "double end except exit float fulltext function grant groups initially int integer keys kill "
    "leading load localtime localtimestamp loop option placing precision procedure rank read "
    "recursive rename require schema schemas session_user signal some sql symmetric system "
    "tablesample "
    "trailing transaction trigger usage user variadic verbose virtual window write ";

static bool is_reserved(struct str name)
{
    char word[32];

    if (name.len > sizeof(word) - 3)
        return false;
    word[0] = ' ';
    for (size_t i = 0; i < name.len; i++)
        word[i + 1] = (char)(name.ptr[i] | 0x20);
    word[name.len + 1] = ' ';
    word[name.len + 2] = 0;
    return strstr(reserved, word) != NULL;
}

static bool is_plain(struct str name, enum sql_dialect dialect)
{
    struct sql_token t[2];

    for (size_t i = 0; i < name.len; i++)
        if (!((name.ptr[i] >= 'a' && name.ptr[i] <= 'z') || name.ptr[i] == '_' ||
              (name.ptr[i] >= 'A' && name.ptr[i] <= 'Z' && dialect != SQL_POSTGRESQL) ||
              (i && name.ptr[i] >= '0' && name.ptr[i] <= '9')))
            return false;
    return demand_tokens(name, dialect, t, 2) == 1 && !t[0].word && !is_reserved(name);
}

void candidate_quote(struct buf *out, struct str name, enum sql_dialect dialect)
{
    char quote = dialect == SQL_MYSQL ? '`' : '"';

    if (is_plain(name, dialect)) {
        buf_add(out, name);
        return;
    }
    buf_addc(out, quote);
    for (size_t i = 0; i < name.len; i++) {
        if (name.ptr[i] == quote)
            buf_addc(out, quote);
        buf_addc(out, name.ptr[i]);
    }
    buf_addc(out, quote);
}

void candidate_columns_add(struct buf *out, const struct candidate *c, enum sql_dialect dialect)
{
    for (u32 i = 0; i < c->columns; i++) {
        const struct candidate_column *k = &c->column[i];

        if (i)
            buf_add(out, STR(", "));
        if (k->function.len)
            buf_addf(out, "%.*s(", STR_ARG(k->function));
        candidate_quote(out, k->name, dialect);
        if (k->function.len)
            buf_addc(out, ')');
        if (k->pattern && dialect == SQL_POSTGRESQL)
            buf_add(out, STR(" text_pattern_ops"));
        if (k->descending)
            buf_add(out, STR(" DESC"));
        if (dialect == SQL_POSTGRESQL && k->nulls_first && !k->descending)
            buf_add(out, STR(" NULLS FIRST"));
        if (dialect == SQL_POSTGRESQL && k->nulls_last && k->descending)
            buf_add(out, STR(" NULLS LAST"));
    }
}

static void word_add(struct buf *out, struct str name)
{
    for (size_t i = 0; i < name.len && out->len < 58; i++) {
        char ch = name.ptr[i];

        if (ch >= 'A' && ch <= 'Z')
            ch = (char)(ch + 32);
        if ((ch >= 'a' && ch <= 'z') || (ch >= '0' && ch <= '9'))
            buf_addc(out, ch);
        else if (ch == '_' || ch == ' ' || ch == '-')
            buf_addc(out, '_');
    }
}

void candidate_name_add(struct buf *out, const struct candidate *c, const struct demand *demand)
{
    AUTO(buf_done) struct buf name = { 0 };

    word_add(&name, demand->table[c->table].name);
    for (u32 i = 0; i < c->columns && name.len < 58; i++) {
        buf_addc(&name, '_');
        word_add(&name, c->column[i].name);
    }
    buf_add(out, buf_str(&name));
    buf_add(out, STR("_idx"));
}

void candidate_statement_add(struct buf *out, const struct candidate *c,
                             const struct demand *demand, enum sql_dialect dialect, struct str name,
                             bool online)
{
    const struct demand_table *t = &demand->table[c->table];

    buf_add(out, STR("CREATE INDEX "));
    if (online && dialect == SQL_POSTGRESQL)
        buf_add(out, STR("CONCURRENTLY "));
    if (name.len)
        buf_addf(out, "%.*s ", STR_ARG(name));
    buf_add(out, STR("ON "));
    if (t->schema.len && dialect == SQL_POSTGRESQL) {
        candidate_quote(out, t->schema, dialect);
        buf_addc(out, '.');
    }
    candidate_quote(out, t->name, dialect);
    buf_add(out, STR(" ("));
    candidate_columns_add(out, c, dialect);
    buf_addc(out, ')');
    if (!c->where.len)
        return;
    buf_add(out, c->where_kind == DEMAND_FALSE ? STR(" WHERE NOT ") : STR(" WHERE "));
    candidate_quote(out, c->where, dialect);
    if (c->where_kind == DEMAND_NULL)
        buf_add(out, STR(" IS NULL"));
    else if (c->where_kind == DEMAND_NOT_NULL)
        buf_add(out, STR(" IS NOT NULL"));
}
