/* admin/route_costs.c -- how fast routes are asked for, and how much CPU time they take */
#include "admin/route_costs.h"

#include "admin/thread_state.h"
#include "base/clock.h"
#include "metrics/histogram.h"

enum { MARKS = 11 };
/* Of what was seen, so much is left after a second. */
#define FADES 0.9

struct mark {
    u64 at_ns;
    u64 count[SHM_SERIES_MAX];
};

struct route_costs {
    struct mark mark[MARKS]; /* a ring, the oldest at `next` */
    u32 next;
    u64 began_ns;
    u64 loop_ns[SHM_SERIES_MAX]; /* as they were at the newest look */
    struct slot_sums {
        u32 generation;
        u64 loop_ns, cpu_ns;
    } slot[SHM_SLOTS_MAX];
    struct app_costs {
        struct route_costs_share share;
        struct route_costs_app sums;
    } app[SHM_APPS_MAX];
};

int route_costs_new(struct route_costs **out)
{
    *out = calloc(1, sizeof(**out));
    return *out ? 0 : -ENOMEM;
}

void route_costs_free(struct route_costs *rc)
{
    free(rc);
}

double route_costs_share_add(struct route_costs_share *s, u64 loop_ns, u64 cpu_ns)
{
    s->loop_ns = s->loop_ns * FADES + (double)loop_ns;
    s->cpu_ns = s->cpu_ns * FADES + (double)cpu_ns;
    return s->loop_ns > 0 ? min(s->cpu_ns / s->loop_ns, 1.0) : 1.0;
}

/* How long its loop has run, the turn that runs included. */
static u64 loop_ran_ns(const struct shm_loop *l, u64 now_ns)
{
    u64 busy_ns = atomic_load(&l->busy_ns), since = atomic_load(&l->busy_since_ns);

    return busy_ns + (since ? u64_sub(now_ns, since) : 0);
}

/* What one process has done since the last look. */
static void slot_look(struct route_costs *rc, const struct shm *shm, u32 i, u64 now_ns,
                      struct route_costs_app *out)
{
    const struct shm_slot *s = &shm->slot[i];
    struct slot_sums *last = &rc->slot[i];
    u32 state = atomic_load(&s->state), app = atomic_load(&s->app);
    struct blocking_view v = { 0 };
    struct slot_sums now;

    if (state == SHM_FREE || state == SHM_DEAD || app >= SHM_APPS_MAX)
        return;
    thread_schedule_read(&v, atomic_load(&s->pid));
    now = (struct slot_sums){ .generation = atomic_load(&s->generation),
                              .loop_ns = loop_ran_ns(&s->loop, now_ns),
                              .cpu_ns = v.cpu_ns };
    if (now.generation == last->generation && now.cpu_ns) {
        out[app].loop_ns += u64_sub(now.loop_ns, last->loop_ns);
        out[app].cpu_ns += u64_sub(now.cpu_ns, last->cpu_ns);
    }
    *last = now;
}

/* Requests in so many seconds, since the oldest mark. */
static u64 rate(const struct route_costs *rc, const struct mark *newest, u32 i)
{
    const struct mark *m = &rc->mark[rc->next];
    u64 ms;

    if (!m->at_ns)
        m = &rc->mark[0];
    ms = (newest->at_ns - m->at_ns) / NS_PER_MS;
    return ms ? u64_sub(newest->count[i], m->count[i]) * 1000000 / ms : 0;
}

static void series_look(struct route_costs *rc, struct shm_series *s, u32 i, const double *share,
                        struct mark *mark)
{
    u64 loop_ns = atomic_load(&s->loop_ns), cpu_ns;

    mark->count[i] = atomic_load(&s->count);
    atomic_store(&s->per_1000s, rate(rc, mark, i));
    if (s->app >= SHM_APPS_MAX || loop_ns <= rc->loop_ns[i])
        return;
    cpu_ns = (u64)((double)(loop_ns - rc->loop_ns[i]) * share[s->app]);
    rc->loop_ns[i] = loop_ns;
    atomic_fetch_add(&s->cpu_ns, cpu_ns);
    rc->app[s->app].sums.route_ns += cpu_ns;
}

void route_costs_tick(struct route_costs *rc, struct shm *shm, u64 now_ns)
{
    struct route_costs_app second[SHM_APPS_MAX] = { 0 };
    struct mark *mark = &rc->mark[rc->next];
    double share[SHM_APPS_MAX];
    bool is_first = rc->began_ns == 0;

    rc->next = (rc->next + 1) % MARKS;
    mark->at_ns = now_ns;
    for (u32 i = 0; i < shm_slots_used(shm); i++)
        slot_look(rc, shm, i, now_ns, second);
    for (u32 i = 0; i < SHM_APPS_MAX; i++) {
        share[i] = route_costs_share_add(&rc->app[i].share, second[i].loop_ns, second[i].cpu_ns);
        rc->app[i].sums.loop_ns += second[i].loop_ns;
        rc->app[i].sums.cpu_ns += second[i].cpu_ns;
    }
    for (u32 i = 0; i < SHM_SERIES_MAX; i++) {
        struct shm_series *s = &shm->series[i];

        if (atomic_load_explicit(&s->state, memory_order_acquire) != 2)
            continue;
        if (is_first) /* one before us has told of it, or fettle has just begun */
            rc->loop_ns[i] = atomic_load(&s->loop_ns);
        series_look(rc, s, i, share, mark);
    }
    if (is_first)
        rc->began_ns = now_ns;
}

struct route_costs_app route_costs_app(const struct route_costs *rc, u32 app)
{
    return app < SHM_APPS_MAX ? rc->app[app].sums : (struct route_costs_app){ 0 };
}
