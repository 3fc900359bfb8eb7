/* upstream/endpoint_health.c -- when an endpoint is left alone, and when it gets requests again */
#include "upstream/endpoint_health.h"

enum { SHARE_ALL = 100000, BACKOFF_MAX = 30 };

void endpoint_health_begin(struct upstream_endpoint *e, u64 since_ns)
{
    struct shm_endpoint *s = e->shm;

    atomic_store(&s->up_since_ns, since_ns);
    atomic_store(&s->in_a_row, 0);
    atomic_store(&s->backoff, 0);
    atomic_store(&s->reason, SHM_ENDPOINT_NO_REASON);
    atomic_store(&s->probed_ns, 0);
    atomic_store(&s->probes_in_a_row, 0);
    atomic_store(&s->load_seen_ns, 0);
    /* What is known of its latency is another time's. */
    atomic_store(&s->latency_ns, 0);
    e->calls_had = e->failures_had = 0;
}

/* All that follows until endpoint_health_result, with the lock held. */

static bool is_one(const struct upstream_endpoint *e)
{
    u32 state = atomic_load(&e->shm->state);

    return state == SHM_ENDPOINT_UP || state == SHM_ENDPOINT_EJECTED || state == SHM_ENDPOINT_DOWN;
}

static void state_set(struct shm_endpoint *s, enum shm_endpoint_state state,
                      enum shm_endpoint_reason reason, u64 now_ns)
{
    atomic_store(&s->changed_ns, now_ns);
    atomic_store(&s->reason, reason);
    atomic_store(&s->in_a_row, 0);
    if (state == SHM_ENDPOINT_UP)
        atomic_store(&s->up_since_ns, max(now_ns, (u64)1));
    atomic_store_explicit(&s->state, state, memory_order_release);
}

static bool may_eject(const struct endpoints *g, const struct endpoints_rules *rules)
{
    u32 all = 0, up = 0;

    for (u32 i = 0; i < atomic_load(&g->n); i++) {
        all += is_one(&g->of[i]);
        up += atomic_load(&g->of[i].shm->state) == SHM_ENDPOINT_UP;
    }
    if (up < 2)
        return false;
    return up == all || (u64)(all - up + 1) * SHARE_ALL <= (u64)all * rules->eject_most;
}

/* How long the nth ejection of a row of them lasts, n from 1. */
static u64 eject_length(const struct endpoints_rules *rules, u32 n)
{
    u64 ns = rules->eject_ns, most_ns = max(rules->eject_max_ns, rules->eject_ns);

    for (u32 i = 1; i < n && ns < most_ns; i++)
        ns *= 2;
    return min(ns, most_ns);
}

static enum endpoints_change eject(struct endpoints *g, struct shm_endpoint *s,
                                   const struct endpoints_rules *rules,
                                   enum shm_endpoint_reason reason, u64 now_ns)
{
    u32 n = min(atomic_load(&s->backoff), (u32)BACKOFF_MAX);
    u64 until_ns = atomic_load(&s->until_ns);

    if (rules->eject_ns == 0 || atomic_load(&s->state) != SHM_ENDPOINT_UP || !may_eject(g, rules))
        return ENDPOINTS_SAME;
    /* As long again as it was left alone, and a window, without an ejection: all is forgotten. */
    if (n && now_ns > until_ns + eject_length(rules, n) + ENDPOINT_HEALTH_WINDOW_NS)
        n = 0;
    atomic_store(&s->backoff, n + 1);
    atomic_store(&s->until_ns, now_ns + eject_length(rules, n + 1));
    atomic_fetch_add(&s->ejections, 1);
    state_set(s, SHM_ENDPOINT_EJECTED, reason, now_ns);
    return ENDPOINTS_EJECTED;
}

enum endpoints_change endpoint_health_result(struct endpoints *g, struct upstream_endpoint *e,
                                             const struct endpoints_rules *rules,
                                             enum shm_endpoint_result result, u64 now_ns)
{
    enum endpoints_change change = ENDPOINTS_SAME;
    struct shm_endpoint *s = e->shm;

    switch (result) {
    case SHM_ENDPOINT_OK:
        if (atomic_load_explicit(&s->in_a_row, memory_order_relaxed))
            atomic_store_explicit(&s->in_a_row, 0, memory_order_relaxed);
        return ENDPOINTS_SAME;
    case SHM_ENDPOINT_ERROR: /* of the app's, which may be the same everywhere: endpoint_health_look
                              */
    case SHM_ENDPOINT_UNKNOWN:
    case SHM_ENDPOINT_RESULTS:
        return ENDPOINTS_SAME;
    case SHM_ENDPOINT_CONNECT:
    case SHM_ENDPOINT_RESET:
    case SHM_ENDPOINT_TIMEOUT:
        break;
    }
    pthread_mutex_lock(&g->lock);
    if (atomic_load(&s->state) == SHM_ENDPOINT_UP &&
        atomic_fetch_add(&s->in_a_row, 1) + 1 >= rules->failures && rules->failures)
        change = eject(g, s, rules, SHM_ENDPOINT_IN_A_ROW, now_ns);
    pthread_mutex_unlock(&g->lock);
    return change;
}

/* ---- probes ---- */

enum endpoints_change endpoint_health_probe(struct endpoints *g, struct upstream_endpoint *e,
                                            const struct endpoints_rules *rules,
                                            enum shm_probe_result result, u32 status, u64 now_ns)
{
    struct shm_endpoint *s = e->shm;
    enum endpoints_change change = ENDPOINTS_SAME;
    bool ok = result == SHM_PROBE_OK, first;
    u32 in_a_row;

