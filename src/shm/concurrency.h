/* shm/concurrency.h -- ceilings of concurrency, and what an overload makes of the queue
 *
 * Plain C11, as layout.h is. Writers: the proxy's threads, by atomic addition; `limit` and what is
 * learned: thread 0. A row of a ceiling goes 0 → 1 (being filled) → 2 (readable, app and place
 * never change again) and stays: a reload, or a proxy that comes back, finds it again by them. A
 * proxy that comes back sets the gauges to 0.
 */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

enum {
    SHM_CEILINGS_MAX = 96,
    SHM_CEILING_FILLED = 2,
    SHM_CEILING_PLACE_MAX = 112,
    SHM_PRIORITIES = 3, /* high, normal, low */
};

#define SHM_PRIORITY_TEXTS      \
    {                           \
        "high", "normal", "low" \
    }

struct shm_ceiling {
    _Atomic uint32_t state;
    uint32_t app;
    uint32_t place_len;                /* 0: the app as a whole */
    char place[SHM_CEILING_PLACE_MAX]; /* where it was said: "/reports" */
    _Atomic uint32_t fixed;            /* what the settings say; 0: nothing */
    _Atomic uint32_t adaptive;         /* 1: it adapts, too */
    /* Given to workers and not over; and those of them that are no load: streams, events. */
    _Alignas(64) _Atomic uint32_t in_flight;
    _Atomic uint32_t idle;
    _Atomic uint32_t limit;  /* learned: the most that may be a load at once; 0: none is needed */
    _Atomic uint32_t parked; /* wait for a place in it now */
    _Atomic uint64_t parked_total;
    _Atomic uint64_t shed;    /* of those that waited for it */
    _Atomic uint64_t answers; /* that have begun */
    /* Learned: how long an answer takes usually, and takes now; how often it was limited. */
    _Atomic uint64_t usual_ns, now_ns, limited;
    uint64_t reserved[6];
};

/* What waits for workers, by app. */
struct shm_waiting {
    _Atomic uint32_t waiting[4];    /* by priority */
    _Atomic uint64_t shed[4];       /* given up, by priority: 503 */
    _Atomic uint64_t overloaded_ns; /* since when the queue is too long; 0: it is not */
    _Atomic uint64_t overloads;     /* how often that began */
    _Atomic uint64_t gap_ns;        /* between two that leave the queue, lately */
};

struct shm_concurrency {
    _Alignas(64) struct shm_ceiling ceiling[SHM_CEILINGS_MAX];
    struct shm_waiting app[32];
};
