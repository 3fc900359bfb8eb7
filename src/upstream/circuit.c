/* upstream/circuit.c -- a circuit breaker */
#include "upstream/circuit.h"

#include "base/clock.h"

/* A probe is given this long at least before another one is tried. */
#define PROBE_LEAST_NS (1 * NS_PER_S)
enum { SHARE_ALL = 100000, OPENINGS_MAX = 30 };

static u32 part_of(u64 window_ns, u64 now_ns)
{
    return (u32)(now_ns / max(window_ns / SHM_CIRCUIT_PARTS, (u64)1));
}

/* A part of another time than now is begun anew. */
static void part_add(_Atomic u64 parts[SHM_CIRCUIT_PARTS], u32 part)
{
    _Atomic u64 *at = &parts[part % SHM_CIRCUIT_PARTS];
    u64 had = atomic_load_explicit(at, memory_order_relaxed);

    while (had >> 32 != part)
        if (atomic_compare_exchange_weak_explicit(at, &had, (u64)part << 32 | 1,
                                                  memory_order_relaxed, memory_order_relaxed))
            return;
    atomic_fetch_add_explicit(at, 1, memory_order_relaxed);
}

static u64 parts_sum(const _Atomic u64 parts[SHM_CIRCUIT_PARTS], u32 part)
{
    u64 sum = 0;

    for (u32 i = 0; i < SHM_CIRCUIT_PARTS; i++) {
        u64 one = atomic_load_explicit(&parts[i], memory_order_relaxed);

        if (part - (u32)(one >> 32) < SHM_CIRCUIT_PARTS)
            sum += (u32)one;
    }
    return sum;
}

struct circuit_sums circuit_sums(const struct shm_circuit *shm, u64 window_ns, u64 now_ns)
{
    u32 part = part_of(window_ns, now_ns);

    return (struct circuit_sums){ .calls = parts_sum(shm->part_calls, part),
                                  .failures = parts_sum(shm->part_failures, part),
                                  .slow = parts_sum(shm->part_slow, part) };
}

void circuit_init(struct circuit *c, struct shm_circuit *shm)
{
    c->shm = shm;
    pthread_mutex_init(&c->lock, NULL);
    /* Of a proxy that is gone: its probe tells nobody anything. */
    atomic_store(&shm->probe_ns, 0);
}

/* With the lock held. */
static void state_set(struct shm_circuit *s, enum shm_circuit_state state, u64 now_ns)
{
    atomic_store(&s->in_a_row, 0);
    atomic_store(&s->probe_ns, 0);
    atomic_store(&s->probes_ok, 0);
    atomic_store(&s->changed_ns, now_ns);
    for (u32 i = 0; i < SHM_CIRCUIT_PARTS; i++) {
        atomic_store(&s->part_calls[i], 0);
        atomic_store(&s->part_failures[i], 0);
        atomic_store(&s->part_slow[i], 0);
    }
    atomic_fetch_add(&s->epoch, 1);
    atomic_store(&s->state, state); /* last: who sees it finds the rest */
}

static void open_now(struct shm_circuit *s, const struct circuit_rules *rules,
                     enum shm_circuit_reason reason, u64 now_ns)
{
    u32 openings = min(atomic_load(&s->openings), (u32)OPENINGS_MAX);
    u64 open_ns = rules->open_ns;

    for (u32 i = 0; i < openings && open_ns < rules->open_max_ns; i++)
        open_ns *= 2;
    atomic_store(&s->open_until_ns, now_ns + min(open_ns, max(rules->open_max_ns, rules->open_ns)));
    atomic_store(&s->openings, openings + 1);
    atomic_store(&s->reason, reason);
    atomic_fetch_add(&s->opened, 1);
    state_set(s, SHM_CIRCUIT_OPEN, now_ns);
}

/* With the lock held: nothing is passed but a probe. */
static enum circuit_verdict half_open_ask(struct circuit *c, const struct circuit_rules *rules,
                                          u64 now_ns, struct circuit_call *call, u64 *wait_ns)
{
    struct shm_circuit *s = c->shm;
    u64 probe_ns = atomic_load(&s->probe_ns), hold_ns = max(rules->open_ns, PROBE_LEAST_NS);

    if (probe_ns && now_ns < probe_ns + hold_ns) {
        *wait_ns = probe_ns + hold_ns - now_ns;
        return CIRCUIT_REFUSE;
    }
    atomic_store(&s->probe_ns, max(now_ns, (u64)1));
    *call = (struct circuit_call){ c, atomic_load(&s->epoch), atomic_fetch_add(&s->probe, 1) + 1 };
    return CIRCUIT_PROBE;
}

enum circuit_verdict circuit_ask(struct circuit *c, const struct circuit_rules *rules, u64 now_ns,
                                 struct circuit_call *call, u64 *wait_ns)
{
    struct shm_circuit *s = c->shm;
    u64 epoch = atomic_load(&s->epoch), until_ns;
    enum circuit_verdict v = CIRCUIT_PASS;

