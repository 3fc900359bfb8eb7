/* metrics/uptrend.h -- whether a series goes up, and how fast
 *
 * Robust statistics of series in equal steps: a few wild values move neither answer. Pure
 * functions; at most UPTREND_MAX values.
 */
#pragma once

#include "base/base.h"

enum { UPTREND_MAX = 32 };

/* The middle one; of an even number, the lower of the two. */
u64 uptrend_median(const u64 *value, u32 count);

/* Growth a step: the median of the slopes between all pairs (Theil, 1950; Sen, 1968). 0 below two
 * values. */
double uptrend_slope(const u64 *value, u32 count);

/* Kendall's tau against time (Mann, 1945): 1 when every later value is larger, -1 when every one is
 * smaller, 0 with no direction; values that are the same count as neither. Only those pairs count
 * whose later one did not have more `load`: *pairs of them. What follows the
 * load up and down shows no direction in these. */
double uptrend_tau(const u64 *value, const u64 *load, u32 count, u32 *pairs);