    pthread_mutex_lock(&g->lock);
    if (!is_one(e)) {
        pthread_mutex_unlock(&g->lock);
        return ENDPOINTS_SAME;
    }
    first = atomic_load(&s->probed_ns) == 0;
    in_a_row = !first && ok == (atomic_load(&s->probed) == SHM_PROBE_OK)
                   ? min(atomic_load(&s->probes_in_a_row), UINT32_MAX - 1) + 1
                   : 1;
    atomic_fetch_add(&s->probes[result], 1);
    atomic_store(&s->probes_in_a_row, in_a_row);
    atomic_store(&s->probed, result);
    atomic_store(&s->probed_status, status);
    atomic_store(&s->probed_ns, max(now_ns, (u64)1));
    if (ok && atomic_load(&s->state) == SHM_ENDPOINT_DOWN && in_a_row >= rules->rise) {
        state_set(s, SHM_ENDPOINT_UP, SHM_ENDPOINT_NO_REASON, now_ns);
        change = ENDPOINTS_UP;
    } else if (!ok && atomic_load(&s->state) != SHM_ENDPOINT_DOWN &&
               (first || in_a_row >= rules->fall)) {
        state_set(s, SHM_ENDPOINT_DOWN, SHM_ENDPOINT_PROBE, now_ns);
        change = ENDPOINTS_DOWN;
    }
    pthread_mutex_unlock(&g->lock);
    return change;
}

enum endpoints_change endpoint_health_unprobe(struct endpoints *g, struct upstream_endpoint *e,
                                              u64 now_ns)
{
    enum endpoints_change change = ENDPOINTS_SAME;

    if (atomic_load(&e->shm->state) != SHM_ENDPOINT_DOWN)
        return ENDPOINTS_SAME;
    pthread_mutex_lock(&g->lock);
    if (atomic_load(&e->shm->state) == SHM_ENDPOINT_DOWN) {
        state_set(e->shm, SHM_ENDPOINT_UP, SHM_ENDPOINT_NO_REASON, now_ns);
        change = ENDPOINTS_UP;
    }
    atomic_store(&e->shm->probed_ns, 0);
    pthread_mutex_unlock(&g->lock);
    return change;
}

/* ---- now and then ---- */

struct tally {
    u64 calls, failures;
};

/* In all. */
static struct tally tally_of(const struct shm_endpoint *s)
{
    struct tally t = { 0 };

    for (u32 i = 0; i < SHM_ENDPOINT_UNKNOWN; i++) {
        u64 n = atomic_load_explicit(&s->results[i], memory_order_relaxed);

        t.calls += n;
        t.failures += i == SHM_ENDPOINT_OK ? 0 : n;
    }
    return t;
}

/* Whether it fails more often than the others by `errors`. */
static bool is_outlier(struct tally own, struct tally all, u32 errors)
{
    struct tally others = { all.calls - own.calls, all.failures - own.failures };

    if (errors == 0 || own.calls < ENDPOINT_HEALTH_CALLS_LEAST ||
        others.calls < ENDPOINT_HEALTH_CALLS_LEAST)
        return false;
    return own.failures * SHARE_ALL / own.calls >=
           others.failures * SHARE_ALL / others.calls + errors;
}

/* The window is over. With the lock held. */
static void outliers_eject(struct endpoints *g, const struct endpoints_rules *rules, u64 now_ns,
                           enum endpoints_change changes[ENDPOINTS_MAX])
{
    u32 n = atomic_load(&g->n);
    struct tally of[ENDPOINTS_MAX], all = { 0 };

    for (u32 i = 0; i < n; i++) {
        struct upstream_endpoint *e = &g->of[i];
        struct tally t = tally_of(e->shm);

        of[i] = (struct tally){ 0 };
        /* It is not the window in which it came, of which nobody has the beginning. */
        if (is_one(e) && e->calls_had)
            of[i] = (struct tally){ t.calls - e->calls_had, t.failures - e->failures_had };
        all.calls += of[i].calls, all.failures += of[i].failures;
        e->calls_had = t.calls, e->failures_had = t.failures;
    }
    for (u32 i = 0; i < n; i++)
        if (is_outlier(of[i], all, rules->errors))
            changes[i] = eject(g, g->of[i].shm, rules, SHM_ENDPOINT_OUTLIER, now_ns);
}

void endpoint_health_look(struct endpoints *g, const struct endpoints_rules *rules, u64 now_ns,
                          enum endpoints_change changes[ENDPOINTS_MAX])
{
    u32 n = atomic_load(&g->n);

    memset(changes, 0, ENDPOINTS_MAX * sizeof(*changes));
    pthread_mutex_lock(&g->lock);
    for (u32 i = 0; i < n; i++) {
        struct shm_endpoint *s = g->of[i].shm;

        if (atomic_load(&s->state) != SHM_ENDPOINT_EJECTED || now_ns < atomic_load(&s->until_ns))
            continue;
        state_set(s, SHM_ENDPOINT_UP, SHM_ENDPOINT_NO_REASON, now_ns);
        changes[i] = ENDPOINTS_RETURNED;
    }
    if (g->window_ns == 0)
        g->window_ns = max(now_ns, (u64)1);
    if (now_ns >= g->window_ns + ENDPOINT_HEALTH_WINDOW_NS) {
        g->window_ns = now_ns;
        outliers_eject(g, rules, now_ns, changes);
    }
    pthread_mutex_unlock(&g->lock);
}
