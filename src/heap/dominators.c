/* heap/dominators.c -- depth-first numbers, predecessors, Lengauer-Tarjan, sizes */
#include "heap/dominators.h"

#include "base/pages.h"
#include "heap/vec.h"

#define NONE UINT32_MAX

/* dfnum[node] is 1 + its number, 0: not reached; vertex[number] the node. */
struct walk {
    struct graph *g;
    u32 *dfnum, *vertex, *parent, *next;
    u32 count;
};

static u32 *take(u64 count)
{
    return pages_take(count * sizeof(u32));
}

static void give(u32 **array, u64 count)
{
    pages_give(*array, count * sizeof(u32));
    *array = NULL;
}

/* Whether an edge retains its target; `page`: the source's flag. */
static inline bool counts(const struct graph *g, u32 edge, u32 source, u8 page)
{
    u32 to = graph_target(edge);
    enum edge_type type = graph_edge_type(edge);

    if (edge & GRAPH_IDLE || type == EDGE_WEAK || to == source)
        return false;
    return source == g->root || (type != EDGE_SHORTCUT && (page || !(g->flags[to] & GRAPH_PAGE)));
}

/* Looks at an edge once for all: marks it when it does not count, and counts retainers. */
static inline bool examine(struct graph *g, u32 e, u32 source, u8 page)
{
    u32 edge = g->edge[e];
    u8 *flags = &g->flags[graph_target(edge)];

    *flags |= *flags & GRAPH_RETAINED ? GRAPH_SHARED : GRAPH_RETAINED;
    if (counts(g, edge, source, page))
        return true;
    g->edge[e] = edge | GRAPH_IDLE;
    return false;
}

static inline u32 enter(struct walk *w, u32 node, u32 parent)
{
    u32 number = w->count++;

    w->dfnum[node] = number + 1;
    w->vertex[number] = node;
    w->parent[number] = parent;
    w->next[number] = w->g->first_edge[node];
    return number;
}

/* Everything that can be reached from `start` and was not yet, in the order of edges. */
static void descend(struct walk *w, u32 start, u32 parent)
{
    struct graph *g = w->g;
    u32 first = enter(w, start, parent), at = first;

    for (;;) {
        u32 node = w->vertex[at], e = w->next[at], end = g->first_edge[node + 1];
        u8 page = g->flags[node] & GRAPH_PAGE;
        u32 child = NONE;

        for (; e < end; e++) {
            if (!examine(g, e, node, page))
                continue;
            child = graph_target(g->edge[e]);
            if (!w->dfnum[child])
                break;
            child = NONE;
        }
        if (child != NONE) {
            w->next[at] = e + 1;
            at = enter(w, child, at);
        } else if (at == first) {
            return;
        } else {
            at = w->parent[at];
        }
    }
}

/* What the root does not reach: first what is held by nothing but weak edges, with all that hangs
 * on it; then, one by one, those that hold each other. DevTools hangs both under the root. */
static int orphans(struct walk *w)
{
    struct graph *g = w->g;
    u32 n = g->node_count;
    u8 *held;

    if (w->count == n)
        return 0;
    held = pages_take_zeroed(n);
    if (!held)
        return -ENOMEM;
    for (u32 i = 0; i < n; i++) {
        u8 page = g->flags[i] & GRAPH_PAGE;

        if (w->dfnum[i])
            continue;
        for (u32 e = g->first_edge[i]; e < g->first_edge[i + 1]; e++)
            if (counts(g, g->edge[e], i, page))
                held[graph_target(g->edge[e])] = 1;
    }
    for (u32 i = 0; i < n; i++)
        if (!w->dfnum[i] && !held[i])
            descend(w, i, 0);
    pages_give(held, n);
    for (u32 i = 0; i < n; i++) {
        u8 page = g->flags[i] & GRAPH_PAGE;

        if (w->dfnum[i])
            continue;
        enter(w, i, 0);
        for (u32 e = g->first_edge[i]; e < g->first_edge[i + 1]; e++)
            (void)examine(g, e, i, page);
    }
    return 0;
}

