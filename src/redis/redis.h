/* redis/redis.h -- a connection to a Redis that may go away at any time
 *
 *            due           greeted               a call is late
 *   AWAY ──────▶ GREETS ──────────▶ READY ───────────────────▶ LATE
 *     ▲            │                  │ ▲                        │
 *     │            │                  │ └── all of those came ───┤
 *     └────────────┴──────────────────┴──── broken, too late ────┘
 *
 * One thread's; commands go out together at the end of a turn and are answered in their order.
 * Nothing in here waits. Each call has a deadline, and only READY takes calls: whoever cannot be
 * served is told so at once and does without. It comes back by itself, with growing pauses.
 */
#pragma once

#include "base/buf.h"
#include "conf/redisurl.h"
#include "io/loop.h"
#include "redis/respreader.h"
#include "shm/redis.h"

enum { REDIS_CALLS_MAX = 4096, REDIS_SHA_MAX = 41 };

enum redis_state { REDIS_AWAY, REDIS_GREETS, REDIS_READY, REDIS_LATE };

struct redis;
struct redis_call;

/* `r` NULL: there will be no answer (late, broken, too large). May ask again, and forget others. */
typedef void redis_call_fn(struct redis_call *c, const struct reply *r);

/* What somebody waits for; embedded in its owner. All zero: nothing. */
struct redis_call {
    redis_call_fn *fn;
    /* private */
    struct redis *redis;
    u64 number;
};

struct redis_conf {
    struct redisurl url;
    u64 timeout_ns;                /* of a call; 0: it may take for ever */
    struct str script;             /* loaded at the start of each connection; empty: none */
    size_t out_bytes_max;          /* of commands that are not written yet */
    size_t reply_bytes_max;        /* of one answer */
    struct shm_redis_use *counted; /* where it is counted */
    /* It is READY now (why empty), or is not any more. Not for LATE and back. */
    void (*told)(struct redis *r, bool ready, const char *why);
};

/* Begins to connect. -EINVAL with *p: the library is not there; -ENOMEM. */
MUST_USE int redis_new(struct redis **out, struct loop *loop, const struct redis_conf *conf,
                       struct problem *p);
/* Those that wait are not told. Not from within a callback. Accepts NULL. */
void redis_free(struct redis *r);

enum redis_state redis_state(const struct redis *r);
const struct redis_conf *redis_conf_of(const struct redis *r);
/* The name of conf.script for EVALSHA; empty: it could not be loaded. */
struct str redis_script_sha(const struct redis *r);

/* Sends a command (redis/resp.h); c->fn is called later, never from in here. -EAGAIN: it is not
 * READY, or has too much to do. */
MUST_USE int redis_ask(struct redis *r, struct redis_call *c, struct str command,
                       redis_call_fn *fn);
/* Sends one whose answer nobody waits for. False: as above. */
MUST_USE bool redis_tell(struct redis *r, struct str command);
/* Whoever waits does so no more. Accepts what was answered or never asked. */
void redis_forget(struct redis_call *c);
static inline bool redis_waits(const struct redis_call *c)
{
    return c->redis != NULL;
}

/* The server is of no use as it is (it has become a replica, is loading its data): connects anew.
 */
void redis_give_up(struct redis *r, const char *why);
