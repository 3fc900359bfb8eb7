/* sql/trial.c -- which of the candidates are worth it, by what the database says of each */
#include "sql/trial.h"

#include <float.h>

#define HUGE_COST DBL_MAX
/* What a kept index leaves of the cost, at most. */
#define COST_LEFT_MOST 0.5
/* As good as the best. */
#define COST_NEAR 1.1
/* A statement that costs less than reading a few pages is not worth an index. */
#define COST_LEAST 25.0

enum { PAIRS_MAX = 150 };

struct outcome {
    double cost, bytes;
};

static int try_one(struct trial_bench *b, const struct candidate *c, struct outcome *o)
{
    int err = b->create(b, c, &o->bytes), dropped;

    if (err)
        return err;
    err = b->cost(b, &o->cost);
    dropped = b->drop(b);
    return err ? err : dropped;
}

/* Whether a is to be preferred to b, both being near the best. */
static bool is_better(const struct candidate *a, const struct outcome *ao,
                      const struct candidate *b, const struct outcome *bo)
{
    u32 a_columns = a->columns + (a->where.len > 0), b_columns = b->columns + (b->where.len > 0);

    if (a_columns != b_columns)
        return a_columns < b_columns;
    if (!a->where.len != !b->where.len) /* a partial one serves fewer statements: if much smaller */
        return a->where.len ? ao->bytes < bo->bytes / 4 : ao->bytes <= bo->bytes * 4;
    if (ao->cost != bo->cost)
        return ao->cost < bo->cost;
    return ao->bytes < bo->bytes;
}

static u32 choose(const struct candidate *c, const struct outcome *o, u32 count, double most)
{
    double best = most;
    u32 chosen = count;

    for (u32 i = 0; i < count; i++)
        best = min(best, o[i].cost);
    for (u32 i = 0; i < count; i++)
        if (o[i].cost <= best * COST_NEAR && o[i].cost <= most &&
            (chosen == count || is_better(&c[i], &o[i], &c[chosen], &o[chosen])))
            chosen = i;
    return chosen;
}

/* Each candidate beside those that are created. */
static int try_all(struct trial *t, struct trial_bench *b, const struct candidate *c, u32 count,
                   struct outcome *o)
{
    for (u32 i = 0; i < count; i++) {
        int err = try_one(b, &c[i], &o[i]);

        t->tried++;
        if (err == -EAGAIN)
            o[i].cost = HUGE_COST;
        else if (err)
            return err;
    }
    return 0;
}

static int keep(struct trial *t, struct trial_bench *b, const struct candidate *c, u32 number,
                double before, double after, bool with_next)
{
    struct trial_kept *k = &t->kept[t->count];
    int err;

    *k = (struct trial_kept){
        .candidate = number, .cost_before = before, .cost_after = after, .with_next = with_next
    };
    err = b->create(b, &c[number], &k->bytes);
    t->count += !err;
    return err;
}

/* Two of different tables that help together: a nested loop from one into the other. */
static int try_pairs(struct trial *t, struct trial_bench *b, const struct candidate *c, u32 count,
                     double before, bool *found)
{
    u32 pairs = 0, first = 0, second = 0;
    double best = before * COST_LEFT_MOST;
    struct outcome o;

    *found = false;
    for (u32 i = 0; i < count && pairs < PAIRS_MAX; i++) {
        double bytes;
        int err = b->create(b, &c[i], &bytes);

        if (err == -EAGAIN)
            continue;
        for (u32 j = i + 1; !err && j < count && pairs < PAIRS_MAX; j++) {
            if (c[j].table == c[i].table || c[i].columns + c[j].columns > 4)
                continue;
            pairs++;
            t->tried++;
            err = try_one(b, &c[j], &o);
            if (!err && o.cost * COST_NEAR <= best) {
                best = o.cost;
                first = i;
                second = j;
                *found = true;
            }
            err = err == -EAGAIN ? 0 : err;
        }
        err = err ? err : b->drop(b);
        if (err)
            return err;
    }
    if (*found) {
        int err = keep(t, b, c, first, before, best, true);

        return err ? err : keep(t, b, c, second, before, best, false);
    }
    return 0;
}

/* What the kept ones but number `left_out` cost, created in their order; nothing is created before
 * and after. *step[i] is the cost once the i-th is there. */
static int costs_of(const struct trial *t, struct trial_bench *b, const struct candidate *c,
                    u32 left_out, double *step, double *bytes)
{
    u32 created = 0;
    int err = 0;

    for (u32 i = 0; !err && i < t->count; i++) {
        if (i == left_out)
            continue;
        err = b->create(b, &c[t->kept[i].candidate], &bytes[i]);
        created += !err;
        if (!err)
            err = b->cost(b, &step[i]);
    }
    while (created--) {
        int dropped = b->drop(b);

        err = err ? err : dropped;
    }
    return err;
}

/* One that the later ones have made superfluous goes, such as (a) once there is (a, b). */
static int superfluous_leave(struct trial *t, struct trial_bench *b, const struct candidate *c)
{
    double step[TRIAL_KEPT_MAX], bytes[TRIAL_KEPT_MAX];

    for (u32 i = 0; t->count > 1 && i < t->count;) {
        double all = t->kept[t->count - 1].cost_after;
        u32 last = i == t->count - 1 ? i - 1 : t->count - 1;
        int err = costs_of(t, b, c, i, step, bytes);

        if (err)
            return err;
        if (step[last] > all * COST_NEAR) {
            i++;
            continue;
        }
        for (u32 k = i + 1; k < t->count; k++)
            t->kept[k - 1] = t->kept[k];
        t->count--;
        t->kept[t->count - 1].with_next = false;
    }
    return 0;
}

/* Costs anew, for each with those before it. */
static int costs_renew(struct trial *t, struct trial_bench *b, const struct candidate *c,
                       double cost)
{
    double step[TRIAL_KEPT_MAX], bytes[TRIAL_KEPT_MAX];
    int err = costs_of(t, b, c, t->count, step, bytes);

    for (u32 i = 0; !err && i < t->count; i++) {
        t->kept[i].cost_before = cost;
        t->kept[i].cost_after = step[i];
        t->kept[i].bytes = bytes[i];
        if (!t->kept[i].with_next)
            cost = step[i];
    }
    return err;
}

int trial_run(struct trial *t, struct trial_bench *b, const struct candidate *c, u32 count,
              double cost)
{
    AUTO(freep) struct outcome *o = calloc(count ? count : 1, sizeof(*o));
    double before = cost;
    int err = 0;

    if (!o)
        return -ENOMEM;
    while (count && t->count < TRIAL_KEPT_MAX && cost >= COST_LEAST) {
        u32 chosen;
        bool found;

        err = try_all(t, b, c, count, o);
        if (err)
            return err;
        chosen = choose(c, o, count, cost * COST_LEFT_MOST);
        if (chosen < count) {
            err = keep(t, b, c, chosen, cost, o[chosen].cost, false);
            cost = o[chosen].cost;
        } else if (t->count == 0) {
            err = try_pairs(t, b, c, count, cost, &found);
            break;
        } else {
            break;
        }
        if (err)
            return err;
    }
    for (u32 i = 0; !err && i < t->count; i++)
        err = b->drop(b);
    if (!err && t->count > 1)
        err = superfluous_leave(t, b, c);
    return !err && t->count ? costs_renew(t, b, c, before) : err;
}
