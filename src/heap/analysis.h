/* heap/analysis.h -- a snapshot with all that can be asked of it
 *
 * Reads the file and does what DevTools' worker does while it says "Processing snapshot": sizes,
 * distances, classes, dominators, statistics, two at a time where they do not need each other.
 */
#pragma once

#include "heap/classes.h"
#include "heap/dominators.h"
#include "heap/graph.h"
#include "heap/statistics.h"

/* What is kept for more than sums: each costs memory. GRAPH_WITH_… may be added. */
enum {
    ANALYSIS_EDGES = BIT(8),     /* g.edge, g.type, g.flags: to follow references */
    ANALYSIS_DISTANCES = BIT(9), /* distance */
};

struct analysis {
    struct graph g;
    struct classes c;
    struct dominators d;
    struct statistics s;
    int32_t *distance; /* [node_count], with ANALYSIS_DISTANCES */
};

/* 0; -EINVAL with *p; -ENOMEM, -errno. The owner calls analysis_done in any case. */
MUST_USE int analysis_run(struct analysis *a, const struct input *in, u32 threads, u32 options,
                          const struct progress_sink *progress, struct problem *p);
void analysis_done(struct analysis *a);
