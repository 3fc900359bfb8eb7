/* heap/distances.c -- two breadth-first searches, and what the app's roots reach */
#include "heap/distances.h"

#include "base/pages.h"
#include "heap/owners.h"
#include "heap/vec.h"

struct search {
    struct graph *g;
    int32_t *distance;
    u32 *queue; /* [node_count] */
    u32 head, tail;
    u8 *met;            /* [ephemeron_count]: the pair's first edge, still without its second */
    u32 *pair_first;    /* [ephemeron_count]: index of the first ephemeron with the same pair */
    struct vec skipped; /* targets of edges that were not followed */
};

static int by_pair(const void *a, const void *b, void *ctx)
{
    const struct graph *g = ctx;
    u64 x = g->ephemerons[*(const u32 *)a].pair, y = g->ephemerons[*(const u32 *)b].pair;

    return x < y ? -1 : x > y ? 1 : *(const u32 *)a < *(const u32 *)b ? -1 : 1;
}

static bool pairs_find(struct search *s)
{
    const struct graph *g = s->g;
    u32 n = g->ephemeron_count;
    AUTO(freep) u32 *order = malloc((n + 1) * sizeof(u32));

    s->met = calloc(n + 1, 1);
    s->pair_first = malloc((n + 1) * sizeof(u32));
    if (!order || !s->met || !s->pair_first)
        return false;
    for (u32 i = 0; i < n; i++)
        order[i] = i;
    qsort_r(order, n, sizeof(u32), by_pair, s->g);
    for (u32 i = 0; i < n; i++)
        s->pair_first[order[i]] =
            i && g->ephemerons[order[i]].pair == g->ephemerons[order[i - 1]].pair
                ? s->pair_first[order[i - 1]]
                : order[i];
    return true;
}

static bool is_skipped(const struct graph *g, u32 edge)
{
    u32 low = 0, high = g->skipped_count;

    while (low < high) {
        u32 mid = low + (high - low) / 2;

        if (g->skipped[mid] < edge)
            low = mid + 1;
        else
            high = mid;
    }
    return low < g->skipped_count && g->skipped[low] == edge;
}

static const struct ephemeron *ephemeron_at(const struct graph *g, u32 edge)
{
    u32 low = 0, high = g->ephemeron_count;

    while (low < high) {
        u32 mid = low + (high - low) / 2;

        if (g->ephemerons[mid].edge < edge)
            low = mid + 1;
        else
            high = mid;
    }
    return low < g->ephemeron_count && g->ephemerons[low].edge == edge ? &g->ephemerons[low] : NULL;
}

/* Whether the search follows an edge of a node with GRAPH_STEP_FILTER to a node not yet reached. */
static bool follows(struct search *s, u32 edge)
{
    const struct ephemeron *e;
    u8 *met;

    if (is_skipped(s->g, edge))
        return false;
    e = ephemeron_at(s->g, edge);
    if (!e)
        return true;
    met = &s->met[s->pair_first[e - s->g->ephemerons]];
    *met = !*met;
    return !*met;
}

static bool search_run(struct search *s)
{
    const struct graph *g = s->g;

    while (s->head < s->tail) {
        u32 node = s->queue[s->head++];
        int32_t distance = s->distance[node] + 1;
        bool filter = g->flags[node] & GRAPH_STEP_FILTER;

        for (u32 e = g->first_edge[node]; e < g->first_edge[node + 1]; e++) {
            u32 edge = g->edge[e], to = graph_target(edge);

            if (s->distance[to] != DISTANCES_NONE || graph_edge_type(edge) == EDGE_WEAK)
                continue;
            if (__builtin_expect(filter, 0) && !follows(s, e)) {
                if (!vec_push(&s->skipped, to))
                    return false;
                continue;
            }
            s->distance[to] = distance;
            s->queue[s->tail++] = to;
        }
    }
    return true;
}

