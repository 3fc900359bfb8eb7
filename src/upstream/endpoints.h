/* upstream/endpoints.h -- a group of endpoints, and which of them gets a request
 *
 *              put                        fails (names it `ended`)
 *   (free) ──────────▶ UP ◀──────────────────────────────────────▶ EJECTED, DOWN
 *      ▲                │ not put again
 *      └── LEAVING ◀────┘
 *        10 s, and nothing runs there
 *
 * A group is a table of fixed size. Thread 0 of the proxy puts addresses into it and takes them
 * away, from the list of the settings and from what names resolve to; all threads choose, without a
 * lock. A place is used for another address only when nobody can still look at the one before. What
 * changes often is in shared memory (shm/upstreams.h), where the monitor reads it; what must not
 * be anybody's but the proxy's, the address, is here.
 *
 * Who is chosen is choose.h's, who is left alone is endpoint_health.h's.
 *
 * Values in, verdict out: the clock and the random numbers are the caller's.
 */
#pragma once

#include "base/addr.h"
#include "base/clock.h"
#include "shm/upstreams.h"
#include "upstream/load_report.h"

#include <pthread.h>

enum { ENDPOINTS_MAX = SHM_ENDPOINTS_MAX };
/* How long a place is left alone before it gets another address. */
#define ENDPOINTS_REST_NS (10 * NS_PER_S)
/* Those that join a group within this of its first one have no slow start. */
#define ENDPOINTS_BEGIN_NS (5 * NS_PER_S)

/* One address. Writer: thread 0, while shm->state is NONE; weight and priority at any time. */
struct upstream_endpoint {
    struct shm_endpoint *shm;
    struct addr addr;
    u32 item;  /* of the list: whose it is (upstreams_item.id) */
    u32 epoch; /* counts the addresses that this place has had */
    u64 id;    /* hash of the address */
    u64 left_ns;
    u64 calls_had, failures_had; /* thread 0: at the beginning of endpoint_health.h's window */
};

struct endpoints {
    struct shm_upstream *shm;
    pthread_mutex_t lock; /* of what changes rarely: states */
    _Atomic u32 n;        /* places 0 … n-1 have ever been used */
    u64 began_ns;         /* when it got its first endpoint, the last time that it had none */
    u64 window_ns;        /* thread 0: when endpoint_health.h's window began */
    struct upstream_endpoint of[ENDPOINTS_MAX];
};

/* How endpoints are chosen, and what decides about them. Shares are in thousandths of a per cent.
 */
struct endpoints_rules {
    u32 failures;      /* so many one after the other eject an endpoint; 0: none do */
    u32 errors;        /* so does failing this much more often than the others; 0: that does not */
    u64 eject_ns;      /* for how long, at first; 0: nothing is ejected */
    u64 eject_max_ns;  /* at most, as that doubles */
    u32 eject_most;    /* nothing is ejected when more than this share would not be up */
    u32 rise, fall;    /* so many probes have to succeed, to fail, for a change; 0: as 1 */
    u32 panic;         /* choose.h */
    u64 slow_start_ns; /* 0: there is none */
    struct str zone;   /* our own; empty: none */
};

/* An address that is to be in the group. */
struct endpoints_target {
    struct addr addr;
    u32 weight;      /* 1 and more */
    u32 priority;    /* 0: first */
    struct str name; /* as the list says it */
    struct str zone; /* empty: none */
};

/* `shm` may have been used by a proxy before this one: counters go on, gauges begin anew. */
void endpoints_init(struct endpoints *g, struct shm_upstream *shm);
void endpoints_done(struct endpoints *g);

/* Item `item` leads to these `n` now and to no others: new ones join, those that are there already
 * stay as they are, the rest of the item's leave. -ENOSPC: some have no place. */
MUST_USE int endpoints_put(struct endpoints *g, u32 item, const struct endpoints_target *to, u32 n,
                           u64 now_ns);
/* The list has these `n` items: those of others leave. */
void endpoints_keep(struct endpoints *g, const u32 *items, u32 n, u64 now_ns);

/* For what an endpoint is asked. */
struct endpoints_want {
    const struct endpoints_rules *rules;
    u64 tried;  /* bit i: place i has failed this request already; only when there is no other */
    u64 key;    /* hash of what the request sticks to; 0: nothing */
    u64 random; /* 64 bits */
    u64 now_ns;
};

/* A request at an endpoint; all zero: none. */
struct endpoints_call {
    struct upstream_endpoint *to; /* NULL: none */
    u64 began_ns;
};

/* Counts the request in; *call is to be ended, whatever becomes of it. False: nobody is there. */
MUST_USE bool endpoints_choose(struct endpoints *g, const struct endpoints_want *want,
                               struct endpoints_call *call);

enum endpoints_change {
    ENDPOINTS_SAME,
    ENDPOINTS_EJECTED,  /* shm->reason says why, until_ns for how long */
    ENDPOINTS_RETURNED, /* its ejection is over */
    ENDPOINTS_DOWN,     /* probes fail */
    ENDPOINTS_UP,       /* probes succeed again */
};

/* The request is over; `first_byte_ns` is how long its answer took to begin, 0: not known. Empties
 * *call; accepts an empty one. What it says has happened is to be logged. */
enum endpoints_change endpoints_ended(struct endpoints *g, struct endpoints_call *call,
                                      const struct endpoints_rules *rules,
                                      enum shm_endpoint_result result, u64 first_byte_ns,
                                      u64 now_ns);

/* It has said with an answer how many of its loops wait (load_report.h). */
void endpoints_reported(struct upstream_endpoint *e, const struct load_report *report, u64 now_ns);

static inline u32 endpoints_index(const struct endpoints *g, const struct upstream_endpoint *e)
{
    return (u32)(e - g->of);
}
