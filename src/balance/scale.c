/* balance/scale.c -- how many workers there should be, between a least and a most number */
#include "balance/scale.h"

#include <math.h>

#define PRESSED_BUSY 0.85   /* of each loop's time */
#define PRESSED_WAITING 0.5 /* requests for each worker */
#define DRAINS 0.9          /* of those that waited at the beginning of a period */
#define WANTED_BUSY 0.7     /* what a worker should have to do after a change */
#define CALM_BUSY 0.5       /* of the time of the loops that would be left: in the mean … */
#define CALM_PEAK 0.7       /* … and at peaks */
#define CALM_WAITING 0.1    /* requests for each worker */
#define CPU_FREE 0.5        /* for one more to be started */
#define CPU_FULL 0.1        /* less than this is none */
#define RUNNABLE_SPARE                                                      \
    1 /* loops beyond the number of CPUs that still pay off: one that reads \
       * while the others compute */
#define FAST_PERIODS 0.5
#define SLOW_PERIODS 5.0
enum { SOON = 4, LONG = 20 }; /* times the wait before going down */

static void fade(double *mean, double value, double share)
{
    *mean += share * (value - *mean);
}

static void level_add(struct scale_level *l, const struct scale_reading *r, double periods,
                      double tau)
{
    double share = -expm1(-periods / tau);

    fade(&l->busy, r->busy, share);
    fade(&l->waiting, r->waiting, share);
    fade(&l->cpus_free, r->cpus_free, share);
}

/* What a condition's `since` becomes; how long it has held then. */
static u64 held_ns(u64 *since_ns, bool holds, u64 now_ns)
{
    if (!holds)
        *since_ns = 0;
    else if (!*since_ns)
        *since_ns = now_ns;
    return holds ? now_ns - *since_ns : 0;
}

static bool waits(const struct scale *s, const struct scale_reading *r)
{
    return s->fast.waiting >= PRESSED_WAITING * r->ready && r->ready > 0;
}

static bool is_pressed(const struct scale *s, const struct scale_reading *r)
{
    bool wanted = waits(s, r) || s->fast.busy >= PRESSED_BUSY * r->ready;

    return wanted && r->ready > 0 && s->fast.cpus_free >= CPU_FREE;
}

/* How long it has been pressed, without a queue that gets shorter: then what there is, is enough.
 */
static u64 pressed_for_ns(struct scale *s, bool holds, u64 now_ns)
{
    u64 held = held_ns(&s->pressed_ns, holds, now_ns);

    if (held && s->fast.waiting < DRAINS * s->pressed_waiting) {
        s->pressed_ns = now_ns;
        held = 0;
    }
    if (!held)
        s->pressed_waiting = s->fast.waiting;
    return held;
}

static bool is_calm(const struct scale *s, const struct scale_reading *r)
{
    double left = (double)r->workers - 1;

    return s->slow.busy < CALM_BUSY * left && s->fast.busy < CALM_PEAK * left &&
           s->slow.waiting < CALM_WAITING * r->workers && s->fast.waiting < PRESSED_WAITING * left;
}

static bool is_full(const struct scale *s, const struct scale_conf *conf,
                    const struct scale_reading *r)
{
    return s->slow.cpus_free < CPU_FULL && s->slow.busy >= PRESSED_BUSY * r->workers &&
           r->workers > ceil(conf->cpus) + RUNNABLE_SPARE;
}

/* As many as the load asks for, but no more than have a CPU to run on. */
static u32 up_target(const struct scale *s, const struct scale_conf *conf,
                     const struct scale_reading *r)
{
    u32 for_busy = (u32)ceil(s->fast.busy / WANTED_BUSY);
    u32 for_queue =
        s->fast.waiting >= 2.0 * r->workers ? r->workers + (r->workers + 1) / 2 : r->workers + 1;
    u32 room = max((u32)floor(s->fast.cpus_free), 1u);
    u32 want = max(for_busy, for_queue), most = min(conf->most, r->memory_most);

    want = min(want, r->workers + room);
    return min(max(want, r->workers + 1), most);
}

static u64 down_wait_ns(const struct scale *s, const struct scale_conf *conf)
{
    return (conf->period_ns * SCALE_DOWN_PERIODS) << s->patience;
}

static void changed(struct scale *s, const struct scale_conf *conf, bool up, u64 now_ns)
{
    u64 wait_ns = down_wait_ns(s, conf);

    if (up && s->down_ns && now_ns - s->down_ns < SOON * wait_ns)
        s->patience = min(s->patience + 1, (u32)SCALE_PATIENCE_MAX);
    else if (!up && s->up_ns && now_ns - s->up_ns > LONG * wait_ns)
        s->patience = 0;
    *(up ? &s->up_ns : &s->down_ns) = now_ns;
    s->pressed_ns = s->calm_ns = s->full_ns = 0;
}

