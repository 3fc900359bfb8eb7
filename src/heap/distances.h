/* heap/distances.h -- how many edges a node is away from the app's roots
 *
 * Breadth first from the app's own roots, which are at 1, and then, from a base far away, from the
 * root for what only V8 itself holds (DevTools, HeapSnapshot.ts, calculateDistances, with the edges
 * that it does not follow: weak ones, descriptors that maps share, sloppy_function_map, and of a
 * WeakMap's entry the edge that is met first).
 */
#pragma once

#include "heap/graph.h"

enum { DISTANCES_NONE = -5, DISTANCES_SYSTEM = 100000000 };

/* distance[node_count]. Sets GRAPH_PAGE on what the app's roots reach. -ENOMEM. */
MUST_USE int distances_measure(struct graph *g, int32_t *distance);
