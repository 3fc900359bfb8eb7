/* metrics/lag.h -- how late an event loop is, from the lengths of its turns
 *
 * A turn is the time between two waits of a loop: what becomes due during it waits for its end.
 * So the lengths of the turns tell how late things were, without a timer in the process that is
 * measured. Two questions, two answers:
 *
 * lag_of_timer: what perf_hooks.monitorEventLoopDelay (and so prom-client) would have recorded: a
 *     timer that is armed again for `interval` each time it fires, and records the time between
 *     two firings. It reads `interval` on an idle loop. A turn longer than the interval delays it
 *     once, however long it is, so a rare long block hardly shows but in the maximum.
 * lag_of_arrival: how long a request that arrives at any moment waits until the loop looks at it.
 *     A loop that is blocked for one second in ten delays one arrival in ten. 0 on an idle loop.
 *
 * In a turn of length L the delay is spread evenly: for an arrival over 0 … L, with the weight L;
 * for a timer over L - min(L, interval) … L, with the weight min(L, interval) / interval.
 * Pure functions; integer nanoseconds in and out.
 */
#pragma once

#include "base/base.h"

enum { LAG_BUCKETS_MAX = 128 };

/* The turns that ended within a window of time. */
struct lag_turns {
    u32 buckets;         /* at most LAG_BUCKETS_MAX */
    const u64 *count;    /* [buckets]: turns by length */
    const u64 *floor_ns; /* [buckets + 1]: bucket i is floor_ns[i] … floor_ns[i + 1] */
    u64 busy_ns;         /* what those turns took together, to sharpen the buckets; 0: not known */
    u64 elapsed_ns;      /* the window's length */
    u64 running_ns;      /* the turn that runs now, so far; 0: the loop waits */
};

struct lag {
    u64 min_ns, max_ns, mean_ns, stddev_ns, p50_ns, p90_ns, p99_ns;
};

void lag_of_timer(struct lag *out, const struct lag_turns *turns, u64 interval_ns);
void lag_of_arrival(struct lag *out, const struct lag_turns *turns);
