/* proxy/purgefeed.h -- purges of all hosts, by a stream in Redis
 *
 * XADD by whoever purges; thread 0 of each host follows by XREAD, removes here what was purged
 * there, and keeps the log by which it is known what lies in Redis and is outdated. While the
 * stream is not followed, the log is not true and the second tier is not used; what was missed is
 * read when the connection is back.
 */
#pragma once

#include "cache/store.h"
#include "redis/purgelog.h"
#include "redis/redis.h"

struct proxy;

struct purgefeed {
    struct purgelog *log;
    struct redis *redis;
    struct redis_call call;
    bool has_begun;   /* the log is as old as the stream, or its last PURGELOG_MAX */
    u64 origin;       /* this proxy, among all */
    u64 own_until_ns; /* until then one of our own is awaited: it is not in the log yet; 0: none */
    struct proxy *proxy;
};

/* Thread 0. -EINVAL with *p, -ENOMEM. */
MUST_USE int purgefeed_new(struct purgefeed **out, struct proxy *p, const struct redis_conf *conf,
                           struct problem *problem);
/* Now and then: asks, if nobody does. */
void purgefeed_tick(struct purgefeed *f);
/* Tells the others by `r`. False: it could not be said. */
MUST_USE bool purgefeed_tell(struct purgefeed *f, struct redis *r, const struct store_purge *p);
