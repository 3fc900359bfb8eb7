/* balance/pick.h -- which worker gets a request
 *
 * Values in, verdict out. The caller describes each worker that may take the
 * request (its process is ready and listens there) as it looks at this moment in
 * shared memory.
 *
 * `idle-first` gives a request to a worker whose loop waits; of those, to the one
 * with the fewest requests in flight. When no loop waits, one that runs may still
 * get it, if what it runs is known to be short (balance/learn.h says how many
 * requests may be put ahead) and its turn has not already lasted longer than that.
 * This keeps the pipe to a saturated loop of short requests full, and puts nothing
 * behind a loop that blocks. Otherwise the request waits in the central queue.
 *
 * With lanes (balance/lane.h) some workers are kept for requests of fast kinds. Those go to kept
 * workers first, even to one that runs if its turn is over at once, then to any; slow ones to the
 * others only, unless they have waited too long.
 */
#pragma once

#include "base/base.h"

/* A turn that has lasted longer than this is not about to end, unless its work says so. */
#define PICK_SHORT_NS 1000000ull

enum pick_policy { PICK_IDLE_FIRST, PICK_LEAST_CONN, PICK_ROUND_ROBIN, PICK_HASH };

enum pick_lane {
    PICK_NO_LANE, /* there are no lanes */
    PICK_FAST,
    PICK_SLOW,
    PICK_AGED, /* slow, and has waited too long */
};

struct pick_worker {
    u32 id;        /* the worker's number: stable over its restarts */
    u32 in_flight; /* requests and streams given and not finished */
    u64 busy_ns;   /* how long the loop has been running; 0: it waits */
    u64 unseen;    /* given since the loop last looked */
    u64 taken;     /* that came with the turn that runs now */
    u64 ahead_max; /* learned: how many may be given that it has not seen; 0: none while it runs */
    u64 request_mean_ns; /* learned: the loop's time for one request; 0: unknown */
    bool blocks;         /* has a request of a slow kind in flight: nothing goes ahead */
    bool kept;           /* for fast kinds */
};

enum pick_verdict { PICK_GIVE, PICK_QUEUE, PICK_NOBODY };

struct pick_state {
    u32 turn; /* round-robin, and the tie-breaker of the others */
};

/* PICK_GIVE: *index is the worker in `workers`. PICK_QUEUE: all are busy. PICK_NOBODY: n is 0.
 * `key` is the hash of what the policy PICK_HASH sticks to. Only PICK_IDLE_FIRST knows lanes. */
MUST_USE enum pick_verdict pick_worker(struct pick_state *state, enum pick_policy policy,
                                       const struct pick_worker *workers, u32 n, u64 key,
                                       enum pick_lane lane, u32 *index);

/* Marks the `kept` workers with the lowest numbers; the first of those with the same number. While
 * slow requests wait nothing goes ahead on the others, so that their turn comes. */
void pick_keep(struct pick_worker *workers, u32 n, u32 kept, bool slow_waits);
