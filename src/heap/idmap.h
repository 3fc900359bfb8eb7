/* heap/idmap.h -- from an object's id to its node
 *
 * V8 gives an object one id for its life: by it, objects of two snapshots are the same.
 */
#pragma once

#include "base/base.h"

#define IDMAP_NONE UINT32_MAX

struct idmap {
    /* private */
    const u32 *id;
    u32 *slot; /* 1 + node, open addressing */
    u64 slots;
};

/* `id`, one of each of `count` nodes, outlives it. -ENOMEM. The owner calls idmap_done in any case.
 */
MUST_USE int idmap_build(struct idmap *m, const u32 *id, u32 count);
void idmap_done(struct idmap *m);
/* The first node with this id, or IDMAP_NONE. */
u32 idmap_find(const struct idmap *m, u32 id);
