/* heap/browse.c -- one snapshot, looked at from object to object */
#include "heap/browse.h"

#include "base/pages.h"

enum { TEXTS_MIN = 1024, EDGE_PLACES = 256, OWNERS_MAX = 12 };

static bool is_weak(u32 edge)
{
    return graph_edge_type(edge) == EDGE_WEAK;
}

static bool is_idle(u32 edge)
{
    return edge & GRAPH_IDLE || is_weak(edge);
}

static void retainers_give(struct browse *b)
{
    pages_give(b->first_retainer, ((u64)b->graph->node_count + 2) * sizeof(u32));
    pages_give(b->retainer, (u64)b->graph->edge_count * sizeof(u32));
    b->first_retainer = b->retainer = NULL;
}

/* Edges in the order of their targets: counted, then put in place. `idle`: those to leave out. */
static int retainers_build(struct browse *b, bool (*idle)(u32 edge))
{
    const struct graph *g = b->graph;
    u32 *first = pages_take_zeroed(((u64)g->node_count + 2) * sizeof(u32));

    b->first_retainer = first;
    b->retainer = pages_take((u64)g->edge_count * sizeof(u32));
    if (!first || !b->retainer)
        return -ENOMEM;
    for (u32 e = 0; e < g->edge_count; e++)
        if (!idle(g->edge[e]))
            first[graph_target(g->edge[e]) + 2]++;
    for (u32 n = 2; n < g->node_count + 2; n++)
        first[n] += first[n - 1];
    for (u32 e = 0; e < g->edge_count; e++)
        if (!idle(g->edge[e]))
            b->retainer[first[graph_target(g->edge[e]) + 1]++] = e;
    return 0;
}

/* Breadth first from the root, over everything that retains. */
static int parents_build(struct browse *b)
{
    const struct graph *g = b->graph;
    u64 bytes = (u64)g->node_count * sizeof(u32);
    u32 *queue = pages_take(bytes), head = 0, tail = 0;

    b->parent = pages_take(bytes);
    if (!queue || !b->parent) {
        pages_give(queue, bytes);
        return -ENOMEM;
    }
    memset(b->parent, 0xff, bytes);
    queue[tail++] = g->root;
    while (head < tail) {
        u32 node = queue[head++];

        for (u32 e = g->first_edge[node]; e < g->first_edge[node + 1]; e++) {
            u32 to = graph_target(g->edge[e]);

            if (is_idle(g->edge[e]) || b->parent[to] != BROWSE_NONE || to == g->root)
                continue;
            b->parent[to] = e;
            queue[tail++] = to;
        }
    }
    pages_give(queue, bytes);
    return 0;
}

int browse_init(struct browse *b, const struct graph *graph, const struct dominators *d)
{
    int r;

    *b = (struct browse){ .graph = graph, .dominators = d, .reader.t = &graph->strings };
    b->edges = calloc(EDGE_PLACES, sizeof(*b->edges));
    b->position = dominators_positions(d);
    if (!b->edges || !b->position)
        return -ENOMEM;
    r = retainers_build(b, is_idle);
    return r ? r : parents_build(b);
}

int browse_show_all(struct browse *b)
{
    retainers_give(b);
    return retainers_build(b, is_weak);
}

void browse_done(struct browse *b)
{
    if (!b->graph)
        return;
    for (u32 i = 0; b->edges && i < EDGE_PLACES; i++)
        free(b->edges[i].edge);
    free(b->edges);
    for (u32 i = 0; i < b->texts.cap; i++)
        free((char *)b->texts.place[i].text.ptr);
    free(b->texts.place);
    strtab_reader_done(&b->reader);
    pages_give(b->position, (u64)b->graph->node_count * sizeof(u32));
    retainers_give(b);
    pages_give(b->parent, (u64)b->graph->node_count * sizeof(u32));
    *b = (struct browse){ 0 };
}

/* ---- texts ---- */

/* The place of a string, or the free place where it belongs. */
static struct browse_text *text_place(const struct browse_texts *t, u32 string)
{
    u32 i = string * 0x9E3779B1u & (t->cap - 1);

    while (t->place[i].key && t->place[i].key != string + 1)
        i = (i + 1) & (t->cap - 1);
    return &t->place[i];
}

static bool texts_grow(struct browse_texts *t)
{
    struct browse_texts old = *t;

    t->cap = old.cap ? old.cap * 2 : TEXTS_MIN;
    t->place = calloc(t->cap, sizeof(*t->place));
    if (!t->place) {
        *t = old;
        return false;
    }
    for (u32 i = 0; i < old.cap; i++)
        if (old.place[i].key)
            *text_place(t, old.place[i].key - 1) = old.place[i];
    free(old.place);
    return true;
}

struct str browse_text(struct browse *b, u32 string)
{
    struct browse_texts *t = &b->texts;
    AUTO(buf_done) struct buf bytes = { 0 };
    struct browse_text *place;

    if (t->count * 2 >= t->cap && !texts_grow(t))
        return (struct str){ 0 };
    place = text_place(t, string);
    if (!place->key) {
        if (!strtab_text(&b->reader, string, &bytes, BROWSE_TEXT_MAX))
            return (struct str){ 0 };
        place->key = string + 1;
        place->text = str_make(bytes.ptr, bytes.len);
        bytes = (struct buf){ 0 };
        t->count++;
    }
    return place->text;
}

struct str browse_name(struct browse *b, u32 node)
{
    return browse_text(b, b->graph->name[node]);
}

bool browse_is(struct browse *b, u32 node, enum node_type type, struct str name)
{
    return node != BROWSE_NONE && graph_type(b->graph, node) == type &&
           str_eq(browse_name(b, node), name);
}

