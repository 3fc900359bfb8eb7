/* sql/pg_plan.c -- reads PostgreSQL's EXPLAIN (VERBOSE, FORMAT JSON)
 *
 * Twice: tables first, conditions then, since a condition may name a table that comes later.
 */
#include "sql/pg_plan.h"

enum { TOKENS_MAX = 2048, DEPTH_MAX = 64 };

struct reader {
    struct explanation *to;
    struct sql_token token[TOKENS_MAX];
    bool conditions; /* the second time */
};

static struct str text_of(const struct json_value *node, const char *key)
{
    return json_value_text(json_value_member(node, key));
}

static double number_of(const struct json_value *node, const char *key)
{
    struct str digits = json_value_number(json_value_member(node, key));
    char text[64];

    str_to_cstr(digits, text, sizeof(text));
    return digits.len ? strtod(text, NULL) : 0;
}

static u32 find_alias(const struct demand_scope *scope, struct str qualifier, struct str *name)
{
    qualifier = demand_unquoted(qualifier, SQL_POSTGRESQL);
    *name = demand_unquoted(*name, SQL_POSTGRESQL);
    for (u32 i = 0; qualifier.len && i < scope->demand->tables; i++)
        if (str_eq(scope->demand->table[i].alias, qualifier))
            return i;
    return DEMAND_TABLES_MAX;
}

static void condition_read(struct reader *r, struct str text)
{
    struct demand_scope scope = { .demand = &r->to->demand, .find = find_alias };
    u32 count = demand_tokens(text, SQL_POSTGRESQL, r->token, TOKENS_MAX);

    if (count < TOKENS_MAX)
        demand_read_condition(&scope, r->token, count);
}

/* Keys serve an index only when all are columns of one table. */
static void keys_read(struct reader *r, const struct json_value *keys, enum demand_kind kind)
{
    struct demand_scope scope = { .demand = &r->to->demand, .find = find_alias };
    u32 before = r->to->demand.uses;

    for (u32 i = 0; i < json_value_count(keys); i++) {
        u32 count = demand_tokens(json_value_text(json_value_at(keys, i)), SQL_POSTGRESQL, r->token,
                                  TOKENS_MAX);

        if (demand_read_key(&scope, r->token, count, kind) &&
            scope.demand->use[scope.demand->uses - 1].table == scope.demand->use[before].table)
            continue;
        if (kind == DEMAND_ORDER)
            scope.demand->uses = before;
        return;
    }
}

static void node_conditions(struct reader *r, const struct json_value *node, struct str type)
{
    static const char *const keys[] = { "Filter",    "Index Cond", "Recheck Cond",
                                        "Hash Cond", "Merge Cond", "Join Filter" };

    if (!str_eq(type, STR("Aggregate")))
        for (u32 i = 0; i < ARRAY_LEN(keys); i++)
            condition_read(r, text_of(node, keys[i]));
    keys_read(r, json_value_member(node, "Sort Key"), DEMAND_ORDER);
    keys_read(r, json_value_member(node, "Group Key"), DEMAND_GROUP);
    if (str_eq(type, STR("Limit")))
        r->to->demand.limited = true;
}

static enum explanation_kind kind_of(struct str type)
{
    if (str_eq(type, STR("Seq Scan")))
        return EXPLANATION_SCAN;
    if (str_starts(type, STR("Index ")) || str_starts(type, STR("Bitmap Heap")))
        return EXPLANATION_INDEX;
    if (str_eq(type, STR("Sort")) || str_eq(type, STR("Incremental Sort")))
        return EXPLANATION_SORT;
    return str_eq(type, STR("Nested Loop")) ? EXPLANATION_LOOP : EXPLANATION_OTHER;
}

static u32 table_of(struct reader *r, const struct json_value *node, struct str type)
{
    struct str name = text_of(node, "Relation Name"), alias = text_of(node, "Alias");
    struct demand *s = &r->to->demand;

    if (!name.len || str_eq(type, STR("ModifyTable")))
        return DEMAND_TABLES_MAX;
    for (u32 i = 0; i < s->tables; i++)
        if (str_eq(s->table[i].alias, alias))
            return i;
    return demand_add_table(s, text_of(node, "Schema"), name, alias);
}

static struct explanation_step *step_read(struct reader *r, const struct json_value *node,
                                          struct str type, u32 depth, double loops)
{
    struct explanation_step *s = explanation_add(r->to);

    if (!s)
        return NULL;
    s->kind = kind_of(type);
    s->depth = depth;
    s->name = type;
    s->table = table_of(r, node, type);
    s->index = text_of(node, "Index Name");
    s->rows = number_of(node, "Plan Rows");
    s->bytes = number_of(node, "Plan Width");
    s->loops = loops;
    s->cost = number_of(node, "Total Cost") * loops;
    for (u32 i = 0; i < 5 && !s->condition.len; i++)
        s->condition = text_of(node, (const char *[]){ "Index Cond", "Recheck Cond", "Filter",
                                                       "Hash Cond", "Join Filter" }[i]);
    if (s->table < DEMAND_TABLES_MAX && s->kind == EXPLANATION_SCAN)
        r->to->demand.table[s->table].scanned = true;
    return s;
}

/* How often a child is executed for one execution of its parent. */
static double child_loops(const struct json_value *node, struct str type, u32 child,
                          const struct json_value *plans)
{
    const struct json_value *c = json_value_at(plans, child);
    struct str relation = text_of(c, "Parent Relationship");

    if (str_eq(relation, STR("SubPlan")))
        return max(1.0, number_of(node, "Plan Rows"));
    if (str_eq(type, STR("Nested Loop")) && str_eq(relation, STR("Inner")) &&
        !str_eq(text_of(c, "Node Type"), STR("Materialize")))
        return max(1.0, number_of(json_value_at(plans, 0), "Plan Rows"));
    return 1;
}

static void node_read(struct reader *r, const struct json_value *node, u32 depth, double loops)
{
    const struct json_value *plans = json_value_member(node, "Plans");
    struct str type = text_of(node, "Node Type");
    struct explanation_step *step = NULL;

    if (depth == DEPTH_MAX)
        return;
    if (r->conditions)
        node_conditions(r, node, type);
    else
        step = step_read(r, node, type, depth, loops);
    for (u32 i = 0; i < json_value_count(plans); i++) {
        const struct json_value *child = json_value_at(plans, i);
        double times = loops * child_loops(node, type, i, plans);

        if (step)
            step->cost -= number_of(child, "Total Cost") * times;
        node_read(r, child, depth + 1, times);
    }
    if (step)
        step->cost = max(step->cost, 0.0);
}

int pg_plan_read(struct explanation *out, struct str json, struct problem *p)
{
    AUTO(freep) struct reader *r = calloc(1, sizeof(*r));
    const struct json_value *plan;
    int err;

    if (!r)
        return -ENOMEM;
    err = json_value_parse(&out->document, json, "the plan", p);
    if (err)
        return err;
    plan = json_value_member(json_value_at(out->document, 0), "Plan");
    if (!text_of(plan, "Node Type").len)
        return problem_set(p, "the database's answer to EXPLAIN is no plan of PostgreSQL's");
    r->to = out;
    node_read(r, plan, 0, 1);
    r->conditions = true;
    node_read(r, plan, 0, 1);
    out->cost = number_of(plan, "Total Cost");
    out->rows = number_of(plan, "Plan Rows");
    return 0;
}
