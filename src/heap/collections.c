/* heap/collections.c -- what stands behind Map, Set, Array and plain objects */
#include "heap/collections.h"

#include "heap/edge_names.h"
#include "heap/filters.h"

enum { SHAPE_EMPTY = 1, SHAPE_FULL = 2 };

/* The names that are looked for, by the string that they are. */
struct kinds {
    const struct graph *g;
    const struct classes *c;
    u32 table_class[4]; /* names of Map, Set, WeakMap, WeakSet; NAMES_FAILED: there are none */
    u8 *shape;          /* [node_count]: SHAPE_… of those that were looked at */
    struct edge_names names;
};

static bool is_v8s(enum node_type type)
{
    return type == NODE_HIDDEN || type == NODE_SHAPE;
}

/* Whether a store refers to nothing but its own shape. */
static bool holds_nothing(const struct graph *g, u32 store)
{
    for (u32 e = g->first_edge[store]; e < g->first_edge[store + 1]; e++)
        if (!is_v8s(graph_type(g, graph_target(g->edge[e]))))
            return false;
    return true;
}

/* Map and its like have their entries in a table. */
static bool is_empty_table(const struct kinds *k, u32 node)
{
    const struct graph *g = k->g;
    bool found = false;

    for (u32 e = g->first_edge[node]; e < g->first_edge[node + 1]; e++) {
        u32 to = graph_target(g->edge[e]);

        if (graph_type(g, to) != NODE_ARRAY || graph_edge_type(g->edge[e]) != EDGE_INTERNAL)
            continue;
        if (!holds_nothing(g, to))
            return false;
        found = true;
    }
    return found && graph_self_size(g, node) <= FILTERS_TABLE_BYTES;
}

static bool is_empty_array(const struct graph *g, u32 node)
{
    for (u32 e = g->first_edge[node]; e < g->first_edge[node + 1]; e++) {
        enum edge_type type = graph_edge_type(g->edge[e]);

        if (type == EDGE_ELEMENT || type == EDGE_BACKING)
            return false;
    }
    return true;
}

/* A shape has descriptors when objects of it have properties, numbers too. */
static int shape_is_empty(struct kinds *k, u32 shape, bool *out)
{
    const struct graph *g = k->g;

    if (!k->shape[shape]) {
        k->shape[shape] = SHAPE_EMPTY;
        for (u32 e = g->first_edge[shape]; e < g->first_edge[shape + 1]; e++) {
            struct str name;
            int r = edge_names_get(&k->names, e, &name);

            if (r)
                return r;
            if (str_eq(name, STR("descriptors")))
                k->shape[shape] = SHAPE_FULL;
        }
    }
    *out = k->shape[shape] == SHAPE_EMPTY;
    return 0;
}

static int is_empty_object(struct kinds *k, u32 node, bool *out)
{
    const struct graph *g = k->g;
    u32 shape = UINT32_MAX;

    *out = false;
    for (u32 e = g->first_edge[node]; e < g->first_edge[node + 1]; e++) {
        enum edge_type type = graph_edge_type(g->edge[e]);
        u32 to = graph_target(g->edge[e]);

        if (type == EDGE_ELEMENT || type == EDGE_BACKING)
            return 0;
        if (type == EDGE_INTERNAL && is_v8s(graph_type(g, to)))
            shape = to;
        if (type == EDGE_INTERNAL && graph_type(g, to) == NODE_ARRAY && !holds_nothing(g, to))
            return 0;
        if (type == EDGE_PROPERTY) {
            u32 string;
            int r = edge_names_string(&k->names, e, &string);

            if (r)
                return r;
            if (g->strings.kind[string] != STRING_PROTO)
                return 0;
        }
    }
    return shape == UINT32_MAX ? 0 : shape_is_empty(k, shape, out);
}

static bool is_table_class(const struct kinds *k, u32 node)
{
    u32 name = k->c->class[classes_of(k->c, node)].name;

    for (u32 i = 0; i < ARRAY_LEN(k->table_class); i++)
        if (name == k->table_class[i])
            return true;
    return false;
}

static int empty_find(struct kinds *k, u8 *is)
{
    const struct graph *g = k->g;

    for (u32 i = 0; i < g->node_count; i++) {
        bool yes = false;
        int r = 0;

        if (graph_type(g, i) == NODE_OBJECT) {
            if (g->flags[i] & GRAPH_PLAIN)
                r = is_empty_object(k, i, &yes);
            else if (g->flags[i] & GRAPH_ARRAY)
                yes = is_empty_array(g, i);
            else if (is_table_class(k, i))
                yes = is_empty_table(k, i);
        }
        if (r)
            return r;
        is[i] = yes;
    }
    return 0;
}

int collections_empty(const struct analysis *a, u8 *is)
{
    static const char *const tables[] = { "Map", "Set", "WeakMap", "WeakSet" };
    struct kinds k = { .g = &a->g, .c = &a->c, .names.g = &a->g };
    int r = -ENOMEM;

    for (u32 i = 0; i < ARRAY_LEN(tables); i++)
        k.table_class[i] = names_find(&a->c.names, str_of(tables[i]));
    k.shape = calloc((size_t)a->g.node_count + 1, 1);
    if (k.shape)
        r = empty_find(&k, is);
    free(k.shape);
    edge_names_done(&k.names);
    return r;
}

/* Bytes of a node itself, as the file has them, its insides not included. */
static int raw_size(const struct graph *g, u32 node, u64 *out)
{
    struct graph_node n;
    int r = graph_node(g, node, &n);

    *out = n.self_size;
    return r;
}

static int is_oversized(const struct graph *g, u32 node, u8 *out)
{
    u64 array, bytes, word, elements = 0;
    u32 store = UINT32_MAX;
    int r;

    *out = 0;
    for (u32 e = g->first_edge[node]; e < g->first_edge[node + 1]; e++) {
        if (graph_edge_type(g->edge[e]) == EDGE_BACKING)
            store = graph_target(g->edge[e]);
        elements += graph_edge_type(g->edge[e]) == EDGE_ELEMENT;
    }
    if (store == UINT32_MAX || !elements || graph_type(g, store) != NODE_ARRAY)
        return 0;
    r = raw_size(g, node, &array);
    r = r ? r : raw_size(g, store, &bytes);
    if (r)
        return r;
    word = array < 4 * 8 ? 4 : 8; /* an array is four words: with compressed pointers 16 bytes */
    *out = bytes > word * elements + FILTERS_ARRAY_BYTES &&
           bytes / word >= FILTERS_ARRAY_TIMES * elements;
    return 0;
}

int collections_oversized(const struct analysis *a, u8 *is)
{
    const struct graph *g = &a->g;

    for (u32 i = 0; i < g->node_count; i++) {
        int r = 0;

        is[i] = 0;
        if (graph_type(g, i) == NODE_OBJECT && g->flags[i] & GRAPH_ARRAY &&
            graph_self_size(g, i) > FILTERS_ARRAY_BYTES)
            r = is_oversized(g, i, &is[i]);
        if (r)
            return r;
    }
    return 0;
}
