#include "heap/dominators.h"

#include "heap_made.h"
#include "tap.h"

static u32 draw(u64 *state, u32 below)
{
    *state = *state * 6364136223846793005ull + 1442695040888963407ull;
    return (u32)((*state >> 33) % below);
}

/* Marks what `from` reaches without going through `without`. */
static void reach(const struct graph *g, u32 from, u32 without, u8 *seen)
{
    u32 stack[MADE_NODES_MAX], depth = 0;

    if (from == without || seen[from])
        return;
    seen[from] = 1;
    stack[depth++] = from;
    while (depth) {
        u32 node = stack[--depth];

        for (u32 e = g->first_edge[node]; e < g->first_edge[node + 1]; e++) {
            u32 to = graph_target(g->edge[e]);

            if (g->edge[e] & GRAPH_IDLE || to == without || seen[to])
                continue;
            seen[to] = 1;
            stack[depth++] = to;
        }
    }
}

/* What hangs on the root besides, because nothing but weak edges leads to it. *islands: there are
 * nodes that only hold each other; DevTools' answer for those is compared with its own code, in
 * test/e2e/heap_devtools.test.mjs. */
static u32 hung_find(const struct graph *g, u32 *hung, bool *islands)
{
    u8 seen[MADE_NODES_MAX] = { 0 }, held[MADE_NODES_MAX] = { 0 };
    u32 count = 0;

    reach(g, g->root, UINT32_MAX, seen);
    for (u32 i = 0; i < g->node_count; i++)
        for (u32 e = g->first_edge[i]; !seen[i] && e < g->first_edge[i + 1]; e++)
            if (!(g->edge[e] & GRAPH_IDLE))
                held[graph_target(g->edge[e])] = 1;
    for (u32 i = 0; i < g->node_count; i++)
        if (!seen[i] && !held[i]) {
            hung[count++] = i;
            reach(g, i, UINT32_MAX, seen);
        }
    *islands = false;
    for (u32 i = 0; i < g->node_count; i++)
        *islands |= !seen[i];
    return count;
}

/* Whether `node` is out of reach without `without`. */
static void reach_all(const struct graph *g, const u32 *hung, u32 hungs, u32 without, u8 *seen)
{
    memset(seen, 0, g->node_count);
    reach(g, g->root, without, seen);
    for (u32 i = 0; i < hungs; i++)
        reach(g, hung[i], without, seen);
}

static bool check(struct made *m)
{
    const struct graph *g = &m->graph;
    const struct dominators *d = &m->dominators;
    bool islands;
    u32 hung[MADE_NODES_MAX], hungs = hung_find(g, hung, &islands), wrong = 0;
    u8 *needs = calloc(g->node_count, g->node_count), seen[MADE_NODES_MAX];

    if (islands) {
        free(needs);
        return false;
    }
    /* needs[v][n]: without v, n is out of reach. */
    for (u32 v = 0; v < g->node_count; v++) {
        reach_all(g, hung, hungs, v, seen);
        for (u32 n = 0; n < g->node_count; n++)
            needs[v * g->node_count + n] = v == g->root || !seen[n];
    }
    for (u32 n = 0; n < g->node_count; n++) {
        u64 retained = 0;
        u32 best = g->root;

        /* The immediate dominator is the one that all the others dominate. */
        for (u32 v = 0; v < g->node_count; v++)
            if (v != n && v != g->root && needs[v * g->node_count + n] &&
                needs[best * g->node_count + v])
                best = v;
        wrong += d->dominator[n] != best;
        for (u32 k = 0; k < g->node_count; k++)
            retained += needs[n * g->node_count + k] ? graph_self_size(g, k) : 0;
        wrong += d->retained[n] != retained;
    }
    CHECK_EQ(wrong, 0);
    free(needs);
    return true;
}

static void the_tree_is_in_preorder(const struct dominators *d)
{
    u32 wrong = 0, open[MADE_NODES_MAX], depth = 0, end[MADE_NODES_MAX];

    for (u32 i = 0; i < d->node_count; i++) {
        while (depth && end[depth - 1] == i)
            depth--;
        wrong += d->dominator[d->order[i]] != (depth ? open[depth - 1] : d->root);
        open[depth] = d->order[i];
        end[depth++] = i + d->size[i];
    }
    CHECK_EQ(wrong, 0);
}

static void random_graphs_have_the_dominators_that_a_plain_search_finds(void)
{
    u64 state = 7;
    u32 checked = 0;

    for (u32 round = 0; round < 200; round++) {
        struct made *m = made_new();
        u32 nodes = 3 + draw(&state, 40), edges = draw(&state, nodes * 3);

        while (m->nodes < nodes)
            made_node(m, draw(&state, 8) ? MADE_OBJECT : MADE_SYNTHETIC, "X", 2 * m->nodes + 1,
                      1 + draw(&state, 100));
        for (u32 i = 0; i < edges; i++)
            made_link(m, draw(&state, nodes),
                      draw(&state, 8)   ? MADE_PROPERTY
                      : draw(&state, 2) ? MADE_WEAK
                                        : MADE_SHORTCUT,
                      "p", draw(&state, nodes));
        made_read(m);
        checked += check(m);
        the_tree_is_in_preorder(&m->dominators);
        made_free(m);
    }
    CHECK(checked > 100);
}

static void a_chain_of_a_thousand_holds_what_is_below(void)
{
    struct made *m = made_new();
    u32 before = 2;

    for (u32 i = 0; i < 1000; i++) {
        u32 node = made_node(m, MADE_OBJECT, "Link", 100 + 2 * i + 1, 10);

        made_link(m, before, MADE_PROPERTY, "next", node);
        before = node;
    }
    made_read(m);
    CHECK_EQ(m->dominators.retained[3], 10000);
    CHECK_EQ(m->dominators.retained[before], 10);
    CHECK_EQ(m->dominators.dominator[before], before - 1);
    made_free(m);
}

static void what_only_weak_references_hold_hangs_on_the_root(void)
{
    struct made *m = made_new();
    u32 alone = made_node(m, MADE_OBJECT, "Alone", 7, 10),
        below = made_node(m, MADE_OBJECT, "Below", 9, 5);

    made_link(m, 2, MADE_WEAK, "ref", alone);
    made_link(m, alone, MADE_PROPERTY, "p", below);
    made_read(m);
    CHECK_EQ(m->dominators.unreachable, 2);
    CHECK_EQ(m->dominators.dominator[alone], 0);
    CHECK_EQ(m->dominators.dominator[below], alone);
    CHECK_EQ(m->dominators.retained[alone], 15);
    made_free(m);
}

int main(void)
{
    TEST(random_graphs_have_the_dominators_that_a_plain_search_finds);
    TEST(a_chain_of_a_thousand_holds_what_is_below);
    TEST(what_only_weak_references_hold_hangs_on_the_root);
    return tap_done();
}
