/* heap/paths.c -- best first: what is so far, and what distances say is still to go */
#include "heap/paths.h"

#include "heap/distances.h"

enum { STATES_MAX = 1 << 20 };
#define NONE UINT32_MAX

/* A way from the object to `node`, the last step of which is `edge`. */
struct state {
    u32 node, edge, before; /* before: the state it goes on from */
    u32 steps;
    u32 whole; /* steps, and what is still to go */
};

struct search {
    const struct browse *b;
    const int32_t *distance;
    struct state *state;
    u32 states, cap;
    u32 *heap; /* states, the smallest `whole` on top; of equal ones, the longest way */
    u32 heaped, heap_cap;
};

static bool is_before(const struct search *s, u32 a, u32 b)
{
    const struct state *x = &s->state[a], *y = &s->state[b];

    if (x->whole != y->whole)
        return x->whole < y->whole;
    return x->steps != y->steps ? x->steps > y->steps : a < b;
}

static int push(struct search *s, struct state state)
{
    u32 at;

    if (s->states == s->cap) {
        u32 cap = s->cap ? s->cap * 2 : 1024;
        struct state *more = realloc(s->state, cap * sizeof(*more));
        u32 *heap;

        if (!more)
            return -ENOMEM;
        s->state = more;
        heap = realloc(s->heap, cap * sizeof(u32));
        if (!heap)
            return -ENOMEM;
        s->heap = heap;
        s->cap = cap;
    }
    s->state[s->states] = state;
    at = s->heaped++;
    s->heap[at] = s->states++;
    while (at && is_before(s, s->heap[at], s->heap[(at - 1) / 2])) {
        u32 up = (at - 1) / 2, x = s->heap[at];

        s->heap[at] = s->heap[up];
        s->heap[up] = x;
        at = up;
    }
    return 0;
}

static u32 pop(struct search *s)
{
    u32 top = s->heap[0], at = 0;

    s->heap[0] = s->heap[--s->heaped];
    for (;;) {
        u32 least = at, left = 2 * at + 1;

        for (u32 i = left; i < left + 2 && i < s->heaped; i++)
            if (is_before(s, s->heap[i], s->heap[least]))
                least = i;
        if (least == at)
            return top;
        u32 x = s->heap[at];

        s->heap[at] = s->heap[least];
        s->heap[least] = x;
        at = least;
    }
}

/* Steps to the roots; V8's own are beyond everything of the app's. */
static u32 to_go(const struct search *s, u32 node)
{
    int32_t d = s->distance[node];

    return d == DISTANCES_NONE ? NONE : (u32)d;
}

static bool is_on_the_way(const struct search *s, u32 at, u32 node)
{
    for (; at != NONE; at = s->state[at].before)
        if (s->state[at].node == node)
            return true;
    return false;
}

static int expand(struct search *s, u32 at)
{
    const struct browse *b = s->b;
    u32 node = s->state[at].node;

    for (u32 i = b->first_retainer[node]; i < b->first_retainer[node + 1]; i++) {
        u32 edge = b->retainer[i], from = graph_source(b->graph, edge), left = to_go(s, from);
        struct state next = { from, edge, at, s->state[at].steps + 1, 0 };
        int r;

        if (left == NONE || is_on_the_way(s, at, from))
            continue;
        next.whole = next.steps + left;
        r = push(s, next);
        if (r)
            return r;
    }
    return 0;
}

static int keep(struct paths *p, const struct search *s, u32 at)
{
    struct path *path = &p->list[p->count];
    u32 steps = s->state[at].steps;

    path->cut = steps > PATHS_STEPS_MAX;
    path->count = min(steps, (u32)PATHS_STEPS_MAX);
    path->edge = malloc((path->count + 1) * sizeof(u32));
    if (!path->edge)
        return -ENOMEM;
    p->count++;
    for (u32 i = 0; i < steps; i++, at = s->state[at].before)
        if (i >= steps - path->count)
            path->edge[i - (steps - path->count)] = s->state[at].edge;
    return 0;
}

/* The root, or one of the app's own roots, which are as good as it. */
static bool is_there(const struct search *s, u32 node)
{
    return node == s->b->graph->root || s->distance[node] == 1;
}

int paths_find(struct paths *p, const struct browse *b, const int32_t *distance, u32 node, u32 max)
{
    struct search s = { .b = b, .distance = distance };
    int r = 0;

    *p = (struct paths){ .list = calloc(max + 1, sizeof(*p->list)) };
    if (!p->list)
        return -ENOMEM;
    if (to_go(&s, node) != NONE)
        r = push(&s, (struct state){ node, NONE, NONE, 0, to_go(&s, node) });
    while (!r && s.heaped && p->count < max) {
        u32 at = pop(&s);

        if (is_there(&s, s.state[at].node) && s.state[at].steps) {
            r = keep(p, &s, at);
        } else if (s.states >= STATES_MAX) {
            p->more = true;
            break;
        } else {
            r = expand(&s, at);
        }
    }
    free(s.state);
    free(s.heap);
    return r;
}

void paths_done(struct paths *p)
{
    for (u32 i = 0; i < p->count; i++)
        free(p->list[i].edge);
    free(p->list);
    *p = (struct paths){ 0 };
}
