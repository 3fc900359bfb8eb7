/* heap/owners.h -- sizes of the objects that people know, with their insides
 *
 * A backing store, a property array, a hidden table: V8 counts them as nodes of their own. Chrome
 * DevTools (HeapSnapshot.ts, calculateShallowSizes) adds the size of each node of type hidden or
 * array, and of external string data, to the one object from which alone it can be reached, and so
 * does fettle. Snapshots taken with internals exposed have no user roots and are left as they are.
 */
#pragma once

#include "heap/graph.h"

/* Changes g->self. -ENOMEM; -ERANGE: sizes that no machine has. */
MUST_USE int owners_assign(struct graph *g);
/* Whether a child of the root is the app's own: not synthetic, or the DOM trees of a page. */
bool owners_is_user_root(const struct graph *g, u32 node);
