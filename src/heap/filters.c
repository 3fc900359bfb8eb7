/* heap/filters.c -- searches from the root that leave something out, and what is a collection */
#include "heap/filters.h"

#include "base/pages.h"
#include "heap/collections.h"
#include "heap/distances.h"
#include "heap/edge_names.h"

const char *filters_name(enum filter f)
{
    static const char *const name[] = {
        [FILTER_DUPLICATED_STRINGS] = "duplicated-strings",
        [FILTER_EMPTY_COLLECTIONS] = "empty-collections",
        [FILTER_OVERSIZED_ARRAYS] = "oversized-arrays",
        [FILTER_DETACHED] = "detached",
        [FILTER_BY_CONTEXTS] = "retained-by-contexts",
        [FILTER_BY_DETACHED] = "retained-by-detached",
        [FILTER_BY_CONSOLE] = "retained-by-console",
        [FILTER_BY_HANDLERS] = "retained-by-event-handlers",
    };

    return name[f];
}

/* Clears the mark of all that the root reaches without the nodes that `avoid` has a mark for and
 * without the edges of `dropped`, both of which may be NULL. */
static int reach(const struct graph *g, const u8 *avoid, const u8 *dropped, u8 *is)
{
    u64 bytes = (u64)g->node_count * sizeof(u32);
    u32 *queue = pages_take(bytes), head = 0, tail = 0;

    if (!queue)
        return -ENOMEM;
    queue[tail++] = g->root;
    is[g->root] = 0;
    while (head < tail) {
        u32 node = queue[head++];

        for (u32 e = g->first_edge[node]; e < g->first_edge[node + 1]; e++) {
            u32 to = graph_target(g->edge[e]);

            if (!is[to] || graph_edge_type(g->edge[e]) == EDGE_WEAK || (avoid && avoid[to]) ||
                (dropped && dropped[e / 8] & BIT(e % 8)))
                continue;
            is[to] = 0;
            queue[tail++] = to;
        }
    }
    pages_give(queue, bytes);
    return 0;
}

/* What is reached from the root, and not if `avoid` or `dropped` is left out. */
static int retained_by(const struct analysis *a, const u8 *avoid, const u8 *dropped, u8 *is)
{
    int r;

    memset(is, 1, a->g.node_count);
    r = reach(&a->g, avoid, dropped, is);
    for (u32 i = 0; i < a->g.node_count; i++)
        if (a->distance[i] == DISTANCES_NONE)
            is[i] = 0;
    return r;
}

static void contexts_find(const struct graph *g, u8 *found)
{
    for (u32 i = 0; i < g->node_count; i++)
        found[i] = graph_name_kind(g, i) == STRING_CONTEXT;
}

static void detached_find(const struct graph *g, u8 *found)
{
    for (u32 i = 0; i < g->node_count; i++)
        found[i] = (g->flags[i] & GRAPH_DETACHED) != 0;
}

/* Globals that DevTools' console has: edges of the roots that say so. */
static int console_find(const struct graph *g, u8 *dropped)
{
    AUTO(edge_names_done) struct edge_names n = { .g = g };

    for (u32 i = 0; i < g->node_count; i++) {
        if (graph_type(g, i) != NODE_SYNTHETIC)
            continue;
        for (u32 e = g->first_edge[i]; e < g->first_edge[i + 1]; e++) {
            struct str name;
            u64 number;
            int r;

            if (graph_edge_is_indexed(graph_edge_type(g->edge[e])))
                continue;
            r = edge_names_get(&n, e, &name);
            if (r)
                return r;
            if (str_ends(name, STR(" / DevTools console")) &&
                !(graph_edge_type(g->edge[e]) == EDGE_SHORTCUT && strtab_number(name, &number)))
                dropped[e / 8] |= (u8)BIT(e % 8);
        }
    }
    return 0;
}

/* ---- event handlers ---- */

enum { HAS_CODE = 1, HAS_NONE = 2 };

struct handlers {
    const struct graph *g;
    struct edge_names names;
    u8 *code;  /* [node_count]: HAS_… once it is known */
    u8 *known; /* [node_count]: callbacks that were looked at */
    u8 *found;
};

