/* heap/graph.c -- what a graph holds, and what is read again from its file */
#include "heap/graph.h"

#include "base/pages.h"

void graph_names_done(struct graph *g)
{
    if (!(g->options & GRAPH_WITH_NAMES)) {
        pages_give(g->name, g->node_count * sizeof(u32));
        g->name = NULL;
    }
    if (g->options & GRAPH_WITH_PLACES)
        return;
    pages_give(g->place_of, g->node_count * sizeof(u32));
    g->place_of = NULL;
}

void graph_types_done(struct graph *g)
{
    pages_give(g->type, g->node_count);
    pages_give(g->flags, g->node_count);
    g->type = g->flags = NULL;
}

void graph_edges_done(struct graph *g)
{
    pages_give(g->edge, (u64)g->edge_count * sizeof(u32));
    pages_give(g->first_edge, ((u64)g->node_count + 1) * sizeof(u32));
    g->edge = g->first_edge = NULL;
}

static void properties_done(struct property_names *p)
{
    for (u32 i = 0; i < p->count; i++)
        free(p->chunk[i].name);
    free(p->chunk);
    *p = (struct property_names){ 0 };
}

void graph_done(struct graph *g)
{
    g->options = 0;
    graph_names_done(g);
    graph_edges_done(g);
    pages_give(g->self, g->node_count * sizeof(u32));
    pages_give(g->id, g->node_count * sizeof(u32));
    graph_types_done(g);
    properties_done(&g->properties);
    free(g->ephemerons);
    free(g->skipped);
    free(g->places);
    free(g->large);
    numbers_done(&g->nodes);
    numbers_done(&g->edges_text);
    strtab_done(&g->strings);
    *g = (struct graph){ 0 };
}

/* The first entry of `large` that is not before `node`. */
static u32 large_at(const struct graph *g, u32 node)
{
    u32 low = 0, high = g->large_count;

    while (low < high) {
        u32 mid = low + (high - low) / 2;

        if (g->large[mid].node < node)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

u64 graph_self_size(const struct graph *g, u32 node)
{
    u32 i;

    if (__builtin_expect(g->self[node] != UINT32_MAX, 1))
        return g->self[node];
    i = large_at(g, node);
    return i < g->large_count && g->large[i].node == node ? g->large[i].bytes : UINT32_MAX;
}

int graph_set_self_size(struct graph *g, u32 node, u64 bytes)
{
    struct graph_large *large;
    u32 i;

    if (bytes < UINT32_MAX) {
        g->self[node] = (u32)bytes;
        return 0;
    }
    g->self[node] = UINT32_MAX;
    i = large_at(g, node);
    if (i == g->large_count || g->large[i].node != node) {
        if (g->large_count == GRAPH_LARGE_MAX)
            return -ERANGE;
        large = realloc(g->large, (g->large_count + 1) * sizeof(*large));
        if (!large)
            return -ENOMEM;
        g->large = large;
        memmove(large + i + 1, large + i, (g->large_count - i) * sizeof(*large));
        g->large_count++;
    }
    g->large[i] = (struct graph_large){ node, bytes };
    return 0;
}

int graph_node(const struct graph *g, u32 node, struct graph_node *out)
{
    u32 values[NUMBERS_FIELDS_MAX];
    i64 r = numbers_record(&g->nodes, node, values);

    if (r < 0)
        return (int)r;
    *out = (struct graph_node){
        .name = values[g->meta.node_name],
        .id = values[g->meta.node_id],
        .edge_count = values[g->meta.node_edge_count],
        .self_size = values[g->meta.node_self_size],
    };
    return 0;
}

int graph_edges(const struct graph *g, u32 first, u32 count, struct graph_edge *out)
{
    u32 fields = g->meta.edge_fields;
    AUTO(freep) u32 *values = malloc((size_t)count * fields * sizeof(u32) + 1);
    int r;

    if (!values)
        return -ENOMEM;
    r = numbers_records(&g->edges_text, first, count, values);
    if (r)
        return r;
    for (u32 i = 0; i < count; i++) {
        const u32 *v = values + (size_t)i * fields;

        if (v[g->meta.edge_type] >= g->meta.edge_types)
            return -EIO; /* the file has changed */
        out[i] = (struct graph_edge){
            .type = g->meta.edge_type_of[v[g->meta.edge_type]],
            .type_name = g->meta.edge_type_name[v[g->meta.edge_type]],
            .name = v[g->meta.edge_name],
            .to = v[g->meta.edge_to] / g->meta.node_fields,
        };
    }
    return 0;
}

u32 graph_source(const struct graph *g, u32 edge)
{
    u32 low = 0, high = g->node_count;

    while (high - low > 1) {
        u32 mid = low + (high - low) / 2;

        if (g->first_edge[mid] <= edge)
            low = mid;
        else
            high = mid;
    }
    return low;
}

const struct place *graph_place(const struct graph *g, u32 node)
{
    u32 at = g->place_of ? g->place_of[node] : 0;

    return at ? &g->places[at - 1] : NULL;
}
