/* sql/model.c -- fettle's own estimate of what a statement costs, where no planner can be asked */
#include "sql/model.h"

#include <math.h>

#define ROW_FETCHED 4.0
#define ROW_SORTED 0.1 /* times log2 of how many */
#define SHARE_RANGE (1.0 / 3)
#define ROWS_UNKNOWN 100000.0
#define LIMIT_ROWS 20.0

/* One table while it is read. */
struct access {
    u32 table;
    const struct catalog_table *facts; /* NULL: unknown */
    double rows;
    u32 bound; /* bits of tables that were read before it */
};

struct path {
    double share; /* of the table's rows that are read */
    bool ordered; /* in the order that is asked for */
    bool used;    /* the index leaves out anything, or gives the order */
};

static double distinct_of(const struct model *m, const struct access *a, struct str column)
{
    const struct catalog_column *c =
        a->facts ? catalog_column(a->facts, column, m->dialect != SQL_POSTGRESQL) : NULL;

    if (c && c->distinct > 0)
        return c->distinct;
    return min(a->rows, 10.0); /* so that it is worth nothing on its own */
}

/* The share of rows that a use leaves; 1: it cannot be known before the others are read. */
static double share_of(const struct model *m, const struct access *a, const struct demand_use *u)
{
    double distinct;

    if (u->table != a->table)
        return 1;
    distinct = max(1.0, distinct_of(m, a, u->column));
    switch (u->kind) {
    case DEMAND_EQUAL:
        return u->many ? min(1.0, 3 / distinct) : 1 / distinct;
    case DEMAND_NOT_NULL:
        break;
    case DEMAND_NULL:
    case DEMAND_TRUE:
    case DEMAND_FALSE:
        return 1 / min(distinct, 2.0);
    case DEMAND_RANGE:
    case DEMAND_PREFIX:
        return SHARE_RANGE;
    case DEMAND_JOIN:
        return u->other == a->table || (a->bound & BIT(u->other)) ? 1 / distinct : 1;
    case DEMAND_ORDER:
    case DEMAND_GROUP:
        break;
    }
    return 1;
}

static bool is_range(const struct demand_use *u)
{
    return u->kind == DEMAND_RANGE || u->kind == DEMAND_PREFIX;
}

static bool name_eq(const struct model *m, struct str a, struct str b)
{
    return m->dialect == SQL_POSTGRESQL ? str_eq(a, b) : str_eq_nocase(a, b);
}

/* The best share that a column of an index gives; *range: it is the last that counts. */
static double column_share(const struct model *m, const struct access *a, struct str column,
                           bool *range)
{
    const struct demand *s = &m->explanation->demand;
    double best = 1;

    *range = true;
    for (u32 i = 0; i < s->uses; i++) {
        const struct demand_use *u = &s->use[i];
        double share = name_eq(m, u->column, column) && !u->function.len ? share_of(m, a, u) : 1;

        if (share < best) {
            best = share;
            *range = is_range(u);
        }
    }
    return best;
}

/* Whether the columns from `from` on are those of ORDER BY, in its order. */
static bool gives_order(const struct model *m, const struct access *a, const struct str *column,
                        u32 columns, u32 from)
{
    const struct demand *s = &m->explanation->demand;
    bool any = false;

    for (u32 i = 0; i < s->uses; i++) {
        if (s->use[i].kind != DEMAND_ORDER)
            continue;
        if (s->use[i].table != a->table || from >= columns ||
            !name_eq(m, s->use[i].column, column[from]))
            return false;
        any = true;
        from++;
    }
    return any;
}

static struct path path_of(const struct model *m, const struct access *a, const struct str *column,
                           u32 columns)
{
    struct path p = { .share = 1 };
    u32 equal = 0;
    bool range = false;

    p.ordered = a->bound == 0 && gives_order(m, a, column, columns, 0);
    for (u32 i = 0; i < columns && !range; i++) {
        double share = column_share(m, a, column[i], &range);

        if (share >= 1)
            break;
        p.share *= share;
        p.used = true;
        equal += !range;
    }
    p.ordered |= a->bound == 0 && gives_order(m, a, column, columns, equal);
    p.used |= p.ordered;
    return p;
}