/* Marks everything that the nodes of `todo` reach. */
static bool mark(struct graph *g, struct vec *todo)
{
    while (todo->len) {
        u32 node = vec_pop(todo);

        for (u32 e = g->first_edge[node]; e < g->first_edge[node + 1]; e++) {
            u32 to = graph_target(g->edge[e]);

            if (g->flags[to] & GRAPH_PAGE || graph_edge_type(g->edge[e]) == EDGE_WEAK)
                continue;
            graph_flag(g, to, GRAPH_PAGE);
            if (!vec_push(todo, to))
                return false;
        }
    }
    return true;
}

/* Where a page begins: its windows, by shortcut, and the DOM trees. */
static bool is_page_entry(const struct graph *g, u32 edge)
{
    u32 to = graph_target(edge);

    return graph_edge_type(edge) == EDGE_SHORTCUT ||
           (graph_edge_type(edge) == EDGE_ELEMENT && graph_type(g, to) == NODE_SYNTHETIC &&
            graph_name_kind(g, to) == STRING_DOM_TREES);
}

static bool mark_begin(struct graph *g, struct vec *todo, u32 node)
{
    if (g->flags[node] & GRAPH_PAGE)
        return true;
    graph_flag(g, node, GRAPH_PAGE);
    return vec_push(todo, node);
}

/* What the first search reached is the page, with what it did not follow, when both begin at the
 * same nodes; that saves a pass over all edges. */
static bool page_from_search(struct search *s)
{
    struct graph *g = s->g;
    AUTO(vec_done) struct vec todo = { 0 };

    for (u32 i = 0; i < s->tail; i++)
        graph_flag(g, s->queue[i], GRAPH_PAGE);
    for (size_t i = 0; i < s->skipped.len; i++)
        if (!mark_begin(g, &todo, s->skipped.at[i]))
            return false;
    return mark(g, &todo);
}

static bool page_mark(struct search *s)
{
    struct graph *g = s->g;
    AUTO(vec_done) struct vec todo = { 0 };
    u32 from = g->first_edge[g->root], to = g->first_edge[g->root + 1];
    bool same = true;

    for (u32 e = from; e < to; e++)
        if (is_page_entry(g, g->edge[e])) {
            u32 node = graph_target(g->edge[e]);

            same &= owners_is_user_root(g, node);
            if (!mark_begin(g, &todo, node))
                return false;
        }
    for (u32 e = from; e < to; e++) {
        u32 node = graph_target(g->edge[e]);

        if (owners_is_user_root(g, node) && !(g->flags[node] & GRAPH_PAGE))
            same = false;
    }
    return same ? page_from_search(s) : mark(g, &todo);
}

static bool measure(struct search *s)
{
    struct graph *g = s->g;

    for (u32 i = 0; i < g->node_count; i++)
        s->distance[i] = DISTANCES_NONE;
    for (u32 e = g->first_edge[g->root]; e < g->first_edge[g->root + 1]; e++) {
        u32 node = graph_target(g->edge[e]);

        if (owners_is_user_root(g, node) && s->distance[node] == DISTANCES_NONE) {
            s->distance[node] = 1;
            s->queue[s->tail++] = node;
        }
    }
    bool users = s->tail > 0;

    if (!pairs_find(s) || !search_run(s) || !page_mark(s))
        return false;
    s->distance[g->root] = users ? DISTANCES_SYSTEM : 0;
    s->queue[0] = g->root;
    s->head = 0;
    s->tail = 1;
    return search_run(s);
}

int distances_measure(struct graph *g, int32_t *distance)
{
    struct search s = { .g = g, .distance = distance };
    u64 bytes = ((u64)g->node_count + 1) * sizeof(u32);
    bool fine;

    s.queue = pages_take(bytes);
    fine = s.queue && measure(&s);
    pages_give(s.queue, bytes);
    free(s.met);
    free(s.pair_first);
    vec_done(&s.skipped);
    return fine ? 0 : -ENOMEM;
}
