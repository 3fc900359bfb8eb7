/* heap/owners.c -- who owns what has no owner of its own */
#include "heap/owners.h"

#include "base/pages.h"
#include "heap/detached.h"
#include "heap/vec.h"

#define UNOWNED UINT32_MAX
#define SHARED (UINT32_MAX - 1)

bool owners_is_user_root(const struct graph *g, u32 node)
{
    return graph_type(g, node) != NODE_SYNTHETIC || graph_name_kind(g, node) == STRING_DOM_TREES;
}

static bool has_user_roots(const struct graph *g)
{
    for (u32 e = g->first_edge[g->root]; e < g->first_edge[g->root + 1]; e++)
        if (owners_is_user_root(g, graph_target(g->edge[e])))
            return true;
    return false;
}

/* Whether it is there for something else only: V8's own, or the bytes of a string. */
static bool is_part(const struct graph *g, u32 node)
{
    enum node_type type = graph_type(g, node);

    return type == NODE_HIDDEN || type == NODE_ARRAY ||
           (type == NODE_NATIVE && graph_name_kind(g, node) == STRING_EXTERNAL_DATA &&
            !detached_is_renamed(g, node));
}

/* Owns what `node` refers to and nobody owned; what gets an owner, or a second one, is to be
 * visited. */
static bool visit(const struct graph *g, u32 *owner, struct vec *todo, u32 node)
{
    u32 mine = owner[node];

    for (u32 e = g->first_edge[node]; e < g->first_edge[node + 1]; e++) {
        u32 edge = g->edge[e], to = graph_target(edge), theirs = owner[to];

        if (theirs == to || theirs == mine || theirs == SHARED ||
            graph_edge_type(edge) == EDGE_WEAK)
            continue;
        owner[to] = theirs == UNOWNED ? mine : SHARED;
        if (!vec_push(todo, to))
            return false;
    }
    return true;
}

static int transfer(struct graph *g, const u32 *owner)
{
    for (u32 i = 0; i < g->node_count; i++) {
        u32 to = owner[i];
        int r;

        if (to == i || to == UNOWNED || to == SHARED || !g->self[i] || to == g->root ||
            graph_type(g, to) == NODE_SYNTHETIC)
            continue;
        r = graph_set_self_size(g, to, graph_self_size(g, to) + graph_self_size(g, i));
        if (r)
            return r;
        g->self[i] = 0;
    }
    return 0;
}

int owners_assign(struct graph *g)
{
    AUTO(vec_done) struct vec todo = { 0 };
    u64 bytes = (u64)g->node_count * sizeof(u32);
    bool fine = true;
    u32 *owner;
    int r;

    if (!has_user_roots(g))
        return 0;
    owner = pages_take(bytes);
    if (!owner)
        return -ENOMEM;
    for (u32 i = 0; i < g->node_count; i++)
        owner[i] = is_part(g, i) ? UNOWNED : i;
    for (u32 i = 0; fine && i < g->node_count; i++) {
        if (owner[i] != i)
            continue;
        fine = visit(g, owner, &todo, i);
        while (fine && todo.len)
            fine = visit(g, owner, &todo, vec_pop(&todo));
    }
    r = fine ? transfer(g, owner) : -ENOMEM;
    pages_give(owner, bytes);
    return r;
}