int dominators_begin(struct dominators *d, struct graph *g)
{
    u64 n = g->node_count;
    struct walk w = { .g = g,
                      .dfnum = pages_take_zeroed(n * sizeof(u32)),
                      .vertex = take(n),
                      .parent = take(n),
                      .next = take(n) };
    int r = -ENOMEM;

    *d = (struct dominators){ .node_count = g->node_count, .root = g->root };
    if (w.dfnum && w.vertex && w.parent && w.next) {
        descend(&w, g->root, 0);
        d->unreachable = g->node_count - w.count;
        r = orphans(&w);
    }
    give(&w.next, n);
    /* The order of nodes can be had from their numbers again. */
    give(&w.vertex, n);
    d->depth_first = w.dfnum;
    d->parent = w.parent;
    return r;
}

/* Predecessors of each number in one array: those of w are at[first[w]] … at[first[w + 1] - 1]. */
struct predecessors {
    u32 *first, *at;
    u64 count;
};

static int predecessors_find(struct predecessors *p, const struct graph *g, const u32 *dfnum)
{
    u64 n = g->node_count, sum = 0;

    p->first = pages_take_zeroed((n + 1) * sizeof(u32));
    if (!p->first)
        return -ENOMEM;
    for (u32 e = 0; e < g->edge_count; e++)
        if (!(g->edge[e] & GRAPH_IDLE))
            p->first[dfnum[graph_target(g->edge[e])] - 1]++;
    for (u64 i = 0; i <= n; i++) {
        u32 count = p->first[i];

        p->first[i] = (u32)sum;
        sum += i < n ? count : 0;
    }
    p->count = sum;
    p->at = take(sum);
    if (!p->at)
        return -ENOMEM;
    for (u32 i = 0; i < n; i++) {
        u32 source = dfnum[i] - 1;

        for (u32 e = g->first_edge[i]; e < g->first_edge[i + 1]; e++)
            if (!(g->edge[e] & GRAPH_IDLE))
                p->at[p->first[dfnum[graph_target(g->edge[e])] - 1]++] = source;
    }
    /* Each first is now the next one's: back by one place. */
    memmove(p->first + 1, p->first, n * sizeof(u32));
    p->first[0] = 0;
    return 0;
}

static void predecessors_done(struct predecessors *p, u64 n)
{
    give(&p->first, n + 1);
    give(&p->at, p->count);
}

/* The forest of the algorithm: nodes from `linked` on have their ancestor, in the array of parents.
 */
struct forest {
    u32 *ancestor, *label, *semi;
    u32 linked;
    struct vec path;
    bool failed;
};

/* Notes the way from v to the last node before the root of its tree. */
static void path_find(struct forest *f, u32 v)
{
    f->path.len = 0;
    for (; f->ancestor[v] >= f->linked; v = f->ancestor[v])
        if (!vec_push(&f->path, v)) {
            f->failed = true;
            return;
        }
}

/* The node with the smallest semidominator between v and the root of its tree. */
static inline u32 evaluate(struct forest *f, u32 v)
{
    u32 *anc = f->ancestor;

    if (v < f->linked)
        return v;
    if (anc[v] >= f->linked) {
        path_find(f, v);
        while (f->path.len) {
            u32 w = vec_pop(&f->path), a = anc[w];

            if (f->semi[f->label[a]] < f->semi[f->label[w]])
                f->label[w] = f->label[a];
            anc[w] = anc[a];
        }
    }
    return f->label[v];
}

/* dom[] of numbers; NULL: out of memory. `bucket` lists are kept in dom itself until its value is
 * known. */
static u32 *lengauer_tarjan(const struct predecessors *p, u32 *parent, u32 n)
{
    struct forest f = { .ancestor = parent, .label = take(n), .semi = take(n), .linked = n };
    u32 *dom = take(n), *bucket = take(n);
    bool fine = f.label && f.semi && dom && bucket;

    for (u32 i = 0; fine && i < n; i++) {
        f.label[i] = f.semi[i] = i;
        bucket[i] = NONE;
    }
    if (fine)
        dom[0] = 0;
    for (u32 w = n; fine && w-- > 1;) {
        u32 semi = w, up = parent[w];
        u32 from = p->first[w], to = p->first[w + 1];

        if (from == to)
            semi = 0;
        for (u32 i = from; i < to; i++) {
            u32 s = f.semi[evaluate(&f, p->at[i])];

            semi = min(semi, s);
        }
        f.semi[w] = semi;
        dom[w] = bucket[semi];
        bucket[semi] = w;
        f.linked = w;
        for (u32 v = bucket[up], next; v != NONE; v = next) {
            u32 u = evaluate(&f, v);

            next = dom[v];
            dom[v] = f.semi[u] < f.semi[v] ? u : up;
        }
        bucket[up] = NONE;
        fine = !f.failed;
    }
    /* Those that only hold each other are in nobody's bucket that was emptied: the root's. */
    for (u32 i = 0; fine && i < n; i++)
        for (u32 v = bucket[i], next; v != NONE; v = next) {
            next = dom[v];
            dom[v] = 0;
        }
    for (u32 w = 1; fine && w < n; w++)
        if (dom[w] != f.semi[w])
            dom[w] = dom[dom[w]];
    if (!fine)
        give(&dom, n);
    give(&f.label, n);
    give(&f.semi, n);
    give(&bucket, n);
    vec_done(&f.path);
    return dom;
}