static struct scale_verdict stays(const struct scale_reading *r, enum scale_reason reason)
{
    return (struct scale_verdict){ .workers = r->workers, .reason = reason };
}

static struct scale_verdict go_up(struct scale *s, const struct scale_conf *conf,
                                  const struct scale_reading *r)
{
    struct scale_verdict v = { .reason = waits(s, r) ? SCALE_WAITING : SCALE_BUSY };

    if (r->workers >= conf->most)
        return stays(r, SCALE_STAYS);
    if (r->workers >= r->memory_most)
        return stays(r, SCALE_NO_MEMORY);
    v.workers = up_target(s, conf, r);
    changed(s, conf, true, r->now_ns);
    return v;
}

static struct scale_verdict go_down(struct scale *s, const struct scale_conf *conf,
                                    const struct scale_reading *r, enum scale_reason reason)
{
    if (r->workers <= conf->least)
        return stays(r, SCALE_STAYS);
    changed(s, conf, false, r->now_ns);
    return (struct scale_verdict){ .workers = r->workers - 1, .reason = reason };
}

static void levels_update(struct scale *s, const struct scale_conf *conf,
                          const struct scale_reading *r)
{
    double periods = (double)(r->now_ns - s->last_ns) / (double)conf->period_ns;

    if (!s->begun)
        s->fast = s->slow = (struct scale_level){ r->busy, r->waiting, r->cpus_free };
    else
        level_add(&s->fast, r, periods, FAST_PERIODS);
    if (s->begun)
        level_add(&s->slow, r, periods, SLOW_PERIODS);
    s->begun = true;
    s->last_ns = r->now_ns;
}

struct scale_verdict scale_reading(struct scale *s, const struct scale_conf *conf,
                                   const struct scale_reading *r)
{
    u64 down_ns = down_wait_ns(s, conf), pressed_ns, calm_ns, full_ns;
    /* While some have not started (or are being replaced), what is seen is not what will be. */
    bool settled = r->ready == r->workers;

    levels_update(s, conf, r);
    if (r->workers < conf->least)
        return (struct scale_verdict){ conf->least, SCALE_LEAST };
    if (r->workers > conf->most)
        return (struct scale_verdict){ conf->most, SCALE_MOST };
    pressed_ns = pressed_for_ns(s, settled && is_pressed(s, r), r->now_ns);
    calm_ns = held_ns(&s->calm_ns, settled && is_calm(s, r), r->now_ns);
    full_ns = held_ns(&s->full_ns, settled && is_full(s, conf, r), r->now_ns);
    if (pressed_ns >= conf->period_ns)
        return go_up(s, conf, r);
    if (calm_ns >= down_ns)
        return go_down(s, conf, r, SCALE_IDLE);
    if (full_ns >= down_ns)
        return go_down(s, conf, r, SCALE_CPUS);
    return stays(r, SCALE_STAYS);
}

u32 scale_memory_most(u64 available_bytes, u32 ready, u64 mean_bytes, u64 max_bytes)
{
    u64 each = max_bytes ? max_bytes : mean_bytes;
    u64 all = available_bytes + ready * mean_bytes;

    if (!each)
        return UINT32_MAX;
    return (u32)min((all - all / 10) / each, (u64)UINT32_MAX);
}

void scale_reason_text(const struct scale *s, const struct scale_reading *r,
                       const struct scale_verdict *v, struct buf *out)
{
    double share = r->ready ? 100.0 / r->ready : 0;

    switch (v->reason) {
    case SCALE_STAYS:
        break;
    case SCALE_WAITING:
        buf_addf(out, "requests wait (%.1f at a time), and %.1f CPUs are free", s->fast.waiting,
                 s->fast.cpus_free);
        break;
    case SCALE_BUSY:
        buf_addf(out, "the loops are busy for %.0f %% of the time, and %.1f CPUs are free",
                 s->fast.busy * share, s->fast.cpus_free);
        break;
    case SCALE_LEAST:
        buf_add(out, STR("there are to be at least so many"));
        break;
    case SCALE_MOST:
        buf_add(out, STR("there are to be at most so many"));
        break;
    case SCALE_IDLE:
        buf_addf(out, "the loops have been busy for %.0f %% of the time: one less is enough",
                 s->slow.busy * share);
        break;
    case SCALE_CPUS:
        buf_add(out, STR("all CPUs are busy: with fewer loops that take turns they do the same"));
        break;
    case SCALE_NO_MEMORY:
        buf_add(out, STR("one more would help, but does not fit into memory"));
        break;
    }
}
