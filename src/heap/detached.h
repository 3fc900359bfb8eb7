/* heap/detached.h -- which DOM nodes are in no document any more
 *
 * Snapshots of Chrome say of some native nodes whether they are attached; what these refer to takes
 * over their state, and attached wins (DevTools, HeapSnapshot.ts, propagateDOMState).
 */
#pragma once

#include "heap/graph.h"

/* Sets GRAPH_ATTACHED and GRAPH_DETACHED. -ENOMEM. */
MUST_USE int detached_spread(struct graph *g);

/* Whether the node's name begins with "Detached " for DevTools, though it does not in the file: it
 * is a name of its own then, to all that goes by names. */
bool detached_is_renamed(const struct graph *g, u32 node);
