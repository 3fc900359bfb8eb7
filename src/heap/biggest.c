/* heap/biggest.c -- the largest entries first, then arranged as a tree */
#include "heap/biggest.h"

enum { GROUP_FROM = 8 }; /* siblings of one class that make one entry */
#define NONE UINT32_MAX

struct frontier {
    const struct classes *c;
    const struct dominators *d;
    u32 *position;
    struct biggest *entry; /* all that were met */
    u32 entries, cap;
    u32 *heap; /* entries not yet chosen, the largest on top */
    u32 heaped;
    /* by class, for the children of one node */
    u32 *count;
    u64 *retained;
};

static bool is_before(const struct frontier *f, u32 a, u32 b)
{
    const struct biggest *x = &f->entry[a], *y = &f->entry[b];

    return x->retained != y->retained ? x->retained > y->retained : a < b;
}

static bool push(struct frontier *f, struct biggest entry)
{
    u32 at;

    if (f->entries == f->cap) {
        u32 cap = f->cap ? f->cap * 2 : 256;
        struct biggest *more = realloc(f->entry, cap * sizeof(*more));
        u32 *heap;

        if (!more)
            return false;
        f->entry = more;
        heap = realloc(f->heap, cap * sizeof(u32));
        if (!heap)
            return false;
        f->heap = heap;
        f->cap = cap;
    }
    f->entry[f->entries] = entry;
    at = f->heaped++;
    f->heap[at] = f->entries++;
    while (at && is_before(f, f->heap[at], f->heap[(at - 1) / 2])) {
        u32 up = (at - 1) / 2, x = f->heap[at];

        f->heap[at] = f->heap[up];
        f->heap[up] = x;
        at = up;
    }
    return true;
}

static u32 pop(struct frontier *f)
{
    u32 top = f->heap[0], at = 0;

    f->heap[0] = f->heap[--f->heaped];
    for (;;) {
        u32 first = at, left = 2 * at + 1;

        for (u32 i = left; i < left + 2 && i < f->heaped; i++)
            if (is_before(f, f->heap[i], f->heap[first]))
                first = i;
        if (first == at)
            return top;
        u32 x = f->heap[at];

        f->heap[at] = f->heap[first];
        f->heap[first] = x;
        at = first;
    }
}

/* The children of a node become entries: each by itself, or, of a class with many, all as one. */
static bool expand(struct frontier *f, u32 node, u32 parent, u32 depth)
{
    const struct dominators *d = f->d;
    u32 at = f->position[node], end = at + d->size[at];
    bool fine = true;

    for (u32 i = at + 1; i < end; i += d->size[i]) {
        u32 class = classes_of(f->c, d->order[i]);

        f->count[class]++;
        f->retained[class] += d->retained[d->order[i]];
    }
    for (u32 i = at + 1; i < end; i += d->size[i]) {
        u32 child = d->order[i], class = classes_of(f->c, child), count = f->count[class];

        if (!count)
            continue;
        if (count < GROUP_FROM) {
            if (d->retained[child])
                fine &=
                    push(f, (struct biggest){ child, class, 1, parent, depth, d->retained[child] });
            continue;
        }
        fine &= push(f, (struct biggest){ child, class, count, parent, depth, f->retained[class] });
        f->count[class] = 0; /* the first of them stands for all */
    }
    for (u32 i = at + 1; i < end; i += d->size[i]) {
        u32 class = classes_of(f->c, d->order[i]);

        f->count[class] = 0;
        f->retained[class] = 0;
    }
    return fine;
}

/* Chosen entries, children behind their parents, in the order in which they were chosen. */
static struct biggest *arrange(const struct frontier *f, const u32 *chosen, u32 count)
{
    struct biggest *out = malloc((count + 1) * sizeof(*out));
    u32 *place = malloc((f->entries + 1) * sizeof(u32)), *stack = malloc((count + 1) * sizeof(u32));
    u32 *next = malloc((count + 1) * sizeof(u32)), *child = malloc((count + 1) * sizeof(u32));
    u32 n = 0, depth = 0, first = NONE;

    if (!out || !place || !stack || !next || !child) {
        free(out);
        out = NULL;
        goto done;
    }
    /* Lists of children, built from behind so that they are in order. */
    for (u32 i = 0; i < count; i++)
        place[chosen[i]] = i;
    for (u32 i = 0; i < count; i++)
        child[i] = NONE;
    for (u32 i = count; i-- > 0;) {
        u32 parent = f->entry[chosen[i]].parent;
        u32 *list = parent == NONE ? &first : &child[place[parent]];

        next[i] = *list;
        *list = i;
    }
    if (first != NONE)
        stack[depth++] = first;
    while (depth) {
        u32 i = stack[--depth];

        out[n] = f->entry[chosen[i]];
        place[chosen[i]] = n;
        if (out[n].parent != NONE)
            out[n].parent = place[out[n].parent];
        n++;
        if (next[i] != NONE)
            stack[depth++] = next[i];
        if (child[i] != NONE)
            stack[depth++] = child[i];
    }
done:
    free(place);
    free(stack);
    free(next);
    free(child);
    return out;
}

struct biggest *biggest_find(const struct classes *c, const struct dominators *d, u32 max,
                             u32 depth, u32 *count)
{
    struct frontier f = { .c = c,
                          .d = d,
                          .position = dominators_positions(d),
                          .count = calloc(c->count + 1, sizeof(u32)),
                          .retained = calloc(c->count + 1, sizeof(u64)) };
    u32 *chosen = NULL, n = 0, cap = 0;
    struct biggest *out = NULL;
    bool fine = f.position && f.count && f.retained && expand(&f, d->root, NONE, 0);

    while (fine && f.heaped && n < max) {
        u32 at = pop(&f);
        struct biggest e = f.entry[at];

        if (n == cap) {
            u32 *more = realloc(chosen, (cap = cap ? cap * 2 : 64) * sizeof(u32));

            fine = more != NULL;
            chosen = more ? more : chosen;
        }
        if (!fine)
            break;
        chosen[n++] = at;
        if (e.count == 1 && e.depth + 1 < depth)
            fine = expand(&f, e.node, at, e.depth + 1);
    }
    if (fine)
        out = arrange(&f, chosen, n);
    *count = n;
    dominators_positions_done(d, f.position);
    free(f.entry);
    free(f.heap);
    free(f.count);
    free(f.retained);
    free(chosen);
    return out;
}
