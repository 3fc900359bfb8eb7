/* heap/analysis.c -- the steps in their order */
#include "heap/analysis.h"

#include "base/pages.h"
#include "base/team.h"
#include "heap/detached.h"
#include "heap/distances.h"
#include "heap/owners.h"

struct steps {
    struct analysis *a;
    int status[2];
};

/* What the app's roots reach, beside whose insides are whose and what is of which class. */
static void roots_and_classes(void *ctx, u32 index)
{
    struct steps *s = ctx;
    struct analysis *a = s->a;

    if (index == 0) {
        s->status[0] = distances_measure(&a->g, a->distance);
        return;
    }
    s->status[1] = owners_assign(&a->g);
    if (!s->status[1])
        s->status[1] = classes_assign(&a->c, &a->g);
}

/* The depth-first order beside sums by class. */
static void order_and_sums(void *ctx, u32 index)
{
    struct steps *s = ctx;

    if (index == 0)
        s->status[0] = dominators_begin(&s->a->d, &s->a->g);
    else
        classes_count(&s->a->c, &s->a->g, s->a->distance);
}

static int both(struct steps *s, u32 threads, void (*step)(void *ctx, u32 index))
{
    if (threads > 1) {
        team_run(2, step, s);
    } else {
        step(s, 0);
        step(s, 1);
    }
    return s->status[0] ? s->status[0] : s->status[1];
}

static void say(const struct progress_sink *p, const char *what, u64 done)
{
    if (p && p->at)
        p->at(p->ctx, what, done, 4);
}

static void distances_done(struct analysis *a)
{
    pages_give(a->distance, (u64)a->g.node_count * sizeof(int32_t));
    a->distance = NULL;
}

static int run(struct analysis *a, u32 threads, u32 options, const struct progress_sink *progress)
{
    struct steps s = { .a = a };
    int r;

    say(progress, "distances", 0);
    a->distance = pages_take((u64)a->g.node_count * sizeof(int32_t));
    if (!a->distance)
        return -ENOMEM;
    r = detached_spread(&a->g);
    if (!r)
        r = both(&s, threads, roots_and_classes);
    if (r)
        return r;
    graph_names_done(&a->g);
    say(progress, "order", 1);
    r = both(&s, threads, order_and_sums);
    if (r)
        return r;
    statistics_count(&a->s, &a->g, &a->c);
    if (!(options & ANALYSIS_DISTANCES))
        distances_done(a);
    if (!(options & ANALYSIS_EDGES))
        graph_types_done(&a->g);
    say(progress, "dominators", 2);
    r = dominators_finish(&a->d, &a->g, !(options & ANALYSIS_EDGES));
    if (r)
        return r;
    a->s.total = a->d.retained[a->g.root] + a->g.meta.extra_native_bytes;
    say(progress, "retained sizes", 3);
    return classes_retain(&a->c, &a->g, &a->d);
}

int analysis_run(struct analysis *a, const struct input *in, u32 threads, u32 options,
                 const struct progress_sink *progress, struct problem *p)
{
    int r;

    *a = (struct analysis){ 0 };
    r = graph_read(&a->g, in, threads, options, progress, p);
    if (!r)
        r = run(a, threads, options, progress);
    if (r == -ERANGE)
        return problem_set(p, "more than %d objects claim 4 GiB each: these sizes cannot be true",
                           GRAPH_LARGE_MAX);
    return r;
}

void analysis_done(struct analysis *a)
{
    distances_done(a);
    dominators_done(&a->d);
    classes_done(&a->c);
    graph_done(&a->g);
}
