/* heap/detached.c -- states spread from native node to native node */
#include "heap/detached.h"

#include "heap/vec.h"

enum { KNOWN = GRAPH_ATTACHED | GRAPH_DETACHED };

static bool spread(struct graph *g, struct vec *todo, u8 state)
{
    while (todo->len) {
        u32 node = vec_pop(todo);

        for (u32 e = g->first_edge[node]; e < g->first_edge[node + 1]; e++) {
            enum edge_type type = graph_edge_type(g->edge[e]);
            u32 to = graph_target(g->edge[e]);

            if (type == EDGE_HIDDEN || type == EDGE_WEAK || graph_type(g, to) != NODE_NATIVE ||
                g->flags[to] & KNOWN)
                continue;
            g->flags[to] |= state;
            if (!vec_push(todo, to))
                return false;
        }
    }
    return true;
}

int detached_spread(struct graph *g)
{
    static const u8 states[] = { GRAPH_ATTACHED, GRAPH_DETACHED };
    AUTO(vec_done) struct vec todo = { 0 };

    if (g->meta.node_detachedness == META_NONE)
        return 0;
    for (u32 s = 0; s < ARRAY_LEN(states); s++) {
        for (u32 i = 0; i < g->node_count; i++)
            if (g->flags[i] & states[s] && graph_type(g, i) == NODE_NATIVE && !vec_push(&todo, i))
                return -ENOMEM;
        if (!spread(g, &todo, states[s]))
            return -ENOMEM;
    }
    return 0;
}

bool detached_is_renamed(const struct graph *g, u32 node)
{
    return graph_flags(g, node) & GRAPH_DETACHED && g->meta.node_detachedness != META_NONE &&
           graph_type(g, node) == NODE_NATIVE;
}
