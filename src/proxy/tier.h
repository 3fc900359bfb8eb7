/* proxy/tier.h -- the second tier of the cache: what other hosts have stored, in Redis
 *
 * Whoever is about to ask the app asks Redis before, and what comes is stored here as if the app
 * had sent it then. What the app sends is stored there, too. Redis away, late, or full of nonsense
 * is a miss. A response that varies lies at a key of its variant; at the first key stands by what
 * it varies. Purges reach all hosts by a stream (redis/purgelog.h), which thread 0 follows.
 */
#pragma once

#include "cache/store.h"
#include "redis/purgelog.h"
#include "redis/redis.h"

struct exchange;

enum tier_state {
    TIER_NONE,
    TIER_ASKED,
    TIER_HIT,  /* x->cached.entry is what came, stored and pinned */
    TIER_MISS, /* nothing came: it is not asked again for this request */
};

/* Embedded in x->cached. All zero: not asked. */
struct tier {
    struct redis_call call;
    struct purge_id seen; /* the last purge that was known when the app was asked … */
    bool has_seen;        /* … if that was known */
    u8 state;             /* enum tier_state */
    bool is_variant;      /* the second question: for the variant */
    u16 vary_len;
    u64 generation; /* of the variants that lie there by these names */
    char vary[VARY_TEXT_MAX];
};

/* Asks; admission goes on when x->cached.tier.state is HIT or MISS. False: there is nobody to ask.
 */
MUST_USE bool tier_ask(struct exchange *x);
/* The app is asked now. */
void tier_note(struct exchange *x);
/* What the app has said is stored as `e`: there, too. */
void tier_put(struct exchange *x, const struct stored *e);
/* What is there for the URL of x, or for `path` of the same host, is no longer true. */
void tier_forget(struct exchange *x, struct str path);
/* It is over. */
void tier_done(struct exchange *x);
