/* sql/indexlist.c -- which indexes of a database are there for nothing */
#include "sql/indexlist.h"

#include "sql/candidate.h"

static bool is_yes(struct str cell)
{
    return cell.len && (cell.ptr[0] == 't' || cell.ptr[0] == '1');
}

static double number_of(struct str cell)
{
    char text[64];

    str_to_cstr(cell, text, sizeof(text));
    return cell.len ? strtod(text, NULL) : -1;
}

static bool same_table(const struct indexlist_index *a, const struct indexlist_index *b)
{
    return str_eq(a->table, b->table) && str_eq(a->schema, b->schema);
}

/* A new one, of a row; NULL: there is no more room. */
static struct indexlist_index *begin(struct indexlist *l, const struct str *cell)
{
    struct indexlist_index *x;

    if (l->count == INDEXLIST_MAX) {
        l->full = true;
        return NULL;
    }
    if ((l->count & (l->count - 1)) == 0) {
        x = realloc(l->index, (l->count ? 2 * (size_t)l->count : 1) * sizeof(*x));
        if (!x) {
            l->full = true;
            return NULL;
        }
        l->index = x;
    }
    x = &l->index[l->count++];
    *x = (struct indexlist_index){
        .schema = catalog_keep(&l->texts, cell[INDEXLIST_SCHEMA]),
        .table = catalog_keep(&l->texts, cell[INDEXLIST_TABLE]),
        .name = catalog_keep(&l->texts, cell[INDEXLIST_NAME]),
        .method = catalog_keep(&l->texts, cell[INDEXLIST_METHOD]),
        .where = catalog_keep(&l->texts, cell[INDEXLIST_WHERE]),
        .include = catalog_keep(&l->texts, cell[INDEXLIST_INCLUDE]),
        .unique = is_yes(cell[INDEXLIST_IS_UNIQUE]),
        .needed = is_yes(cell[INDEXLIST_IS_NEEDED]),
        .keyed = is_yes(cell[INDEXLIST_IS_KEYED]),
        .invalid = is_yes(cell[INDEXLIST_IS_INVALID]),
        .bytes = number_of(cell[INDEXLIST_BYTES]),
        .scans = number_of(cell[INDEXLIST_SCANS]),
    };
    return x;
}

void indexlist_add(struct indexlist *l, const struct str cell[INDEXLIST_CELLS])
{
    struct indexlist_index *x = l->count ? &l->index[l->count - 1] : NULL;

    if (!x || !str_eq(x->name, cell[INDEXLIST_NAME]) || !str_eq(x->table, cell[INDEXLIST_TABLE]) ||
        !str_eq(x->schema, cell[INDEXLIST_SCHEMA]))
        x = begin(l, cell);
    if (!x)
        return;
    if (x->columns < INDEXLIST_COLUMNS_MAX)
        x->column[x->columns++] = catalog_keep(&l->texts, cell[INDEXLIST_COLUMN]);
    else
        x->needed = true; /* not all of it is known */
}

/* How many leading columns are the same. */
static u32 common(const struct indexlist_index *a, const struct indexlist_index *b)
{
    u32 n = 0;

    while (n < a->columns && n < b->columns && str_eq(a->column[n], b->column[n]))
        n++;
    return n;
}

/* Of two that are the same, the one that stays: what is needed, unique, has more in it, was used;
 * else the earlier one. */
static bool stays(const struct indexlist_index *a, const struct indexlist_index *b)
{
    if (a->needed != b->needed)
        return a->needed;
    if (a->unique != b->unique)
        return a->unique;
    if (!a->include.len != !b->include.len)
        return a->include.len;
    return a < b;
}

/* What `b` makes of `a`. */
static enum indexlist_fault fault_by(const struct indexlist_index *a,
                                     const struct indexlist_index *b)
{
    u32 same = common(a, b);

    if (b->invalid || !str_eq(a->where, b->where) || !str_eq(a->method, b->method) ||
        same < a->columns || (a->include.len && !str_eq(a->include, b->include)))
        return INDEXLIST_NONE;
    if (same == b->columns)
        return stays(b, a) ? INDEXLIST_DUPLICATE : INDEXLIST_NONE;
    return !a->unique && str_eq_nocase(a->method, STR("btree")) ? INDEXLIST_PREFIX : INDEXLIST_NONE;
}

static void judge(struct indexlist *l, u32 number, u32 from, u32 to)
{
    struct indexlist_index *a = &l->index[number];

    if (a->needed)
        return;
    if (a->invalid) {
        a->fault = INDEXLIST_INVALID;
        return;
    }
    for (u32 i = from; i < to && a->fault != INDEXLIST_DUPLICATE; i++) {
        enum indexlist_fault fault = i == number ? INDEXLIST_NONE : fault_by(a, &l->index[i]);

        if (fault != INDEXLIST_NONE &&
            (a->fault == INDEXLIST_NONE || fault == INDEXLIST_DUPLICATE)) {
            a->fault = fault;
            a->other = i;
        }
    }
    if (a->fault == INDEXLIST_NONE && l->usage_known && a->scans == 0 && !a->unique && !a->keyed)
        a->fault = INDEXLIST_UNUSED;
}

static bool is_by_other(const struct indexlist_index *x)
{
    return x->fault == INDEXLIST_DUPLICATE || x->fault == INDEXLIST_PREFIX;
}

/* What would go itself serves nobody: the one that stays is named. Each is longer than the one
 * before, or stays before it, so there is an end. */
static void settle(struct indexlist *l, struct indexlist_index *a)
{
    while (is_by_other(a) && is_by_other(&l->index[a->other])) {
        a->other = l->index[a->other].other;
        if (common(a, &l->index[a->other]) < l->index[a->other].columns)
            a->fault = INDEXLIST_PREFIX;
    }
}

/* Whoever reads this one reads the other when it has gone. */
static void usage_settle(struct indexlist *l, struct indexlist_index *a)
{
    if (!is_by_other(a) || l->index[a->other].fault != INDEXLIST_UNUSED)
        return;
    if (a->scans == 0 && !a->unique && !a->keyed)
        a->fault = INDEXLIST_UNUSED;
    else
        l->index[a->other].fault = INDEXLIST_NONE;
}

void indexlist_judge(struct indexlist *l)
{
    for (u32 from = 0, to; from < l->count; from = to) {
        for (to = from + 1; to < l->count && same_table(&l->index[from], &l->index[to]);)
            to++;
        for (u32 i = from; i < to; i++)
            judge(l, i, from, to);
    }
    for (u32 i = 0; i < l->count; i++)
        settle(l, &l->index[i]);
    for (u32 i = 0; i < l->count; i++)
        usage_settle(l, &l->index[i]);
}

void indexlist_drop_add(struct buf *out, const struct indexlist_index *x, enum sql_dialect dialect)
{
    buf_add(out, dialect == SQL_POSTGRESQL ? STR("DROP INDEX CONCURRENTLY ") : STR("DROP INDEX "));
    if (dialect == SQL_POSTGRESQL) {
        candidate_quote(out, x->schema, dialect);
        buf_addc(out, '.');
    }
    candidate_quote(out, x->name, dialect);
    if (dialect != SQL_MYSQL)
        return;
    buf_add(out, STR(" ON "));
    candidate_quote(out, x->table, dialect);
}

void indexlist_done(struct indexlist *l)
{
    free(l->index);
    catalog_done(&l->texts);
    *l = (struct indexlist){ 0 };
}