/* The target of the first edge with this name, or UINT32_MAX. */
static int target_named(struct handlers *h, u32 node, struct str name, u32 *out)
{
    const struct graph *g = h->g;

    *out = UINT32_MAX;
    for (u32 e = g->first_edge[node]; e < g->first_edge[node + 1]; e++) {
        struct str text;
        int r = edge_names_get(&h->names, e, &text);

        if (r)
            return r;
        if (str_eq(text, name)) {
            *out = graph_target(g->edge[e]);
            return 0;
        }
    }
    return 0;
}

static int has_code(struct handlers *h, u32 node, bool *out)
{
    if (!h->code[node]) {
        u32 target;
        int r = target_named(h, node, STR("code"), &target);

        if (r)
            return r;
        h->code[node] = target != UINT32_MAX ? HAS_CODE : HAS_NONE;
    }
    *out = h->code[node] == HAS_CODE;
    return 0;
}

/* The function behind a listener: the callback, or the first thing in it that has code. */
static int handler_find(struct handlers *h, u32 callback)
{
    const struct graph *g = h->g;
    bool yes;
    int r = has_code(h, callback, &yes);

    if (r || h->known[callback])
        return r;
    h->known[callback] = 1;
    for (u32 e = g->first_edge[callback]; !yes && e < g->first_edge[callback + 1]; e++) {
        u32 child = graph_target(g->edge[e]);

        r = has_code(h, child, &yes);
        if (r)
            return r;
        if (yes) {
            h->found[child] = 1;
            return 0;
        }
    }
    h->found[callback] = 1;
    return 0;
}

static int listeners_find(struct handlers *h)
{
    const struct graph *g = h->g;
    AUTO(freep) u8 *named = NULL;
    int r = edge_names_strings(g, STR("V8EventListener"), &named);

    for (u32 i = 0; !r && i < g->node_count; i++) {
        u32 callback;

        if (!named[g->name[i]])
            continue;
        r = target_named(h, i, STR("1"), &callback);
        if (!r && callback != UINT32_MAX)
            r = handler_find(h, callback);
    }
    return r;
}

static int handlers_find(const struct graph *g, u8 *found)
{
    struct handlers h = { .g = g, .names.g = g, .found = found };
    int r = -ENOMEM;

    h.code = pages_take_zeroed(g->node_count);
    h.known = pages_take_zeroed(g->node_count);
    if (h.code && h.known)
        r = listeners_find(&h);
    pages_give(h.code, g->node_count);
    pages_give(h.known, g->node_count);
    edge_names_done(&h.names);
    return r;
}

/* ---- all ---- */

static int without_edges(const struct analysis *a, u8 *is)
{
    u64 bytes = (u64)a->g.edge_count / 8 + 1;
    u8 *dropped = pages_take_zeroed(bytes);
    int r = dropped ? console_find(&a->g, dropped) : -ENOMEM;

    if (!r)
        r = retained_by(a, NULL, dropped, is);
    pages_give(dropped, bytes);
    return r;
}

static int without_nodes(const struct analysis *a, enum filter f, u8 *is)
{
    u8 *avoid = pages_take_zeroed(a->g.node_count);
    int r = 0;

    if (!avoid)
        return -ENOMEM;
    if (f == FILTER_BY_CONTEXTS)
        contexts_find(&a->g, avoid);
    else if (f == FILTER_BY_DETACHED)
        detached_find(&a->g, avoid);
    else
        r = handlers_find(&a->g, avoid);
    if (!r)
        r = retained_by(a, avoid, NULL, is);
    pages_give(avoid, a->g.node_count);
    return r;
}

int filters_mark(const struct analysis *a, enum filter f, u8 *is)
{
    switch (f) {
    case FILTER_EMPTY_COLLECTIONS:
        return collections_empty(a, is);
    case FILTER_OVERSIZED_ARRAYS:
        return collections_oversized(a, is);
    case FILTER_DETACHED:
        detached_find(&a->g, is);
        return 0;
    case FILTER_BY_CONTEXTS:
    case FILTER_BY_DETACHED:
    case FILTER_BY_HANDLERS:
        return without_nodes(a, f, is);
    case FILTER_BY_CONSOLE:
        return without_edges(a, is);
    case FILTER_DUPLICATED_STRINGS: /* heap/select.h keeps more of them than marks */
    case FILTER_COUNT:
        break;
    }
    assert(false);
    return -EINVAL;
}
