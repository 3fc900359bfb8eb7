/* worker/backoff.h -- how long to wait before something that ended is started again
 *
 * The first end is answered at once. Whatever keeps failing waits 100 ms, 200 ms, … up to a
 * maximum; 30 s of good life forget it all (both can be set), and a life of four times the present
 * pause does not lengthen it. An end that somebody outside asked for (kill -9, the OOM killer,
 * kill) is not the program's failure and never doubles the pause. Pure: time is an argument.
 */
#pragma once

#include "base/clock.h"

#define BACKOFF_FIRST_NS (100 * NS_PER_MS)
#define BACKOFF_GOOD_NS (30 * NS_PER_S)
enum { BACKOFF_LOOP = 5 }; /* failures in a row that are a crash loop */

/* All zero: has never failed. */
struct backoff {
    u32 failures; /* in a row */
    u64 first_ns; /* when the first of them was */
    u64 pause_ns; /* the present pause; 0: none yet */
    bool named;   /* backoff_is_loop has said so */
};

struct backoff_pace {
    u64 max_ns;   /* the longest pause */
    u64 first_ns; /* the first one that is not none; 0: BACKOFF_FIRST_NS */
    u64 good_ns;  /* a life that forgets what was before; 0: BACKOFF_GOOD_NS */
};

/* It failed after `good_ns` of good life (0: it never was ready). The pause before the next start.
 */
u64 backoff_failed(struct backoff *b, u64 good_ns, const struct backoff_pace *pace, u64 now_ns);

/* It was ended from outside after `lived_ns` since its start. The pause before the next start. */
u64 backoff_ended(struct backoff *b, u64 lived_ns);

/* True once for each crash loop, with the time in which the failures came. */
MUST_USE bool backoff_is_loop(struct backoff *b, u64 now_ns, u64 *within_ns);