    *call = (struct circuit_call){ c, epoch, 0 };
    /* In this order: a state that changes in between has the call count for nothing. */
    if (atomic_load(&s->state) == SHM_CIRCUIT_CLOSED)
        return CIRCUIT_PASS;
    pthread_mutex_lock(&c->lock);
    until_ns = atomic_load(&s->open_until_ns);
    switch ((enum shm_circuit_state)atomic_load(&s->state)) {
    case SHM_CIRCUIT_CLOSED:
        call->epoch = atomic_load(&s->epoch);
        break;
    case SHM_CIRCUIT_OPEN:
        if (now_ns < until_ns) {
            *wait_ns = until_ns - now_ns;
            v = CIRCUIT_REFUSE;
            break;
        }
        state_set(s, SHM_CIRCUIT_HALF_OPEN, now_ns);
        v = half_open_ask(c, rules, now_ns, call, wait_ns);
        break;
    case SHM_CIRCUIT_HALF_OPEN:
        v = half_open_ask(c, rules, now_ns, call, wait_ns);
        break;
    }
    if (v == CIRCUIT_REFUSE) {
        atomic_fetch_add(&s->refused, 1);
        *call = (struct circuit_call){ 0 };
    }
    pthread_mutex_unlock(&c->lock);
    return v;
}

static bool is_share(u64 n, u64 of, u32 share)
{
    return share && n * SHARE_ALL >= of * share;
}

/* With the lock held: whether it is too much, and why. */
static enum shm_circuit_reason verdict(const struct shm_circuit *s,
                                       const struct circuit_rules *rules, u64 now_ns)
{
    struct circuit_sums sums = circuit_sums(s, rules->window_ns, now_ns);

    if (rules->in_a_row && atomic_load(&s->in_a_row) >= rules->in_a_row)
        return SHM_CIRCUIT_IN_A_ROW;
    if (sums.calls < rules->calls_least)
        return SHM_CIRCUIT_NO_REASON;
    if (sums.failures && is_share(sums.failures, sums.calls, rules->errors))
        return SHM_CIRCUIT_ERRORS;
    if (rules->slow_ns && sums.slow && is_share(sums.slow, sums.calls, rules->slow_share))
        return SHM_CIRCUIT_SLOW;
    return SHM_CIRCUIT_NO_REASON;
}

/* With the lock held, while it is closed. */
static enum circuit_change bad_tell(struct shm_circuit *s, const struct circuit_rules *rules,
                                    bool failed, bool slow, u64 now_ns)
{
    u32 part = part_of(rules->window_ns, now_ns);
    enum shm_circuit_reason reason;

    part_add(s->part_calls, part);
    if (failed) {
        part_add(s->part_failures, part);
        atomic_fetch_add(&s->in_a_row, 1);
    }
    if (slow)
        part_add(s->part_slow, part);
    reason = verdict(s, rules, now_ns);
    if (reason == SHM_CIRCUIT_NO_REASON)
        return CIRCUIT_SAME;
    open_now(s, rules, reason, now_ns);
    return CIRCUIT_OPENS;
}

/* With the lock held, while it is half open. */
static enum circuit_change probe_tell(struct shm_circuit *s, const struct circuit_call *call,
                                      const struct circuit_rules *rules, enum circuit_result result,
                                      bool slow, u64 now_ns)
{
    if (call->probe != atomic_load(&s->probe))
        return CIRCUIT_SAME; /* it has been given up */
    atomic_store(&s->probe_ns, 0);
    if (result == CIRCUIT_UNKNOWN)
        return CIRCUIT_SAME;
    if (result == CIRCUIT_FAILED || (slow && rules->slow_share)) {
        open_now(s, rules, SHM_CIRCUIT_PROBE, now_ns);
        return CIRCUIT_OPENS;
    }
    if (atomic_fetch_add(&s->probes_ok, 1) + 1 < rules->probes)
        return CIRCUIT_SAME;
    atomic_store(&s->openings, 0);
    state_set(s, SHM_CIRCUIT_CLOSED, now_ns);
    return CIRCUIT_CLOSES;
}

enum circuit_change circuit_tell(struct circuit_call *call, const struct circuit_rules *rules,
                                 enum circuit_result result, u64 began_ns, u64 now_ns)
{
    struct circuit_call one = TAKE(*call, (struct circuit_call){ 0 });
    bool failed = result == CIRCUIT_FAILED;
    bool slow = result == CIRCUIT_OK && rules->slow_ns && began_ns > rules->slow_ns;
    enum circuit_change change = CIRCUIT_SAME;
    struct shm_circuit *s;

    if (!one.circuit)
        return CIRCUIT_SAME;
    s = one.circuit->shm;
    if (result != CIRCUIT_UNKNOWN) {
        atomic_fetch_add_explicit(&s->calls, 1, memory_order_relaxed);
        atomic_fetch_add_explicit(failed ? &s->failures : &s->slow, failed || slow,
                                  memory_order_relaxed);
    }
    if (!one.probe && !failed && !slow) { /* as it nearly always is */
        if (result == CIRCUIT_OK &&
            atomic_load_explicit(&s->epoch, memory_order_relaxed) == one.epoch) {
            if (atomic_load_explicit(&s->in_a_row, memory_order_relaxed))
                atomic_store_explicit(&s->in_a_row, 0, memory_order_relaxed);
            part_add(s->part_calls, part_of(rules->window_ns, now_ns));
        }
        return CIRCUIT_SAME;
    }
    pthread_mutex_lock(&one.circuit->lock);
    if (atomic_load(&s->epoch) == one.epoch)
        change = one.probe ? probe_tell(s, &one, rules, result, slow, now_ns)
                           : bad_tell(s, rules, failed, slow, now_ns);
    pthread_mutex_unlock(&one.circuit->lock);
    return change;
}
