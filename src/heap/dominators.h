/* heap/dominators.h -- who holds what: the dominator tree and retained sizes
 *
 * A node's dominator is the last one that every way to it from the root goes through: were it gone,
 * the node would be garbage. Its retained size is what would go with it. Lengauer and Tarjan, "A
 * fast algorithm for finding dominators in a flowgraph" (1979), the simple version with path
 * compression, in O(edges * log nodes) for any graph; numbers, predecessors and trees are in
 * depth-first order, which keeps memory accesses near each other.
 *
 * Which edges count is DevTools' rule (HeapSnapshot.ts, computeIsEssentialEdge): not weak ones, not
 * to oneself, not from a WeakMap's table (its key holds the value), and, but for the root's own,
 * not shortcuts and not from V8's or a debugger's nodes to the app's.
 */
#pragma once

#include "heap/graph.h"

struct dominators {
    u32 node_count, root;
    u32 *dominator; /* [node_count]; the root's is itself */
    u64 *retained;  /* [node_count]: bytes */
    /* The tree in preorder: the subtree of order[i] is order[i] … order[i + size[i] - 1]. */
    u32 *order;
    u32 *size;
    /* private, between the two calls: what is known of each node, and each number's parent */
    struct dominators_reached {
        u32 number; /* 1 + its number, 0: not reached; and bits */
        u32 slot;   /* how many edges that count lead to it; then where they go among all */
    } * reached;
    u32 *parent;
    u64 retaining;   /* edges that count */
    u32 unreachable; /* nodes that nothing but weak edges holds, hung under the root */
};

/* First half, which needs GRAPH_PAGE and no sizes: the depth-first order. Sets GRAPH_IDLE on edges
 * that do not count, GRAPH_RETAINED and GRAPH_SHARED on nodes. -ENOMEM. The owner calls
 * dominators_done in any case. */
MUST_USE int dominators_begin(struct dominators *d, struct graph *g);
/* Second half, with g->self as it shall be. With `drop_edges`, g's edges are given back as soon as
 * they are not needed any more. -ENOMEM. */
MUST_USE int dominators_finish(struct dominators *d, struct graph *g, bool drop_edges);
void dominators_done(struct dominators *d);

/* pos[node_count]: where each node is in `order`. NULL: out of memory. */
MUST_USE u32 *dominators_positions(const struct dominators *d);
/* Accepts NULL. */
void dominators_positions_done(const struct dominators *d, u32 *pos);
