/* guard/limiter.h -- how fast one client may ask: one budget for all threads
 *
 * A budget is named by a key, a keyed hash of the limit and of the client. Buckets and windows have
 * a table each; a table is made when the first limit of its kind is. Any thread may take; one
 * thread makes tables.
 */
#pragma once

#include "base/hash.h"
#include "guard/buckets.h"
#include "guard/gcra.h"
#include "guard/window.h"

enum limiter_algorithm { LIMITER_BUCKET, LIMITER_WINDOW, LIMITER_ALGORITHMS };

/* One limit. */
struct limiter_rule {
    enum limiter_algorithm algorithm;
    struct gcra gcra;
    struct window window;
};

struct limiter {
    struct hash_key hash_key;
    struct buckets *_Atomic table[LIMITER_ALGORITHMS];
};

void limiter_init(struct limiter *l);
void limiter_done(struct limiter *l);

/* Makes the table of an algorithm, unless it is there; bytes_max as for buckets_new. -ENOMEM,
 * -EINVAL. */
MUST_USE int limiter_need(struct limiter *l, enum limiter_algorithm algorithm, u64 bytes_max);

/* Takes one from the budget. Without a table all is admitted. */
struct rate_verdict limiter_take(struct limiter *l, const struct limiter_rule *rule, u64 key,
                                 u64 now_ns);
/* Gives it back: another limit has refused the request. */
void limiter_give(struct limiter *l, const struct limiter_rule *rule, u64 key, u64 now_ns);
