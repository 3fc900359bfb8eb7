/* sql/advice.c -- what is slow in a statement, and the indexes that would help */
#include "sql/advice.h"

#include "sql/model.h"

/* A step that takes less of the cost than this is not what makes a statement slow. */
#define SHARE_LEAST 0.1

enum { ROWS_MANY = 1000, SORT_MEMORY_BYTES = 4 << 20 };

struct advice *advice_new(void)
{
    return calloc(1, sizeof(struct advice));
}

void advice_free(struct advice *a)
{
    if (!a)
        return;
    explanation_done(&a->explanation);
    catalog_done(&a->catalog);
    free(a);
}

static int tried(int err, struct problem *p)
{
    if (err == -ECONNRESET)
        problem_set(p, "the connection to the database broke while indexes were tried");
    else if (err && err != -ENOMEM)
        return problem_set(p, "the database failed while indexes were tried");
    return err;
}

int advice_make(struct advice *a, struct database *d, struct str statement, struct problem *p)
{
    struct trial_bench *bench;
    struct model model;
    double cost;
    int err = database_explain(d, statement, &a->explanation, &a->catalog, p);

    if (err)
        return err;
    a->how = d->how;
    a->candidates = candidates_make(&a->explanation.demand, &a->catalog, d->dialect, a->candidate,
                                    CANDIDATES_MAX);
    bench = database_bench(d, &a->explanation, &a->catalog);
    if (!bench) {
        model_init(&model, &a->explanation, &a->catalog, d->dialect);
        bench = &model.bench;
        a->how = DATABASE_TRIAL_MODEL;
    }
    err = bench->cost(bench, &cost);
    if (!err)
        err = trial_run(&a->trial, bench, a->candidate, a->candidates, cost);
    return tried(err, p);
}

static double rows_of(const struct advice *a, u32 table)
{
    const struct demand_table *t = &a->explanation.demand.table[table];
    const struct catalog_table *c = catalog_find(&a->catalog, t->schema, t->name, true);

    return c ? c->rows : -1;
}

static void count_add(struct buf *out, double n)
{
    char digits[32];
    size_t len = (size_t)snprintf(digits, sizeof(digits), "%.0f", n);

    for (size_t i = 0; i < len; i++) {
        if (i && (len - i) % 3 == 0)
            buf_addc(out, ',');
        buf_addc(out, digits[i]);
    }
}

static void table_add(const struct advice *a, u32 table, struct buf *out)
{
    const struct demand_table *t = &a->explanation.demand.table[table];

    buf_add(out, t->name);
    if (!str_eq(t->alias, t->name))
        buf_addf(out, " (%.*s)", STR_ARG(t->alias));
}

static void scan_say(const struct advice *a, const struct explanation_step *s, struct buf *out)
{
    double rows = rows_of(a, s->table);

    buf_add(out, STR("reads all "));
    if (rows >= 0) {
        count_add(out, rows);
        buf_addc(out, ' ');
    }
    buf_add(out, STR("rows of "));
    table_add(a, s->table, out);
    if (s->loops > 1.5) {
        buf_add(out, STR(", anew for each of "));
        count_add(out, s->loops);
        buf_add(out, STR(" rows"));
    }
    if (s->rows >= 0 && s->condition.len) {
        buf_add(out, STR(", for "));
        count_add(out, s->rows);
        buf_add(out, s->loops > 1.5 ? STR(" each time") : STR(" that are wanted"));
    }
}

static void sort_say(const struct explanation *e, u32 step, struct buf *out)
{
    const struct explanation_step *s = &e->step[step];
    /* What is sorted is what the next step gives. */
    double rows =
        step + 1 < e->steps && e->step[step + 1].rows >= 0 ? e->step[step + 1].rows : s->rows;
    double bytes = rows * (s->bytes + 24);

    buf_add(out, STR("sorts "));
    if (rows >= 0) {
        count_add(out, rows);
        buf_addc(out, ' ');
    }
    buf_add(out, STR("rows"));
    if (s->bytes > 0 && bytes > SORT_MEMORY_BYTES && !e->demand.limited)
        buf_addf(out, ", about %.0f MB, which is more than the usual work_mem of 4 MB: on disk",
                 bytes / (1 << 20));
}

static void step_say(const struct advice *a, u32 step, struct buf *out)
{
    const struct explanation_step *s = &a->explanation.step[step];

    switch (s->kind) {
    case EXPLANATION_SCAN:
        scan_say(a, s, out);
        return;
    case EXPLANATION_SORT:
        sort_say(&a->explanation, step, out);
        return;
    case EXPLANATION_INDEX:
        buf_add(out, STR("reads "));
        table_add(a, s->table, out);
        buf_addf(out, " by %s%.*s", s->index.len ? "" : "its index", STR_ARG(s->index));
        if (s->rows >= 0) {
            buf_add(out, STR(": "));
            count_add(out, s->rows * s->loops);
            buf_add(out, STR(" rows"));
        }
        return;
    case EXPLANATION_LOOP:
        buf_add(out, STR("joins row by row"));
        return;
    case EXPLANATION_OTHER:
        buf_add(out, s->name);
        return;
    }
}

u32 advice_remarks(const struct advice *a, struct advice_remark *out, u32 most)
{
    const struct explanation *e = &a->explanation;
    double total = 0;
    u32 count = 0;

    for (u32 i = 0; i < e->steps; i++)
        total += e->step[i].cost;
    for (u32 i = 0; i < e->steps; i++) {
        const struct explanation_step *s = &e->step[i];
        double share = total > 0 ? s->cost / total : 0;
        u32 at;

        if (total > 0 ? share < SHARE_LEAST
                      : s->kind != EXPLANATION_SCAN && s->kind != EXPLANATION_SORT)
            continue;
        at = min(count, most);
        if (at == most)
            continue;
        count++;
        for (; at && out[at - 1].share < share; at--)
            out[at] = out[at - 1];
        out[at] = (struct advice_remark){ .share = share, .step = i };
    }
    for (u32 i = 0; i < count; i++)
        step_say(a, out[i].step, &out[i].text);
    return count;
}
