/* heap/biggest.h -- the dominator tree, as much of it as fits a page
 *
 * The largest holders first, each below the one that holds it: whatever is shown, its parent is. Of
 * many small siblings of one class there is one entry for all of them.
 */
#pragma once

#include "heap/classes.h"
#include "heap/dominators.h"

struct biggest {
    u32 node; /* one of them, when count > 1 */
    u32 class;
    u32 count;  /* siblings that it stands for */
    u32 parent; /* entry; UINT32_MAX: hangs on the root */
    u32 depth;  /* 0 below the root */
    u64 retained;
};

/* Up to `max` entries, in the order of a tree's lines, down to `depth` levels. malloc'ed, for the
 * caller to free; NULL: out of memory. */
MUST_USE struct biggest *biggest_find(const struct classes *c, const struct dominators *d, u32 max,
                                      u32 depth, u32 *count);