static double shares_of_all(const struct model *m, const struct access *a)
{
    const struct demand *s = &m->explanation->demand;
    double share = 1;

    for (u32 i = 0; i < s->uses; i++)
        share *= share_of(m, a, &s->use[i]);
    return share;
}

/* Reading the table once, by this path; with LIMIT and the right order it ends early. */
static double path_cost(const struct model *m, const struct access *a, const struct path *p,
                        double left)
{
    double rows = max(1.0, a->rows * p->share), wanted;

    if (p->ordered && m->explanation->demand.limited && m->explanation->demand.tables == 1) {
        wanted = LIMIT_ROWS * p->share / max(left, 1e-9);
        rows = min(rows, max(1.0, wanted));
    }
    return log2(a->rows + 2) + rows * ROW_FETCHED;
}

static double choice_cost(const struct model *m, const struct access *a, double left, bool *ordered)
{
    double best = a->rows + 1;
    struct str column[CANDIDATE_COLUMNS_MAX];

    *ordered = false;
    for (u32 i = 0; a->facts && i < a->facts->indexes; i++) {
        const struct catalog_index *x = &a->facts->index[i];
        struct path p = path_of(m, a, x->column, x->columns);
        double cost = path_cost(m, a, &p, left);

        if (p.used && !x->partial && cost < best) {
            best = cost;
            *ordered = p.ordered;
        }
    }
    for (u32 i = 0; i < m->creations; i++) {
        const struct candidate *c = m->created[i];
        struct path p;
        double cost;

        if (c->table != a->table || c->where.len)
            continue;
        for (u32 k = 0; k < c->columns; k++)
            column[k] = c->column[k].function.len ? (struct str){ 0 } : c->column[k].name;
        p = path_of(m, a, column, c->columns);
        cost = path_cost(m, a, &p, left);
        if (p.used && cost < best) {
            best = cost;
            *ordered = p.ordered;
        }
    }
    return best;
}

static bool has_order(const struct demand *s)
{
    for (u32 i = 0; i < s->uses; i++)
        if (s->use[i].kind == DEMAND_ORDER)
            return true;
    return false;
}

/* "(a=? AND b>?)": the share of the rows that SQLite reads by such an index. */
static double condition_share(const struct model *m, const struct access *a, struct str condition)
{
    struct sql_token token[64];
    u32 count = demand_tokens(condition, SQL_SQLITE, token, ARRAY_LEN(token));
    double share = 1;

    for (u32 i = 0; i + 1 < count; i++) {
        struct str name = demand_unquoted(token_text(&token[i]), SQL_SQLITE);

        if (token[i + 1].kind != SQL_OPERATOR ||
            (token[i].kind != SQL_WORD && token[i].kind != SQL_QUOTED))
            continue;
        if (*token[i + 1].ptr != '=')
            share *= SHARE_RANGE;
        else if (str_eq_nocase(name, STR("rowid")))
            share /= a->rows;
        else
            share /= max(1.0, distinct_of(m, a, name));
    }
    return share;
}

/* As the plan's step says that it is read. */
static double step_cost(const struct model *m, const struct access *a,
                        const struct explanation_step *s, double left, bool sorted)
{
    struct path p = { .share = 1, .ordered = sorted && a->bound == 0, .used = true };
    bool covering = memmem(s->name.ptr, s->name.len, "COVERING", 8) != NULL;
    double cost;

    if (s->kind == EXPLANATION_SCAN) {
        if (p.ordered && has_order(&m->explanation->demand))
            return min(a->rows * (covering ? 1 : ROW_FETCHED), path_cost(m, a, &p, left));
        return a->rows + 1;
    }
    p.share = condition_share(m, a, s->condition);
    p.ordered &= has_order(&m->explanation->demand);
    cost = path_cost(m, a, &p, left);
    return covering ? cost / 2 : cost;
}

