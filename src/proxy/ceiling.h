/* proxy/ceiling.h -- how many requests may be with the workers at once
 *
 * One for each app, and one for each listener, path or route that says something of it itself: what
 * is said there holds there instead. Two numbers hold at once: the one that the settings say, and
 * one that is learned when the app becomes slower the more it has to do (guard/concurrency.h). What
 * is beyond them waits in the central queue (queue.h), which asks here whether there is a place.
 *
 * Exact over all threads: a place is one addition in shared memory. Streams and what is there for
 * long without being a load hold a place of the first number, and none of the second.
 */
#pragma once

#include "conf/settings.h"
#include "guard/concurrency.h"
#include "proxy/queue.h"

struct proxy;
struct thread;
struct exchange;

struct ceiling {
    struct shm_ceiling *shm;      /* NULL: not used */
    struct line line[PRIORITIES]; /* who waits for a place; the queue's lock */
    /* Thread 0. */
    struct concurrency learned;
    u64 answers, answered_ns; /* the newest count, and when it changed */
    u64 parked_total, met;    /* … and how many looks found somebody who had to wait */
};

/* What people were told last of an app's overload. Thread 0. */
struct ceiling_said {
    u64 shed, at_ns;
};

/* Before any thread runs: what a proxy before this one has left in the gauges is void. */
void ceiling_init(struct proxy *p);

/* The ceiling of this app and place (empty: of the app as a whole), with what the settings say of
 * it now. Thread 0. NULL: there are too many. */
struct ceiling *ceiling_find(struct proxy *p, u32 app, struct str place,
                             const struct settings_request *is);

/* How many places there are; UINT32_MAX: no end. Those of high priority have a few more. */
u32 ceiling_room(const struct ceiling *c, const struct settings_request *is, bool high);

/* What is beyond the learned number for those of high priority. */
static inline u32 ceiling_reserve(u32 limit)
{
    return limit / 4 + 4;
}

/* Takes a place. */
static inline bool ceiling_take(struct ceiling *c, const struct settings_request *is, bool high)
{
    struct shm_ceiling *s = c->shm;
    u32 before = atomic_fetch_add(&s->in_flight, 1), idle, limit;

    if (is->max_concurrency && before >= is->max_concurrency)
        goto none;
    limit = is->adaptive_concurrency ? atomic_load(&s->limit) : 0;
    if (limit == 0)
        return true;
    idle = atomic_load(&s->idle);
    if ((before > idle ? before - idle : 0) < limit + (high ? ceiling_reserve(limit) : 0))
        return true;
none:
    atomic_fetch_sub(&s->in_flight, 1);
    return false;
}

/* Gives it back; one of a claim is given back with it (claim.h). */
static inline void ceiling_give(struct ceiling *c)
{
    atomic_fetch_sub(&c->shm->in_flight, 1);
}

/* It has been with its worker for a while: whether it is no load, like a stream of events, a body
 * that trickles, or one that takes far longer than the others. */
void ceiling_settle(struct exchange *x, u64 now_ns);

/* Ten times a second, thread 0: learns, shows, and tells people of overloads. */
void ceiling_tick(struct proxy *p, u64 now_ns);
