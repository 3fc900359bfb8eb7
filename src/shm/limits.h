/* shm/limits.h -- rate limits and what they have refused
 *
 * Plain C11, as layout.h is. Writers: the proxy's threads. A row goes 0 → 1 (being filled) → 2
 * (readable, its texts never change again) and stays: a proxy that comes back, or a reload, finds
 * it again by its texts.
 */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

enum {
    SHM_LIMITS_MAX = 64,  /* the last one is for all that have no place of their own */
    SHM_LIMITED_MAX = 32, /* clients that were refused most often */
    SHM_LIMIT_TEXT_MAX = 64,
    SHM_LIMIT_FILLED = 2,
};

struct shm_limit {
    _Atomic uint32_t state;
    uint32_t app;
    char text[SHM_LIMIT_TEXT_MAX];  /* "10/s burst 20 by ip", NUL-terminated */
    char place[SHM_LIMIT_TEXT_MAX]; /* where it was said: "/login"; empty: for the app */
    _Atomic uint64_t admitted, refused;
};

/* Who was refused (Metwally's Space-Saving: `count` is at most count_over too high). A writer that
 * finds another one at it leaves its refusal out. */
struct shm_limited {
    _Atomic uint64_t key; /* of the client's budget; 0: nobody */
    _Atomic uint64_t count, count_over;
    _Atomic uint64_t last_ns;
    _Atomic uint32_t limit; /* index of the row */
    uint32_t spare;
    char client[SHM_LIMIT_TEXT_MAX]; /* NUL-terminated; an address, or a hash: never the value of a
                                        field */
};

struct shm_limits {
    struct shm_limit limit[SHM_LIMITS_MAX];
    struct shm_limited limited[SHM_LIMITED_MAX];
    /* Of the tables (guard/buckets.h), by algorithm: token-bucket, sliding-window. */
    _Atomic uint64_t places[2], used[2], forgotten[2];
};
