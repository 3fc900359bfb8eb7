/* proxy/sharedlimit.h -- a request's rate limits, decided by a Redis for all hosts
 *
 * The step of admission (throttle.h) asks, waits, and is asked again; when there is no answer it
 * decides alone.
 */
#pragma once

#include "conf/ratelimit.h"
#include "redis/limitscript.h"
#include "redis/redis.h"

struct exchange;

enum sharedlimit_state {
    SHAREDLIMIT_NONE,
    SHAREDLIMIT_AGAIN, /* it does not know the script: it is sent as a whole */
    SHAREDLIMIT_ASKED,
    SHAREDLIMIT_KNOWN, /* x->shared.answer is the verdict of all hosts */
    SHAREDLIMIT_ALONE, /* nobody knows: this host decides for itself */
};

/* Embedded in its exchange. */
struct sharedlimit {
    struct redis_call call;
    u64 asked_ns;
    bool in_full; /* the script itself was sent, not its name */
    struct limitscript_answer answer;
};

/* Whose budget one of the limits is about: the same on all hosts. */
struct sharedlimit_name {
    u64 a, b;
};

/* Asks about the limits of x->rule; `tag`: what their keys in a cluster lie by. The new state:
 * ASKED, and admission goes on when it has changed; or ALONE. */
enum sharedlimit_state sharedlimit_ask(struct exchange *x, u64 tag,
                                       const struct sharedlimit_name names[RATELIMIT_MAX]);
/* It is over: nobody waits for the answer. Accepts those that have not asked. */
void sharedlimit_done(struct exchange *x);
