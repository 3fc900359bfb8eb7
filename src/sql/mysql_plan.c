/* sql/mysql_plan.c -- reads EXPLAIN FORMAT=JSON of MariaDB and MySQL */
#include "sql/mysql_plan.h"

#include "sql/fingerprint.h"

enum { DEPTH_MAX = 64 };

static struct str text_of(const struct json_value *node, const char *key)
{
    return json_value_text(json_value_member(node, key));
}

/* Numbers are texts in some versions. */
static double number_of(const struct json_value *node, const char *key, double otherwise)
{
    const struct json_value *v = json_value_member(node, key);
    struct str digits = json_value_number(v);
    char text[64];

    if (!digits.len)
        digits = json_value_text(v);
    str_to_cstr(digits, text, sizeof(text));
    return digits.len ? strtod(text, NULL) : otherwise;
}

static u32 table_find(const struct explanation *e, struct str alias)
{
    for (u32 i = 0; i < e->demand.tables; i++)
        if (str_eq_nocase(e->demand.table[i].alias, alias))
            return i;
    return DEMAND_TABLES_MAX;
}

/* Without values: some may come from the table itself (mysql_client.h). */
static struct str without_values(struct explanation *e, struct str condition)
{
    char text[512];

    if (!condition.len)
        return condition;
    return explanation_keep(e,
                            str_make(text, sql_fingerprint(condition.ptr, condition.len, SQL_MYSQL,
                                                           text, sizeof(text), NULL)));
}

static void table_read(struct explanation *e, const struct json_value *t, u32 depth, double *loops)
{
    struct str access = text_of(t, "access_type");
    double rows = number_of(t, "rows", number_of(t, "rows_examined_per_scan", -1));
    struct explanation_step *s = explanation_add(e);

    if (!s)
        return;
    s->table = table_find(e, text_of(t, "table_name"));
    s->kind = s->table == DEMAND_TABLES_MAX                                ? EXPLANATION_OTHER
              : str_eq(access, STR("ALL")) || str_eq(access, STR("index")) ? EXPLANATION_SCAN
                                                                           : EXPLANATION_INDEX;
    s->depth = depth;
    s->name = access.len ? access : STR("table");
    s->index = text_of(t, "key");
    s->condition = without_values(e, text_of(t, "attached_condition"));
    s->loops = *loops;
    s->cost = max(rows, 0.0) * *loops;
    s->rows = rows < 0 ? -1 : rows * number_of(t, "filtered", 100) / 100;
    if (s->rows > 0)
        *loops *= s->rows;
    if (s->condition.len && number_of(t, "filtered", 100) >= 100)
        s->rows = -1; /* without statistics of its own it does not know */
    if (s->kind == EXPLANATION_SCAN)
        e->demand.table[s->table].scanned = true;
}

static void node_read(struct explanation *e, const struct json_value *node, u32 depth,
                      double *loops)
{
    struct str name;
    const struct json_value *value;
    void *at = NULL;

    if (depth == DEPTH_MAX)
        return;
    while (json_value_each(node, &at, &name, &value)) {
        enum json_value_kind kind = json_value_kind(value);
        struct explanation_step *sort;

        if (kind != JSON_VALUE_OBJECT && kind != JSON_VALUE_ARRAY) {
            if (str_eq(name, STR("using_filesort")) && kind == JSON_VALUE_TRUE &&
                (sort = explanation_add(e)))
                *sort = (struct explanation_step){ .kind = EXPLANATION_SORT,
                                                   .depth = depth,
                                                   .table = DEMAND_TABLES_MAX,
                                                   .name = STR("filesort"),
                                                   .rows = -1,
                                                   .loops = 1 };
            continue;
        }
        if (str_eq(name, STR("filesort")) && (sort = explanation_add(e))) {
            sort->kind = EXPLANATION_SORT;
            sort->depth = depth;
            sort->name = STR("filesort");
        }
        if (str_eq(name, STR("table")))
            table_read(e, value, depth, loops);
        node_read(e, value, depth + 1, loops);
    }
}

int mysql_plan_read(struct explanation *out, struct str json, struct problem *p)
{
    double loops = 1;
    int err = json_value_parse(&out->document, json, "the plan", p);

    if (err)
        return err;
    if (json_value_kind(json_value_member(out->document, "query_block")) != JSON_VALUE_OBJECT)
        return problem_set(p,
                           "the database's answer to EXPLAIN is no plan of MariaDB's or MySQL's");
    node_read(out, out->document, 0, &loops);
    return 0;
}
