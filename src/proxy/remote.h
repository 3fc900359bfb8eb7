/* proxy/remote.h -- what a thread has of Redis: a connection for each use
 *
 * That it is away, and is back, is said once for all threads.
 */
#pragma once

#include "guard/refusals.h"
#include "redis/purgelog.h"
#include "redis/redis.h"

struct proxy;
struct ruleset;
struct thread;

struct remote {
    struct redis *limits; /* NULL: there is no Redis */
    struct refusals *refusals;
    struct redis *tier; /* of the cache; NULL: nobody has wanted it yet */
    bool has_no_tier;   /* it could not be made */
    struct buf command; /* scratch */
};

/* Begins to connect, if the settings name a Redis. */
void remote_setup(struct thread *t);
/* Lets go of memory that a large command took. */
void remote_tidy(struct thread *t);

/* ---- the second tier of the cache (tier.h) ---- */

/* Thread 0: begins to follow purges, if a rule of these wants a second tier. */
void remote_tier_setup(struct proxy *p, const struct ruleset *rules);
/* Thread 0, now and then. */
void remote_tick(struct proxy *p);
/* The thread's connection for it; NULL: there is none. */
struct redis *remote_tier(struct thread *t);
/* The last purge of any host; false: they are not known just now. */
MUST_USE bool remote_purges(struct proxy *p, struct purge_id *last);
/* Whether what was asked for after `seen` may have been purged since. */
MUST_USE bool remote_purged(struct proxy *p, struct purge_id seen, struct str app, struct str path,
                            struct str tags);
/* Thread 0: tells other hosts of a purge, if they share a tier. */
void remote_purge_tell(struct proxy *p, const struct store_purge *purge);
