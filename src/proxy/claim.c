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

/* NULL when the slot has a new user, who started from 0. */
static struct shm_slot *claim_slot(const struct claim *c)
{
    return c->slot && atomic_load(&c->slot->generation) == c->generation ? c->slot : NULL;
}

/* What is expected of those in flight. */
static void weigh(struct claim *c, struct shm_slot *slot, u64 block_ns, bool slow)
{
    c->blame.weight_ns = block_ns + BLAME_LEAST_NS;
    c->slow = slow;
    atomic_fetch_add(&slot->expected_ns, c->blame.weight_ns);
    if (slow)
        atomic_fetch_add(&slot->slow_in_flight, 1);
}

static void unweigh(struct claim *c, struct shm_slot *slot)
{
    atomic_fetch_sub(&slot->expected_ns, TAKE(c->blame.weight_ns, 0));
    if (TAKE(c->slow, false))
        atomic_fetch_sub(&slot->slow_in_flight, 1);
}

void claim_take(struct claim *c, struct shm_slot *slot, u64 block_ns, bool slow, u64 now_ns)
{
    *c = (struct claim){ .slot = slot, .generation = atomic_load(&slot->generation) };
    atomic_fetch_add(&slot->in_flight, 1);
    c->blame.blocked_ns = loop_blocked_ns(&slot->loop, now_ns);
    c->blame.blamed_ns = atomic_load(&slot->blamed_ns);
    weigh(c, slot, block_ns, slow);
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

void claim_release(struct claim *c)
{
    struct shm_slot *slot = claim_slot(c);

    if (slot) {
        unweigh(c, slot);
        atomic_fetch_sub(c->stream ? &slot->streams : &slot->in_flight, 1);
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

void claim_to_stream(struct claim *c)
{
    struct shm_slot *slot = claim_slot(c);

    if (slot && !c->stream) {
        unweigh(c, slot);
        atomic_fetch_add(&slot->streams, 1);
        atomic_fetch_sub(&slot->in_flight, 1);
    }
    c->stream = true;
}
