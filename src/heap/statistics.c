/* heap/statistics.c -- sums by type */
#include "heap/statistics.h"

/* An array with the store of its elements, if that is its alone. */
static u64 array_size(const struct graph *g, u32 node)
{
    u64 size = graph_self_size(g, node);

    for (u32 e = g->first_edge[node]; e < g->first_edge[node + 1]; e++)
        if (graph_edge_type(g->edge[e]) == EDGE_BACKING) {
            u32 store = graph_target(g->edge[e]);

            return size + (g->flags[store] & GRAPH_SHARED ? 0 : graph_self_size(g, store));
        }
    return size;
}

void statistics_count(struct statistics *s, const struct graph *g, const struct classes *c)
{
    u32 buffers = UINT32_MAX;

    for (u32 i = 0; i < c->names.count; i++)
        if (str_eq(names_text(&c->names, i), STR("system / JSArrayBufferData")))
            buffers = i;
    *s = (struct statistics){ .native = g->meta.extra_native_bytes };
    for (u32 i = 0; i < g->node_count; i++) {
        switch (graph_type(g, i)) {
        case NODE_HIDDEN:
            s->system += graph_self_size(g, i);
            break;
        case NODE_NATIVE:
            s->native += graph_self_size(g, i);
            if (c->class[classes_of(c, i)].name == buffers)
                s->typed_arrays += graph_self_size(g, i);
            break;
        case NODE_CODE:
            s->code += graph_self_size(g, i);
            break;
        case NODE_STRING:
        case NODE_CONS_STRING:
        case NODE_SLICED_STRING:
            s->strings += graph_self_size(g, i);
            break;
        default:
            if (g->flags[i] & GRAPH_ARRAY)
                s->js_arrays += array_size(g, i);
        }
    }
}
