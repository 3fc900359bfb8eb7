/* proxy/claim.c -- one request's claim on a worker */
#include "proxy/claim.h"

/* How long this loop has been blocked up to now, the turn that runs included. */
static u64 loop_blocked_ns(const struct shm_loop *l, u64 now_ns)
{
    u64 long_ns, since, seen, before;

    /* A turn that ends in between would be counted twice: look again then. */
    do {
        long_ns = atomic_load(&l->long_ns);
        since = atomic_load(&l->busy_since_ns);
    } while (atomic_load(&l->long_ns) != long_ns);
    seen = atomic_load(&l->seen);
    before = atomic_load(&l->seen_before);
    if (since && now_ns > since &&
        shm_turn_is_long(now_ns - since, seen > before ? seen - before : 0))
        long_ns += now_ns - since;
    return long_ns;
}

/* How long it has run, the turn that runs included. */
static u64 loop_ran_ns(const struct shm_loop *l, u64 now_ns)
{
    u64 busy_ns, since;

    do {
        busy_ns = atomic_load(&l->busy_ns);
        since = atomic_load(&l->busy_since_ns);
    } while (atomic_load(&l->busy_ns) != busy_ns);
    return busy_ns + (since && now_ns > since ? now_ns - since : 0);
}

/* NULL when the slot has a new user, who started from 0. */
static struct shm_slot *claim_slot(const struct claim *c)
{
    return c->slot && atomic_load(&c->slot->generation) == c->generation ? c->slot : NULL;
}

/* What is expected of those in flight. */
static void weigh(struct claim *c, struct shm_slot *slot, const struct claim_expects *e)
{
    c->blame.weight_ns = e->block_ns + BLAME_LEAST_NS;
    c->loop.weight_ns = (e->loop_ns ? e->loop_ns : BLAME_LOOP_UNKNOWN_NS) + BLAME_LOOP_LEAST_NS;
    c->slow = e->slow;
    atomic_fetch_add(&slot->expected_ns, c->blame.weight_ns);
    atomic_fetch_add(&slot->loop_expected_ns, c->loop.weight_ns);
    if (c->slow)
        atomic_fetch_add(&slot->slow_in_flight, 1);
}

static void unweigh(struct claim *c, struct shm_slot *slot)
{
    atomic_fetch_sub(&slot->expected_ns, TAKE(c->blame.weight_ns, 0));
    atomic_fetch_sub(&slot->loop_expected_ns, TAKE(c->loop.weight_ns, 0));
    if (TAKE(c->slow, false))
        atomic_fetch_sub(&slot->slow_in_flight, 1);
}

u32 claim_take(struct claim *c, struct shm_slot *slot, const struct claim_expects *e, u64 now_ns)
{
    u32 before;

    *c = (struct claim){ .slot = slot, .generation = atomic_load(&slot->generation) };
    before = atomic_fetch_add(&slot->in_flight, 1);
    before += atomic_load(&slot->streams);
    c->blame.blocked_ns = loop_blocked_ns(&slot->loop, now_ns);
    c->blame.blamed_ns = atomic_load(&slot->blamed_ns);
    c->loop.blocked_ns = loop_ran_ns(&slot->loop, now_ns);
    c->loop.blamed_ns = atomic_load(&slot->loop_blamed_ns);
    c->number = atomic_load(&slot->dispatched);
    weigh(c, slot, e);
    return before;
}

u64 claim_blocked_ns(const struct claim *c, u64 now_ns)
{
    struct shm_slot *slot = claim_slot(c);
    u64 block_ns;

    if (!slot)
        return 0;
    block_ns = blame_part_ns(&c->blame, loop_blocked_ns(&slot->loop, now_ns),
                             atomic_load(&slot->blamed_ns), atomic_load(&slot->expected_ns));
    if (block_ns)
        atomic_fetch_add(&slot->blamed_ns, block_ns);
    return block_ns;
}

/* The weights of all that may have run in this turn, its own included. */
static u64 loop_weights_ns(const struct claim *c, const struct shm_slot *slot)
{
    u64 sum_ns = atomic_load(&slot->loop_expected_ns), own_ns = c->loop.weight_ns;
    u64 before = atomic_load(&slot->loop.seen_before), given = atomic_load(&slot->dispatched);
    u64 fresh = given > before ? given - before : 0, in_flight = atomic_load(&slot->in_flight);

    fresh -= fresh && c->number > before;
    return own_ns + blame_others_ns(sum_ns > own_ns ? sum_ns - own_ns : 0,
                                    in_flight ? in_flight - 1 : 0, fresh);
}

u64 claim_loop_ns(struct claim *c, u64 now_ns)
{
    struct shm_slot *slot = claim_slot(c);
    struct blame b = c->loop;
    u64 ran_ns, weights_ns, part_ns = 0;

    if (!slot || c->stream)
        return 0;
    ran_ns = loop_ran_ns(&slot->loop, now_ns);
    weights_ns = loop_weights_ns(c, slot);
    if (!b.weight_ns && !weights_ns && atomic_load(&slot->in_flight) == 1)
        b.weight_ns = 1; /* nothing was expected of it, but nobody else is there */
    if (b.weight_ns)
        part_ns = blame_part_ns(&b, ran_ns, atomic_load(&slot->loop_blamed_ns), weights_ns);
    if (atomic_load(&slot->in_flight) > 1 && c->number <= atomic_load(&slot->loop.seen_before))
        part_ns = blame_believed_ns(part_ns, c->loop.weight_ns);
    c->loop.blamed_ns = atomic_fetch_add(&slot->loop_blamed_ns, part_ns) + part_ns;
    c->loop.blocked_ns = ran_ns;
    return part_ns;
}

void claim_expect_little(struct claim *c, u64 block_ns)
{
    struct shm_slot *slot = claim_slot(c);
    u64 less_ns;

    if (!slot || c->stream || c->loop.weight_ns <= block_ns)
        return;
    less_ns = c->loop.weight_ns - block_ns;
    c->loop.weight_ns = block_ns;
    atomic_fetch_sub(&slot->loop_expected_ns, less_ns);
}

void claim_release(struct claim *c)
{
    struct shm_slot *slot = claim_slot(c);

    if (slot) {
        unweigh(c, slot);
        atomic_fetch_sub(c->stream ? &slot->streams : &slot->in_flight, 1);
    }
    if (c->ceiling) {
        if (c->idle)
            atomic_fetch_sub(&c->ceiling->idle, 1);
        atomic_fetch_sub(&c->ceiling->in_flight, 1);
    }
    *c = (struct claim){ 0 };
}

void claim_unused(struct claim *c)
{
    struct shm_slot *slot = claim_slot(c);

    /* Else the loop would seem to have something unseen, and get nothing until it wakes by itself.
     */
    if (slot)
        atomic_fetch_sub(&slot->dispatched, 1);
    claim_release(c);
}

void claim_is_idle(struct claim *c)
{
    if (c->ceiling && !c->idle)
        atomic_fetch_add(&c->ceiling->idle, 1);
    c->idle = c->ceiling != NULL;
}

void claim_to_stream(struct claim *c)
{
    struct shm_slot *slot = claim_slot(c);

    claim_is_idle(c);
    if (slot && !c->stream) {
        unweigh(c, slot);
        atomic_fetch_add(&slot->streams, 1);
        atomic_fetch_sub(&slot->in_flight, 1);
    }
    c->stream = true;
}
