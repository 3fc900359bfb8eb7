/* heap/statistics.h -- what the memory is made of
 *
 * DevTools' "Statistics" (HeapSnapshot.ts, calculateStatistics), in bytes, from the sizes that
 * objects have with their insides.
 */
#pragma once

#include "heap/classes.h"
#include "heap/dominators.h"
#include "heap/graph.h"

struct statistics {
    u64 total;  /* all that the root retains, and what no node stands for */
    u64 native; /* outside of V8's heap, typed_arrays included */
    u64 typed_arrays;
    u64 code, strings, js_arrays, system;
};

/* After dominators_begin (which counts retainers), with g's edges still there. The total is not
 * filled in. */
void statistics_count(struct statistics *s, const struct graph *g, const struct classes *c);
