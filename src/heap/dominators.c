/* heap/dominators.c -- depth-first numbers, predecessors, Lengauer-Tarjan, sizes */
#include "heap/dominators.h"

#include "base/pages.h"
#include "heap/vec.h"

#define NONE UINT32_MAX
enum { AHEAD = 16 }; /* predecessors that memory is asked for in advance */

#define REACHED_NUMBER ((1u << 28) - 1)
#define REACHED_PAGE (1u << 31)     /* GRAPH_PAGE */
#define REACHED_RETAINED (1u << 30) /* by any edge */
#define REACHED_SHARED (1u << 29)   /* by two */

/* vertex[number] is the node. */
struct walk {
    struct graph *g;
    struct dominators_reached *reached;
    u32 *vertex, *parent, *next;
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

static inline bool is_reached(const struct walk *w, u32 node)
{
    return w->reached[node].number & REACHED_NUMBER;
}

/* Whether an edge retains its target. `page`: the source's bit; `to`: what is known of the target.
 */
static inline bool counts(const struct graph *g, u32 edge, u32 source, u32 page, u32 to)
{
    enum edge_type type = graph_edge_type(edge);

    if (edge & GRAPH_IDLE || type == EDGE_WEAK || graph_target(edge) == source)
        return false;
    return source == g->root || (type != EDGE_SHORTCUT && (page || !(to & REACHED_PAGE)));
}

/* Looks at an edge once for all: marks it when it does not count, and counts retainers. */
static inline bool examine(struct walk *w, u32 e, u32 source, u32 page)
{
    u32 edge = w->g->edge[e];
    struct dominators_reached *to = &w->reached[graph_target(edge)];

    if (!(to->number & REACHED_SHARED))
        to->number |= to->number & REACHED_RETAINED ? REACHED_SHARED : REACHED_RETAINED;
    if (counts(w->g, edge, source, page, to->number)) {
        to->slot++;
        return true;
    }
    w->g->edge[e] = edge | GRAPH_IDLE;
    return false;
}

static inline u32 enter(struct walk *w, u32 node, u32 parent)
{
    u32 number = w->count++;

    w->reached[node].number |= number + 1;
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
        u32 page = w->reached[node].number & REACHED_PAGE, child = NONE;

        for (; e < end; e++) {
            if (!examine(w, e, node, page))
                continue;
            child = graph_target(g->edge[e]);
            if (!is_reached(w, child))
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
        u32 page = w->reached[i].number & REACHED_PAGE;

        if (is_reached(w, i))
            continue;
        for (u32 e = g->first_edge[i]; e < g->first_edge[i + 1]; e++)
            if (counts(g, g->edge[e], i, page, w->reached[graph_target(g->edge[e])].number))
                held[graph_target(g->edge[e])] = 1;
    }
    for (u32 i = 0; i < n; i++)
        if (!is_reached(w, i) && !held[i])
            descend(w, i, 0);
    pages_give(held, n);
    for (u32 i = 0; i < n; i++) {
        u32 page = w->reached[i].number & REACHED_PAGE;

        if (is_reached(w, i))
            continue;
        enter(w, i, 0);
        for (u32 e = g->first_edge[i]; e < g->first_edge[i + 1]; e++)
            (void)examine(w, e, i, page);
    }
    return 0;
}

/* Flags go back to the graph; counts of edges become places among them, in the order of numbers. */
static void walk_finish(struct walk *w, struct dominators *d)
{
    struct graph *g = w->g;
    u32 n = g->node_count;
    u64 sum = 0;

    for (u32 i = 0; i < n; i++) {
        struct dominators_reached *r = &w->reached[w->vertex[i]];
        u32 count = r->slot;

        r->slot = (u32)sum;
        sum += count;
    }
    for (u32 i = 0; i < n; i++) {
        u32 bits = w->reached[i].number;

        w->reached[i].number = (bits & REACHED_NUMBER) - 1;
        g->flags[i] |= (bits & REACHED_RETAINED ? GRAPH_RETAINED : 0) |
                       (bits & REACHED_SHARED ? GRAPH_SHARED : 0);
    }
    d->retaining = sum;
}

int dominators_begin(struct dominators *d, struct graph *g)
{
    u64 n = g->node_count;
    struct walk w = { .g = g,
                      .reached = pages_take(n * sizeof(struct dominators_reached)),
                      .vertex = take(n),
                      .parent = take(n),
                      .next = take(n) };
    int r = -ENOMEM;

    *d = (struct dominators){ .node_count = g->node_count, .root = g->root };
    if (w.reached && w.vertex && w.parent && w.next) {
        for (u32 i = 0; i < n; i++)
            w.reached[i] =
                (struct dominators_reached){ g->flags[i] & GRAPH_PAGE ? REACHED_PAGE : 0, 0 };
        descend(&w, g->root, 0);
        d->unreachable = g->node_count - w.count;
        r = orphans(&w);
    }
    if (!r)
        walk_finish(&w, d);
    /* The order of nodes can be had from their numbers again. */
    give(&w.vertex, n);
    give(&w.next, n);
    d->reached = w.reached;
    d->parent = w.parent;
    return r;
}

static void reached_done(struct dominators *d)
{
    pages_give(d->reached, (u64)d->node_count * sizeof(struct dominators_reached));
    d->reached = NULL;
}

/* All edges that count, by the number that they lead to: the numbers that they come from. Each
 * node's slot is behind its own then. NULL: out of memory. */
static u32 *predecessors_find(struct dominators *d, const struct graph *g)
{
    struct dominators_reached *reached = d->reached;
    u32 *at = take(d->retaining);

    for (u32 i = 0; at && i < d->node_count; i++)
        for (u32 e = g->first_edge[i]; e < g->first_edge[i + 1]; e++)
            if (!(g->edge[e] & GRAPH_IDLE))
                at[reached[graph_target(g->edge[e])].slot++] = reached[i].number;
    return at;
}

/* Splits what is known of nodes: *number[node], and *first[number], where its predecessors begin.
 */
static bool numbers_split(struct dominators *d, u32 **number, u32 **first)
{
    u32 n = d->node_count;

    *number = take(n);
    *first = take((u64)n + 1);
    if (!*number || !*first)
        return false;
    (*first)[0] = 0;
    for (u32 i = 0; i < n; i++) {
        (*number)[i] = d->reached[i].number;
        (*first)[d->reached[i].number + 1] = d->reached[i].slot;
    }
    reached_done(d);
    return true;
}

/* A number in the forest of the algorithm. From `linked` on they have an ancestor. */
struct vertex {
    u32 ancestor; /* its parent at first, and what paths are compressed to */
    u32 label;    /* the one with the smallest semidominator between it and its ancestor */
    u32 semi;     /* that semidominator; before it is linked, its own */
    u32 dom;      /* what is known of its dominator; before that, the next one in its bucket */
};

struct forest {
    struct vertex *vertex;
    u32 linked;
    struct vec path;
    bool failed;
};

/* dom: not the dominator itself, but one that has the same. */
#define SAME_AS (1u << 31)

/* Shortens the way from v to the root of its tree to one step. */
static void compress(struct forest *f, u32 v)
{
    struct vertex *x = f->vertex;

    f->path.len = 0;
    for (; x[v].ancestor >= f->linked; v = x[v].ancestor)
        if (!vec_push(&f->path, v)) {
            f->failed = true;
            return;
        }
    while (f->path.len) {
        struct vertex *low = &x[vec_pop(&f->path)], *high = &x[low->ancestor];

        if (high->semi < low->semi) {
            low->semi = high->semi;
            low->label = high->label;
        }
        low->ancestor = high->ancestor;
    }
}

/* What v says of the semidominator of one with a smaller number. */
static inline u32 evaluate(struct forest *f, u32 v)
{
    if (v < f->linked)
        return v;
    if (f->vertex[v].ancestor >= f->linked)
        compress(f, v);
    return f->vertex[v].semi;
}

static bool forest_init(struct forest *f, u32 **parent, u32 n)
{
    f->vertex = pages_take((u64)n * sizeof(struct vertex));
    for (u32 i = 0; f->vertex && i < n; i++)
        f->vertex[i] = (struct vertex){ (*parent)[i], i, i, 0 };
    give(parent, n);
    return f->vertex;
}

/* The dominators of those in the bucket of `up`, as far as they can be told now. */
static void bucket_empty(struct forest *f, u32 *bucket, u32 up)
{
    struct vertex *x = f->vertex;

    for (u32 v = bucket[up], next; v != NONE; v = next) {
        next = x[v].dom;
        /* Their semidominator is `up`. */
        x[v].dom = evaluate(f, v) < up ? x[v].label | SAME_AS : up;
    }
    bucket[up] = NONE;
}

/* dom of each number. */
static bool link_all(struct forest *f, const u32 *first, const u32 *at, u32 *bucket, u32 n)
{
    struct vertex *x = f->vertex;

    for (u32 w = n; w-- > 1;) {
        u32 semi = w, up = x[w].ancestor;

        if (first[w] == first[w + 1])
            semi = 0;
        for (u32 i = first[w + 1]; i-- > first[w];) {
            /* The next ones stand before these, other nodes' included: they are wanted soon. */
            if (i >= AHEAD && at[i - AHEAD] >= w)
                __builtin_prefetch(&x[at[i - AHEAD]]);
            semi = min(semi, evaluate(f, at[i]));
        }
        x[w].semi = semi;
        x[w].dom = bucket[semi];
        bucket[semi] = w;
        f->linked = w;
        bucket_empty(f, bucket, up);
        if (f->failed)
            return false;
    }
    /* Those that only hold each other are in nobody's bucket that was emptied: the root's. */
    for (u32 i = 0; i < n; i++)
        for (u32 v = bucket[i], next; v != NONE; v = next) {
            next = x[v].dom;
            x[v].dom = 0;
        }
    x[0].dom = 0;
    for (u32 w = 1; w < n; w++)
        if (x[w].dom & SAME_AS)
            x[w].dom = x[x[w].dom & ~SAME_AS].dom;
    return true;
}

/* dom[] of numbers; NULL: out of memory. Gives *parent back. */
static u32 *lengauer_tarjan(const u32 *first, const u32 *at, u32 **parent, u32 n)
{
    struct forest f = { .linked = n };
    u32 *bucket = NULL, *dom = NULL;

    if (forest_init(&f, parent, n))
        bucket = take(n);
    if (bucket) {
        memset(bucket, 0xff, n * sizeof(u32));
        if (link_all(&f, first, at, bucket, n)) {
            dom = TAKE(bucket, NULL);
            for (u32 i = 0; i < n; i++)
                dom[i] = f.vertex[i].dom;
        }
    }
    give(&bucket, n);
    pages_give(f.vertex, (u64)n * sizeof(struct vertex));
    vec_done(&f.path);
    return dom;
}

/* Nodes by number, out of their numbers. */
static u32 *vertices(u32 **number, u32 n)
{
    u32 *vertex = take(n);

    for (u32 i = 0; vertex && i < n; i++)
        vertex[(*number)[i]] = i;
    give(number, n);
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
    u32 n = d->node_count, *at = predecessors_find(d, g);
    u32 *number = NULL, *first = NULL, *dom = NULL, *vertex = NULL;
    int r = -ENOMEM;

    if (drop_edges)
        graph_edges_done(g);
    if (at && numbers_split(d, &number, &first))
        dom = lengauer_tarjan(first, at, &d->parent, n);
    give(&at, d->retaining);
    give(&first, (u64)n + 1);
    give(&d->parent, n);
    if (dom)
        vertex = vertices(&number, n);
    if (vertex)
        r = retain(d, g, dom, vertex);
    if (!r)
        r = arrange(d, dom, vertex);
    give(&dom, n);
    give(&vertex, n);
    give(&number, n);
    reached_done(d);
    return r;
}

void dominators_done(struct dominators *d)
{
    u64 n = d->node_count;

    give(&d->dominator, n);
    give(&d->order, n);
    give(&d->size, n);
    give(&d->parent, n);
    reached_done(d);
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
