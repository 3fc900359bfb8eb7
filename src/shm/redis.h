/* shm/redis.h -- what the proxy has to do with Redis
 *
 * Plain C11, as layout.h is. Writers: the proxy's threads, by atomic addition.
 */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

enum shm_redis_use_index { SHM_REDIS_LIMITS, SHM_REDIS_CACHE, SHM_REDIS_PURGES, SHM_REDIS_USES };

#define SHM_REDIS_USE_TEXTS         \
    {                               \
        "limits", "cache", "purges" \
    }

/* Connections and commands, by what they are for. */
struct shm_redis_use {
    _Atomic uint32_t wanted, ready; /* connections: so many there should be, so many answer */
    _Atomic uint64_t connected;     /* how often one was made */
    _Atomic uint64_t lost;          /* how often one broke or did not come about */
    _Atomic uint64_t commands;      /* sent */
    _Atomic uint64_t answers;       /* … and answered in time, errors included */
    _Atomic uint64_t errors;        /* answers that are errors */
    _Atomic uint64_t late;          /* not answered in time */
    _Atomic uint64_t refused;       /* not sent: it is away, or has too much to do */
    _Atomic uint64_t wait_ns;       /* sum, of the answers */
};

struct shm_redis {
    struct shm_redis_use use[SHM_REDIS_USES];
    _Atomic uint64_t decided;    /* by Redis: requests that a limit is for */
    _Atomic uint64_t alone;      /* … decided here, because it was away */
    _Atomic uint64_t remembered; /* … refused here, by what it had said before */
    _Atomic uint64_t tier_hits, tier_misses, tier_stored;
    _Atomic uint64_t tier_bad;      /* what lay there was not ours, or broken */
    _Atomic uint64_t tier_outdated; /* … had been purged */
    _Atomic uint64_t purges_sent, purges_taken;
    _Atomic uint32_t purges_known; /* 1: none is missed just now */
    _Atomic uint64_t purges_lost;  /* times when purges may have been missed: all was removed */
};
