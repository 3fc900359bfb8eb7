/* heap/detached.h -- which DOM nodes are in no document any more
 *
 * Snapshots of Chrome say of some native nodes whether they are attached; what these refer to takes
 * over their state, and attached wins (DevTools, HeapSnapshot.ts, propagateDOMState).
 */
#pragma once

#include "heap/graph.h"

/* Sets GRAPH_ATTACHED and GRAPH_DETACHED. -ENOMEM. */
MUST_USE int detached_spread(struct graph *g);
