/* heap/collections.h -- collections that hold nothing, or have room for far more than they hold
 *
 * A snapshot has edges to objects and texts only. An array, a Map or a Set of numbers, undefined or
 * null looks like an empty one, so the store behind it is looked at too: an empty array has none,
 * an empty Map the smallest one (which is also one with up to four numbers in it), an empty plain
 * object a shape without properties or a dictionary without keys.
 */
#pragma once

#include "heap/analysis.h"

/* Sets is[node] for each node. Needs edges and names. -ENOMEM, -EIO. */
MUST_USE int collections_empty(const struct analysis *a, u8 *is);
/* Arrays whose stores have room for FILTERS_ARRAY_TIMES as many elements as objects and texts are
 * in them, and FILTERS_ARRAY_BYTES more than these need; at least one is. */
MUST_USE int collections_oversized(const struct analysis *a, u8 *is);