static double access_cost(const struct model *m, const struct access *a, double left, double loops,
                          bool *ordered)
{
    const struct explanation *e = m->explanation;

    if (!m->by_steps)
        return loops * choice_cost(m, a, left, ordered);
    *ordered = true;
    for (u32 i = 0; i < e->steps; i++)
        if (e->step[i].kind == EXPLANATION_SORT)
            *ordered = false;
    for (u32 i = 0; i < e->steps; i++)
        if (e->step[i].table == a->table)
            return loops * step_cost(m, a, &e->step[i], left, *ordered) +
                   (e->step[i].automatic ? a->rows * log2(a->rows + 2) : 0);
    return 0;
}

/* The tables in the order in which the plan reads them. */
static u32 order_of(const struct explanation *e, u32 *table)
{
    u32 count = 0, seen = 0;

    for (u32 i = 0; i < e->steps; i++) {
        u32 t = e->step[i].table;

        if (t < e->demand.tables && !(seen & BIT(t))) {
            table[count++] = t;
            seen |= BIT(t);
        }
    }
    return count;
}

static struct access access_of(const struct model *m, u32 table, u32 bound)
{
    const struct demand_table *t = &m->explanation->demand.table[table];
    struct access a = { .table = table, .bound = bound };

    a.facts = catalog_find(m->catalog, t->schema, t->name, m->dialect != SQL_POSTGRESQL);
    a.rows = a.facts && a.facts->rows >= 0 ? max(1.0, a.facts->rows) : ROWS_UNKNOWN;
    return a;
}

static double order_cost(const struct model *m, const u32 *table, u32 count)
{
    double loops = 1, cost = 0;
    u32 bound = 0;
    bool sorted = !has_order(&m->explanation->demand);

    for (u32 i = 0; i < count; i++) {
        struct access a = access_of(m, table[i], bound);
        double left = shares_of_all(m, &a);
        bool ordered;

        cost += access_cost(m, &a, left, loops, &ordered);
        sorted |= ordered;
        loops = max(1.0, loops * a.rows * left);
        bound |= BIT(a.table);
    }
    return sorted ? cost : cost + loops * log2(loops + 2) * ROW_SORTED;
}

/* Each time the table that costs least to read and leaves least: what a planner finds with an index
 * that the plan has not. */
static void order_greedily(const struct model *m, u32 *table, u32 count)
{
    double loops = 1;
    u32 bound = 0;

    for (u32 i = 0; i < count; i++) {
        double least = INFINITY, loops_then = loops;
        u32 best = i;

        for (u32 k = i; k < count; k++) {
            struct access a = access_of(m, table[k], bound);
            double left = shares_of_all(m, &a), after = max(1.0, loops * a.rows * left), cost;
            bool ordered;

            cost = access_cost(m, &a, left, loops, &ordered) + after * ROW_FETCHED;
            if (cost < least) {
                least = cost;
                loops_then = after;
                best = k;
            }
        }
        loops = loops_then;
        bound |= BIT(table[best]);
        if (best != i) {
            u32 swap = table[i];

            table[i] = table[best];
            table[best] = swap;
        }
    }
}

static int cost_of(struct trial_bench *b, double *cost)
{
    struct model *m = container_of(b, struct model, bench);
    u32 table[DEMAND_TABLES_MAX] = { 0 }, count = order_of(m->explanation, table);

    *cost = order_cost(m, table, count);
    if (!m->by_steps) {
        order_greedily(m, table, count);
        *cost = min(*cost, order_cost(m, table, count));
    }
    return 0;
}

static int create(struct trial_bench *b, const struct candidate *c, double *bytes)
{
    struct model *m = container_of(b, struct model, bench);

    *bytes = 0;
    if (c->where.len || c->column[0].function.len)
        return -EAGAIN; /* how often it is so is not known */
    if (m->creations == MODEL_CREATED_MAX)
        return -ENOSPC;
    m->created[m->creations++] = c;
    return 0;
}

static int drop(struct trial_bench *b)
{
    struct model *m = container_of(b, struct model, bench);

    assert(m->creations);
    m->creations--;
    return 0;
}

void model_init(struct model *m, const struct explanation *e, const struct catalog *c,
                enum sql_dialect dialect)
{
    *m = (struct model){ .bench = { .create = create, .drop = drop, .cost = cost_of },
                         .explanation = e,
                         .catalog = c,
                         .dialect = dialect };
}
