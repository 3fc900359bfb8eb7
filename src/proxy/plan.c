/* proxy/plan.c -- what is learned of the workers' loops, and the lanes, ten times a second */
#include "proxy/plan.h"

#include "base/log.h"
#include "conf/cpus.h"
#include "io/sched.h"
#include "proxy/thread.h"

#define SLICE_SHORT_NS 100000ull
enum { NICE_MORE = 10, NICE_MOST = 19 };

static_assert((int)LANE_OCTAVES == (int)SHM_OCTAVES, "shared memory has the octaves of lanes");

enum weight { WEIGHT_USUAL, WEIGHT_KEPT, WEIGHT_LOWER };

/* What the kernel was told of one slot's process. */
struct told {
    u32 generation; /* 0: nothing yet */
    enum weight weight;
};

struct plan {
    const struct proxy *proxy;
    struct shm *shm;
    u32 cpus;
    bool may_lower_nice;
    struct lane lane[SHM_APPS_MAX];
    struct learn learn[SHM_SLOTS_MAX];
    struct told told[SHM_SLOTS_MAX];
};

int plan_new(struct plan **out, const struct proxy *proxy)
{
    struct plan *p = calloc(1, sizeof(*p));

    if (!p)
        return -ENOMEM;
    p->proxy = proxy;
    p->shm = proxy->shm;
    p->cpus = cpus_of(cpus_allowed(), cpus_quota(""));
    p->may_lower_nice = sched_may_lower_nice();
    *out = p;
    return 0;
}

/* ---- one loop ---- */

static void learn_slot(struct learn *l, struct shm_slot *slot, bool lanes)
{
    struct learn_counters c = {
        .busy_ns = slot->loop.busy_ns,
        .requests = slot->requests,
        .slow_ns = slot->slow_ns,
        .slow_requests = slot->slow_requests,
        .slow_turns = slot->slow_turns,
    };

    if (sched_delay(slot->pid, &c.delay_ns) < 0)
        c.delay_ns = 0;
    for (u32 i = shm_delay_bucket(LEARN_LONG_TURN_NS); i < SHM_DELAY_BUCKETS; i++)
        c.long_turns += atomic_load_explicit(&slot->loop.delay_count[i], memory_order_relaxed);
    learn_reading(l, &c);
    slot->request_mean_ns = learn_request_mean_ns(l);
    slot->ahead_max = learn_ahead_max(l, lanes);
}

/* ---- all of them ---- */

static bool serves(const struct shm_slot *slot, u32 app)
{
    return slot->state == SHM_READY && slot->listening && slot->app == app;
}

static struct lane_reading reading_take(const struct plan *p, u32 app, u32 used, u64 now_ns)
{
    struct lane_reading r = { .now_ns = now_ns, .cpus = p->cpus };

    for (u32 i = 0; i < used; i++) {
        const struct shm_slot *slot = &p->shm->slot[i];
        u64 since = slot->loop.busy_since_ns;

        if (!serves(slot, app))
            continue;
        r.workers++;
        r.busy_ns += slot->loop.busy_ns + (since && now_ns > since ? now_ns - since : 0);
    }
    for (u32 i = 0; i < LANE_OCTAVES; i++) {
        r.requests[i] = p->shm->lanes[app].octave_requests[i];
        r.block_ns[i] = p->shm->lanes[app].octave_block_ns[i];
    }
    return r;
}

static void publish(struct shm_lanes *lanes, const struct lane_plan *plan)
{
    if (plan->slow_ns == lanes->slow_ns && plan->kept == lanes->kept)
        return;
    lanes->kept = plan->kept;
    lanes->slow_ns = plan->slow_ns;
    atomic_fetch_add(&lanes->changes, 1);
}

/* ---- the kernel ---- */

/* Raises the nice value by `more` instead of what it was raised by before, this proxy's predecessor
 * included. */
static int nice_raise(struct shm_slot *slot, u32 more)
{
    u32 before = slot->nice_more;
    int nice = 0, r;

    if (before == more)
        return 0;
    r = sched_nice(slot->pid, &nice);
    if (r == 0)
        r = sched_set_nice(slot->pid, min(nice - (int)before + (int)more, (int)NICE_MOST));
    if (r == 0)
        slot->nice_more = more;
    return r;
}

static void tell(struct plan *p, struct told *told, struct shm_slot *slot, enum weight weight)
{
    int r = 0;

    if (slot->pid == 0 || (told->generation == slot->generation && told->weight == weight))
        return;
    if (p->may_lower_nice)
        r = nice_raise(slot, weight == WEIGHT_LOWER ? NICE_MORE : 0);
    if (r == 0)
        r = sched_set_slice(slot->pid, weight == WEIGHT_KEPT ? SLICE_SHORT_NS : 0);
    if (r < 0) /* the lanes do without it */
        log_debug("worker %u keeps its weight: %s", slot->worker, strerror(-r));
    *told = (struct told){ slot->generation, weight };
}

/* Whether the worker is, of its app, among the `kept` with the lowest numbers (pick_keep says the
 * same of what it is given). */
static bool is_kept(const struct shm *shm, u32 used, u32 slot, u32 kept)
{
    u32 before = 0, own = shm->slot[slot].worker, app = shm->slot[slot].app;

    for (u32 i = 0; i < used; i++) {
        u32 worker = shm->slot[i].worker;

        before += serves(&shm->slot[i], app) && (worker < own || (worker == own && i < slot));
    }
    return before < kept;
}

static void weights(struct plan *p, u32 app, u32 used, const struct lane_plan *plan)
{
    for (u32 i = 0; i < used; i++) {
        struct shm_slot *slot = &p->shm->slot[i];

        if (!serves(slot, app))
            continue;
        bool kept = is_kept(p->shm, used, i, plan->kept);

        slot->kept = kept;
        tell(p, &p->told[i], slot,
             plan->slow_ns == 0 ? WEIGHT_USUAL
             : kept             ? WEIGHT_KEPT
                                : WEIGHT_LOWER);
    }
}

static void app_look(struct plan *p, u32 app, u32 used, u64 now_ns)
{
    struct lane_reading r = reading_take(p, app, used, now_ns);
    struct lane_plan plan = { 0 };

    if (atomic_load(&p->proxy->rules)->app[app].request.balance.by == SETTINGS_BALANCE_IDLE_FIRST)
        plan = lane_reading(&p->lane[app], &r);
    for (u32 i = 0; i < used; i++)
        if (p->shm->slot[i].state == SHM_READY && p->shm->slot[i].app == app)
            learn_slot(&p->learn[i], &p->shm->slot[i], plan.slow_ns > 0);
    publish(&p->shm->lanes[app], &plan);
    weights(p, app, used, &plan);
}

void plan_look(struct plan *p, u64 now_ns)
{
    u32 used = shm_slots_used(p->shm);
    u32 apps = atomic_load(&p->proxy->rules)->apps;

    for (u32 i = 0; i < apps; i++)
        app_look(p, i, used, now_ns);
}
