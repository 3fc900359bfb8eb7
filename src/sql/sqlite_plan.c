/* sql/sqlite_plan.c -- reads SQLite's EXPLAIN QUERY PLAN */
#include "sql/sqlite_plan.h"

static bool skip(struct str *s, const char *word)
{
    struct str w = str_of(word);

    if (!str_starts(*s, w) || (s->len > w.len && s->ptr[w.len] != ' '))
        return false;
    *s = str_trim(str_sub(*s, w.len, s->len));
    return true;
}

/* The table by its alias; older versions say "TABLE name AS alias". Names may have spaces, so the
 * longest that fits is it. */
static u32 table_find(const struct explanation *e, struct str *rest)
{
    u32 best = DEMAND_TABLES_MAX;
    size_t longest = 0;
    bool old = skip(rest, "TABLE");

    for (u32 i = 0; i < e->demand.tables; i++) {
        const struct demand_table *t = &e->demand.table[i];
        struct str names[] = { t->alias, t->name };

        for (u32 k = 0; k < 2; k++)
            if (names[k].len > longest && str_starts_nocase(*rest, names[k]) &&
                (rest->len == names[k].len || rest->ptr[names[k].len] == ' ')) {
                longest = names[k].len;
                best = i;
            }
    }
    *rest = str_trim(str_sub(*rest, longest, rest->len));
    if (old && skip(rest, "AS"))
        return table_find(e, rest);
    return best;
}

static void index_read(struct explanation_step *s, struct str rest)
{
    if (!skip(&rest, "USING"))
        return;
    skip(&rest, "AUTOMATIC");
    skip(&rest, "PARTIAL");
    skip(&rest, "COVERING");
    if (skip(&rest, "INTEGER")) {
        s->index = STR("the primary key");
        rest = str_sub(rest, strlen("PRIMARY KEY"), rest.len);
    } else if (skip(&rest, "PRIMARY")) {
        s->index = STR("the primary key");
        rest = str_sub(rest, strlen("KEY"), rest.len);
    } else if (skip(&rest, "INDEX")) {
        ptrdiff_t open = str_index(rest, '(');

        s->index = str_trim(open < 0 ? rest : str_sub(rest, 0, (size_t)open));
        rest = open < 0 ? (struct str){ 0 } : str_sub(rest, (size_t)open, rest.len);
    }
    s->condition = str_trim(rest);
}

void sqlite_plan_add(struct explanation *e, struct str detail, u32 depth)
{
    struct explanation_step *s = explanation_add(e);
    struct str rest = detail;

    if (!s)
        return;
    s->name = detail;
    s->depth = depth;
    if (skip(&rest, "SCAN")) {
        s->table = table_find(e, &rest);
        s->kind = s->table < DEMAND_TABLES_MAX ? EXPLANATION_SCAN : EXPLANATION_OTHER;
        index_read(s, rest);
    } else if (skip(&rest, "SEARCH")) {
        s->table = table_find(e, &rest);
        s->kind = s->table < DEMAND_TABLES_MAX ? EXPLANATION_INDEX : EXPLANATION_OTHER;
        s->automatic = memmem(rest.ptr, rest.len, "AUTOMATIC", 9) != NULL;
        index_read(s, rest);
    } else if (str_starts(detail, STR("USE TEMP B-TREE FOR"))) {
        s->kind = EXPLANATION_SORT;
    }
    if (s->kind == EXPLANATION_SCAN)
        e->demand.table[s->table].scanned = true;
}
