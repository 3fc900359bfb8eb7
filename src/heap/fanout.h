/* heap/fanout.h -- of what one snapshot has many in one place
 *
 * Without an earlier snapshot nobody knows what grows. What leaks usually shows anyway: as many
 * objects of one class below one object, or one behind the other. Static tables, full caches and
 * what a busy server has in flight look the same, so this is a suspicion.
 */
#pragma once

#include "heap/growth.h"

enum {
    FANOUT_ITEMS_MIN = 50,
    FANOUT_BYTES_MIN = 8192,
    FANOUT_SHARE = 1000, /* and at least a thousandth of the heap */
};

/* Holders with their items in `before`; growth_bytes is what these retain. -ENOMEM. */
MUST_USE int fanout_find(const struct graph *g, const struct dominators *d,
                         struct growth_holders *out);
