/* base/random.h -- random numbers that can be had again: SplitMix64
 *
 * Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, OOPSLA
 * 2014. The same seed gives the same order of requests and the same arrivals.
 */
#pragma once

#include "base/base.h"

struct random {
    u64 state; /* the seed */
};

static inline u64 random_u64(struct random *r)
{
    u64 z = r->state += 0x9e3779b97f4a7c15ull;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
}

/* At least 0 and less than 1. */
static inline double random_unit(struct random *r)
{
    return (double)(random_u64(r) >> 11) * 0x1p-53;
}