/* ---- edges ---- */

u32 browse_edges(struct browse *b, u32 node, const struct graph_edge **out)
{
    struct browse_edges *place = &b->edges[node % EDGE_PLACES];
    const u32 *first = b->graph->first_edge + node;
    u32 count;

    *out = NULL;
    if (node == BROWSE_NONE)
        return 0;
    count = min(first[1] - first[0], (u32)BROWSE_EDGES_MAX);
    if (!place->edge || place->node != node) {
        struct graph_edge *edge = calloc(count + 1, sizeof(*edge));

        if (!edge || graph_edges(b->graph, first[0], count, edge)) {
            free(edge);
            return 0;
        }
        free(place->edge);
        *place = (struct browse_edges){ node, count, edge };
    }
    *out = place->edge;
    return place->count;
}

struct str browse_label(struct browse *b, const struct graph_edge *e)
{
    return graph_edge_is_indexed(e->type) ? (struct str){ 0 } : browse_text(b, e->name);
}

bool browse_edge(struct browse *b, u32 edge, struct graph_edge *out)
{
    return graph_edges(b->graph, edge, 1, out) == 0;
}

u32 browse_follow(struct browse *b, u32 node, struct str label)
{
    const struct graph_edge *e;
    u32 count = browse_edges(b, node, &e);

    for (u32 i = 0; i < count; i++)
        if (e[i].type != EDGE_WEAK && str_eq(browse_label(b, &e[i]), label))
            return e[i].to;
    return BROWSE_NONE;
}

u32 browse_retainers(const struct browse *b, u32 node, struct retainer *out, u32 max)
{
    const u32 *first = b->first_retainer + node;
    u32 count = node == BROWSE_NONE ? 0 : min(first[1] - first[0], max);

    for (u32 i = 0; i < count; i++) {
        out[i].edge = b->retainer[first[0] + i];
        out[i].from = graph_source(b->graph, out[i].edge);
    }
    return count;
}

u32 browse_path(const struct browse *b, u32 node, u32 *edges, u32 max)
{
    u32 count = 0;

    while (count < max && b->parent[node] != BROWSE_NONE) {
        edges[max - ++count] = b->parent[node];
        node = graph_source(b->graph, b->parent[node]);
    }
    memmove(edges, edges + max - count, count * sizeof(*edges));
    return count;
}

/* ---- what a node is ---- */

bool browse_is_context(const struct graph *g, u32 node)
{
    return graph_type(g, node) == NODE_OBJECT && graph_name_kind(g, node) == STRING_CONTEXT;
}

bool browse_is_visible(const struct graph *g, u32 node)
{
    switch (graph_type(g, node)) {
    case NODE_OBJECT:
        return !browse_is_context(g, node);
    case NODE_STRING:
    case NODE_CLOSURE:
    case NODE_REGEXP:
    case NODE_NATIVE:
    case NODE_CONS_STRING:
    case NODE_SLICED_STRING:
    case NODE_SYMBOL:
    case NODE_BIGINT:
        return true;
    case NODE_HIDDEN:
    case NODE_ARRAY:
    case NODE_CODE:
    case NODE_NUMBER:
    case NODE_SYNTHETIC:
    case NODE_SHAPE:
    case NODE_OTHER:
        return false;
    }
    return false;
}

bool browse_is_closure(const struct browse *b, u32 node)
{
    return node != BROWSE_NONE && graph_type(b->graph, node) == NODE_CLOSURE;
}

bool browse_is_text(const struct browse *b, u32 node)
{
    enum node_type type = node == BROWSE_NONE ? NODE_OTHER : graph_type(b->graph, node);

    return type == NODE_STRING || type == NODE_CONS_STRING || type == NODE_SLICED_STRING;
}

bool browse_is_class(struct browse *b, u32 node, const char *name)
{
    return browse_is(b, node, NODE_OBJECT, str_of(name));
}

bool browse_dominates(const struct browse *b, u32 node, u32 below)
{
    u32 at = b->position[node], to = b->position[below];

    return to >= at && to - at < b->dominators->size[at];
}

u32 browse_owner(struct browse *b, u32 node, struct str label)
{
    struct retainer in[OWNERS_MAX];
    u32 count = browse_retainers(b, node, in, OWNERS_MAX);
    struct graph_edge e;

    for (u32 i = 0; i < count; i++)
        if (browse_edge(b, in[i].edge, &e) && e.type == EDGE_PROPERTY &&
            str_eq(browse_label(b, &e), label))
            return in[i].from;
    return BROWSE_NONE;
}

struct str browse_class(struct browse *b, u32 node)
{
    switch (graph_type(b->graph, node)) {
    case NODE_OBJECT:
    case NODE_NATIVE:
        return browse_name(b, node);
    case NODE_CLOSURE:
        return STR("Function");
    case NODE_REGEXP:
        return STR("RegExp");
    case NODE_STRING:
        return STR("(string)");
    case NODE_CONS_STRING:
        return STR("(concatenated string)");
    case NODE_SLICED_STRING:
        return STR("(sliced string)");
    case NODE_ARRAY:
        return STR("(array)");
    case NODE_CODE:
        return STR("(compiled code)");
    case NODE_NUMBER:
        return STR("(number)");
    case NODE_SYMBOL:
        return STR("(symbol)");
    case NODE_BIGINT:
        return STR("(bigint)");
    case NODE_SYNTHETIC:
        return STR("(synthetic)");
    case NODE_SHAPE:
        return STR("(object shape)");
    case NODE_HIDDEN:
    case NODE_OTHER:
        return STR("(system)");
    }
    return STR("(system)");
}
