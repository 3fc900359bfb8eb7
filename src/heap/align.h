/* heap/align.h -- which object of one snapshot is which of another, without ids
 *
 * V8 forgets its ids when the inspector that took a snapshot goes: two snapshots taken in two
 * visits number the same objects differently. What stays is where an object is: both graphs are
 * walked together from their roots, breadth first, and two nodes are one when edges of the same
 * name lead to them from two that are one, and they are of the same type and class. Entries of
 * tables go by their order. Of a collection that grew the new entries find no partner; of one whose
 * entries are others they do: so this tells how much there is more of, not which ones have stayed.
 */
#pragma once

#include "heap/graph.h"

#define ALIGN_NONE UINT32_MAX

/* partner[earlier->node_count]: a node of `last`, or ALIGN_NONE. *matched: how many have one.
 * -ENOMEM; -EIO: a file has changed. Both with their edges and names. */
MUST_USE int align_find(const struct graph *earlier, const struct graph *last, u32 *partner,
                        u32 *matched);
