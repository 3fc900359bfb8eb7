/* metrics/histogram.h -- counts by size, as they come out of shared memory
 *
 * A histogram here is plain arrays: `counts` has one entry more than `le` has
 * bounds; entry i counts what is at most le[i] and more than le[i-1], the last
 * what is more than every bound. Sums saturate instead of wrapping, so that
 * garbage in the memory stays one large number. Pure functions.
 */
#pragma once

#include "base/base.h"

static inline u64 u64_add(u64 a, u64 b)
{
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static inline u64 u64_sub(u64 a, u64 b)
{
    return a > b ? a - b : 0;
}

/* Prometheus' cumulative counts at the bounds `want`, each of which should be among `le` (else the
 * next smaller of `le` counts); out[wanted] is the sum of all. */
void histogram_cumulate(const u64 *counts, const u64 *le, u32 bounds, const u64 *want, u32 wanted,
                        u64 *out);

/* The value that `permille` thousandths of the counted are at most, interpolated within its bucket;
 * the largest bound when it lies above that; 0 when nothing was counted. */
u64 histogram_quantile(const u64 *counts, const u64 *le, u32 bounds, u32 permille);
