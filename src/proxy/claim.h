/* proxy/claim.h -- one request's claim on a worker, and what it turned out to cost
 *
 * Counted in the worker's slot from the moment it is chosen until the request is over, whatever
 * becomes of it. A slot may have a new user before that; then nothing is counted any more.
 */
#pragma once

#include "balance/blame.h"
#include "shm/layout.h"

/* A worker, claimed: counted in its `dispatched` and `in_flight`. All zero: none. */
struct claim {
    struct shm_slot *slot; /* NULL: none */
    u32 generation;
    bool stream; /* counted among the slot's streams, no longer among its requests */
    bool slow;   /* of a slow kind */
    bool idle;   /* counted in its ceiling's idle */
    struct shm_ceiling *ceiling; /* of which it holds a place; NULL: none */
    struct blame blame;          /* of the time that the loop was blocked … */
    struct blame loop;           /* … and of the time that it ran */
    u64 number;                  /* its place among those given to the worker */
};

/* What is expected of a request; 0: nothing, or it is not known. */
struct claim_expects {
    u64 block_ns, loop_ns;
    bool slow; /* its kind is */
};

/* Claims `slot`, of which `dispatched` has been counted up already. How many requests and streams
 * it had before. */
u32 claim_take(struct claim *c, struct shm_slot *slot, const struct claim_expects *e, u64 now_ns);

/* How long the request has blocked the worker's loop; books it, so ask once, before the claim is
 * released. */
u64 claim_blocked_ns(const struct claim *c, u64 now_ns);

/* For how long the worker's loop has run for the request since it was claimed, or since this was
 * asked last; books it. */
u64 claim_loop_ns(struct claim *c, u64 now_ns);
/* The request has been there for long, and most likely waits, as a stream of events does: no more
 * is expected of it from now on than that it blocks its loop for block_ns. */
void claim_expect_little(struct claim *c, u64 block_ns);

/* Hands a claim back: the request is over, one way or the other. Accepts an empty one. */
void claim_release(struct claim *c);
/* The same for a claim with which the worker was told nothing: its loop will not wake for it. */
void claim_unused(struct claim *c);
/* It will be there for long and is no load: it keeps its place in the ceiling, but for what the
 * ceiling has learned it does not count. */
void claim_is_idle(struct claim *c);
/* The request has become a byte stream. */
void claim_to_stream(struct claim *c);
