/* admin/rates.c -- what processes and apps did lately, put where the supervisor finds it */
#include "admin/rates.h"

#include "metrics/histogram.h"

#define WINDOW_NS (10 * NS_PER_S)
#define WINDOW_LEAST_NS (500 * NS_PER_MS)
enum { MARKS = 12, BOUNDS = SHM_DELAY_BUCKETS - 1 };

/* The sums of a slot at one moment. */
struct mark {
    u64 at_ns;
    u64 took[SHM_DELAY_BUCKETS];
};

struct track {
    u32 generation;
    u32 marks; /* ever made */
    struct mark mark[MARKS];
};

/* What came within a window. */
struct window {
    u64 took[SHM_DELAY_BUCKETS];
    u64 elapsed_ns;
    u64 utilization_ppm; /* sum … */
    u32 loops;           /* … of so many */
};

struct rates {
    struct track *track[SHM_SLOTS_MAX]; /* owned; NULL for a slot that nobody has */
    struct window app[SHM_APPS_MAX];
    u64 le_ns[BOUNDS];
};

int rates_new(struct rates **out)
{
    struct rates *r = calloc(1, sizeof(*r));

    if (!r)
        return -ENOMEM;
    for (u32 i = 0; i < BOUNDS; i++)
        r->le_ns[i] = shm_delay_floor_ns(i + 1);
    *out = r;
    return 0;
}

void rates_free(struct rates *r)
{
    for (u32 i = 0; r && i < SHM_SLOTS_MAX; i++)
        free(r->track[i]);
    free(r);
}

/* The track of who has the slot now; NULL: nobody has, or out of memory. */
static struct track *track_get(struct rates *r, const struct shm_slot *slot, u32 index)
{
    struct track *t = r->track[index];
    u32 generation = slot->generation;

    if (slot->state == SHM_FREE) {
        free(t);
        r->track[index] = NULL;
        return NULL;
    }
    if (!t)
        t = r->track[index] = calloc(1, sizeof(*t));
    if (t && t->generation != generation)
        *t = (struct track){ .generation = generation };
    return t;
}

/* The newest mark that is ten seconds old, else the oldest; else the process's start. */
static struct mark mark_before(const struct track *t, u64 started_ns, u64 now_ns)
{
    struct mark m = { .at_ns = min(started_ns, now_ns) };

    for (u32 back = 1; back <= min(t->marks, (u32)MARKS); back++) {
        m = t->mark[(t->marks - back) % MARKS];
        if (u64_sub(now_ns, m.at_ns) >= WINDOW_NS)
            return m;
    }
    /* All that there was since its start, while that is not long ago. */
    return t->marks < MARKS ? (struct mark){ .at_ns = min(started_ns, now_ns) } : m;
}

static void publish(const struct rates *r, struct shm_rates *out, const struct window *w,
                    u32 generation, u64 now_ns)
{
    u64 requests = 0;
    double s = (double)max(w->elapsed_ns, WINDOW_LEAST_NS) / NS_PER_S;

    for (u32 b = 0; b < SHM_DELAY_BUCKETS; b++)
        requests = u64_add(requests, w->took[b]);
    out->generation = generation;
    out->utilization_ppm = w->loops ? (u32)min(w->utilization_ppm / w->loops, 1000000ull) : 0;
    out->requests_per_1000s = (u64)min((double)requests * 1000 / s, 1e15);
    out->p99_ns = requests ? histogram_quantile(w->took, r->le_ns, BOUNDS, 990) : 0;
    out->at_ns = now_ns;
}

static void slot_tick(struct rates *r, const struct sampler *s, struct shm *shm, u32 index,
                      u64 now_ns)
{
    struct shm_slot *slot = &shm->slot[index];
    struct track *t = track_get(r, slot, index);
    struct window *app = &r->app[slot->app % SHM_APPS_MAX];
    struct window own = { 0 };
    struct mark now = { .at_ns = now_ns }, before;

    if (!t)
        return;
    before = mark_before(t, slot->started_ns, now_ns);
    own.elapsed_ns = u64_sub(now_ns, before.at_ns);
    for (u32 b = 0; b < SHM_DELAY_BUCKETS; b++) {
        now.took[b] = slot->took_count[b];
        own.took[b] = u64_sub(now.took[b], before.took[b]);
        app->took[b] = u64_add(app->took[b], own.took[b]);
    }
    app->elapsed_ns = max(app->elapsed_ns, own.elapsed_ns);
    t->mark[t->marks++ % MARKS] = now;
    if (slot->state == SHM_DEAD)
        return;
    own.utilization_ppm = sampler_utilization_ppm(s, index);
    own.loops = 1;
    app->utilization_ppm += own.utilization_ppm;
    app->loops++;
    publish(r, &slot->rates, &own, t->generation, now_ns);
}

void rates_tick(struct rates *r, const struct sampler *s, struct shm *shm, u64 now_ns)
{
    u32 slots = shm_slots_used(shm);
    u32 apps = min(atomic_load(&shm->apps), (u32)SHM_APPS_MAX);

    memset(r->app, 0, sizeof(r->app));
    for (u32 i = 0; i < slots; i++)
        slot_tick(r, s, shm, i, now_ns);
    for (u32 i = 0; i < apps; i++)
        publish(r, &shm->app[i].rates, &r->app[i], 0, now_ns);
}
