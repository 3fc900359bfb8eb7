/* proxy/remote.h -- what a thread has of Redis: a connection for each use
 *
 * That it is away, and is back, is said once for all threads.
 */
#pragma once

#include "guard/refusals.h"
#include "redis/redis.h"

struct thread;

struct remote {
    struct redis *limits; /* NULL: there is no Redis */
    struct refusals *refusals;
    struct buf command; /* scratch */
};

/* Begins to connect, if the settings name a Redis. */
void remote_setup(struct thread *t);
