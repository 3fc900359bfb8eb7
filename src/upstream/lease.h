/* upstream/lease.h -- how long what DNS has said holds, and when it is asked again
 *
 * An answer holds for its time to live, but LEASE_TTL_LEAST_NS at least, so that a TTL of 0 does
 * not make a storm, and LEASE_TTL_MOST_NS at most, so that a change is seen. It is asked for again
 * a little earlier, by chance, so that many fettles do not ask at once. While nobody answers, or
 * says that there is nothing, the last good answer goes on to hold: hosts that do not answer any
 * more are found out by their health, and an upstream without hosts helps nobody.
 *
 * Values and clock in, times out.
 */
#pragma once

#include "base/base.h"
#include "base/clock.h"

#define LEASE_TTL_LEAST_NS (1 * NS_PER_S)
#define LEASE_TTL_MOST_NS (300 * NS_PER_S)
/* After failures: at first; doubling; at most. */
#define LEASE_RETRY_NS (500 * NS_PER_MS)
#define LEASE_RETRY_MOST_NS (30 * NS_PER_S)

/* All zero: never answered. */
struct lease {
    u64 ask_ns;   /* when to ask again */
    u64 good_ns;  /* when the last good answer came; 0: never */
    u64 ttl_ns;   /* for how long it holds */
    u32 failures; /* since then */
};

/* An answer with addresses; `random`: any 64 bits. True: it is the first good one after failures.
 */
bool lease_good(struct lease *l, u64 ttl_ns, u64 random, u64 now_ns);

/* None. True: it is the first one since a good one, or of all. */
bool lease_bad(struct lease *l, u64 random, u64 now_ns);

/* Whether addresses are used whose time is over. */
bool lease_is_stale(const struct lease *l, u64 now_ns);