/* Nodes by number, out of their numbers. */
static u32 *vertices(u32 **dfnum, u32 n)
{
    u32 *vertex = take(n);

    for (u32 i = 0; vertex && i < n; i++)
        vertex[(*dfnum)[i] - 1] = i;
    give(dfnum, n);
    return vertex;
}

static int retain(struct dominators *d, const struct graph *g, const u32 *dom, const u32 *vertex)
{
    u32 n = d->node_count;

    d->retained = pages_take((u64)n * sizeof(u64));
    d->dominator = take(n);
    if (!d->retained || !d->dominator)
        return -ENOMEM;
    for (u32 i = 0; i < n; i++)
        d->retained[i] = graph_self_size(g, i);
    for (u32 i = n; i-- > 1;)
        d->retained[vertex[dom[i]]] += d->retained[vertex[i]];
    for (u32 i = 0; i < n; i++)
        d->dominator[vertex[i]] = vertex[dom[i]];
    return 0;
}

/* The preorder: a node stands before its subtree, behind those of the siblings with smaller
 * numbers. */
static int arrange(struct dominators *d, const u32 *dom, const u32 *vertex)
{
    u32 n = d->node_count, *size = take(n), *at = take(n);
    int r = -ENOMEM;

    d->order = take(n);
    d->size = take(n);
    if (!size || !at || !d->order || !d->size)
        goto out;
    for (u32 i = 0; i < n; i++)
        size[i] = 1;
    for (u32 i = n; i-- > 1;)
        size[dom[i]] += size[i];
    /* at[i]: where the next child of i goes, that is, behind i at first. */
    for (u32 i = 0; i < n; i++) {
        u32 mine = i ? at[dom[i]] : 0;

        if (i)
            at[dom[i]] += size[i];
        at[i] = mine + 1;
        d->order[mine] = vertex[i];
        d->size[mine] = size[i];
    }
    r = 0;
out:
    give(&size, n);
    give(&at, n);
    return r;
}

int dominators_finish(struct dominators *d, struct graph *g, bool drop_edges)
{
    struct predecessors p = { 0 };
    u32 n = d->node_count, *dom = NULL, *vertex = NULL;
    int r = predecessors_find(&p, g, d->depth_first);

    if (drop_edges)
        graph_edges_done(g);
    if (!r)
        dom = lengauer_tarjan(&p, d->parent, n);
    predecessors_done(&p, n);
    give(&d->parent, n);
    if (dom)
        vertex = vertices(&d->depth_first, n);
    if (!r)
        r = vertex ? retain(d, g, dom, vertex) : -ENOMEM;
    if (!r)
        r = arrange(d, dom, vertex);
    give(&dom, n);
    give(&vertex, n);
    give(&d->depth_first, n);
    return r;
}

void dominators_done(struct dominators *d)
{
    u64 n = d->node_count;

    give(&d->dominator, n);
    give(&d->order, n);
    give(&d->size, n);
    give(&d->depth_first, n);
    give(&d->parent, n);
    pages_give(d->retained, n * sizeof(u64));
    *d = (struct dominators){ 0 };
}

u32 *dominators_positions(const struct dominators *d)
{
    u32 *pos = take(d->node_count);

    for (u32 i = 0; pos && i < d->node_count; i++)
        pos[d->order[i]] = i;
    return pos;
}

void dominators_positions_done(const struct dominators *d, u32 *pos)
{
    pages_give(pos, (u64)d->node_count * sizeof(u32));
}
