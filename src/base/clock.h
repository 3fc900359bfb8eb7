/* base/clock.h -- time: u64 nanoseconds of CLOCK_MONOTONIC
 *
 * The same clock in every process of one machine, the workers' loops included,
 * so times may be compared across shared memory. Rooms that decide get `now_ns`
 * as an argument.
 */
#pragma once

#include "base/base.h"

#include <time.h>

#define NS_PER_US 1000ull
#define NS_PER_MS 1000000ull
#define NS_PER_S 1000000000ull

static inline u64 clock_now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (u64)t.tv_sec * NS_PER_S + (u64)t.tv_nsec;
}

/* Milliseconds since 1970, for people and logs. */
static inline u64 clock_wall_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    return (u64)t.tv_sec * 1000 + (u64)t.tv_nsec / NS_PER_MS;
}
