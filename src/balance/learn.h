/* balance/learn.h -- how long a worker's requests keep its loop, lately
 *
 * Fed a few times a second with a loop's counters, it keeps moving sums of the
 * loop's busy time, its requests, and its long turns. From them comes how many
 * requests may be given to a loop ahead of what it has seen:
 *   - as many as make LEARN_AHEAD_NS of work, and
 *   - so few that requests stuck behind a long turn stay below one in
 *     LEARN_STUCK_ONE_IN: with one long turn among 200 requests nothing goes ahead,
 *     with one among 6,400 as many as LEARN_AHEAD_MAX may.
 * Time in which the loop had something to do and no CPU does not count for that while there are no
 * lanes: when the machine is full, a request waits as long in any place, and larger batches are
 * what helps. Beside slow ones it does count: a loop that gets a CPU late holds back what was given
 * to it, while another may run. Requests of slow kinds (balance/lane.h) are left out: where one is
 * in flight nothing goes ahead anyway. Old readings fade with a half-life of LEARN_HALF_LIFE
 * readings.
 */
#pragma once

#include "base/base.h"

enum { LEARN_BUCKETS = 128, LEARN_HALF_LIFE = 20, LEARN_AHEAD_MAX = 64, LEARN_STUCK_ONE_IN = 100 };
#define LEARN_AHEAD_NS 4000000ull
/* Longer than a batch of short requests takes, the kernel's time slices and a collection included.
 */
#define LEARN_LONG_TURN_NS 32000000ull

/* Counters that only grow. */
struct learn_counters {
    u64 busy_ns, requests;
    u64 long_turns; /* of LEARN_LONG_TURN_NS or more */
    u64 delay_ns;   /* without a CPU, at any time; 0: unknown */
    /* What of it is due to slow kinds. */
    u64 slow_ns, slow_requests, slow_turns;
};

struct learn {
    double busy_ns, requests, long_turns; /* faded sums */
    double all_ns, delay_ns;              /* the same; busy_ns with the slow kinds */
    struct learn_counters last;
    bool begun;
};

/* One reading. Where a counter falls it is a new process: what was learned is forgotten. The first
 * one is where counting begins: what the start-up took is not a request's. */
void learn_reading(struct learn *l, const struct learn_counters *c);

/* The loop's time for one request; 0 while too little is known. */
u64 learn_request_mean_ns(const struct learn *l);
/* How many requests may be ahead; 0: none, each waits for the loop to wait. `lanes`: some kinds are
 * slow now. */
u64 learn_ahead_max(const struct learn *l, bool lanes);
