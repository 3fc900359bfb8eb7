/* heap/fanout.c -- of what one snapshot has many in one place
 *
 * Two passes over the dominator tree, from its root down: how many visible objects each object has
 * next below it, and how many of its own class stand above it. Only where there are many are they
 * counted by class.
 */
#include "heap/fanout.h"

#include "base/pages.h"
#include "heap/browse.h"

enum { FOLLOWED = BIT(0), TOLD = BIT(1) };

struct fanout {
    const struct graph *g;
    const struct dominators *d;
    u32 *up;     /* the next visible object or context above */
    u32 *object; /* the next visible object: functions hold functions through contexts */
    u32 *below;  /* how many have this one as `up` */
    u32 *behind; /* how many of the same class in a row are above */
    u32 *first;  /* the first of that row */
    u8 *seen;    /* FOLLOWED, TOLD */
    u64 bytes_min;
};

static bool is_place(const struct graph *g, u32 node)
{
    return browse_is_visible(g, node) || browse_is_context(g, node) || node == g->root;
}

static bool is_same_class(const struct graph *g, u32 a, u32 b)
{
    enum node_type type = graph_type(g, a);

    return type == graph_type(g, b) &&
           (g->name[a] == g->name[b] || (type != NODE_OBJECT && type != NODE_CLOSURE));
}

static void fanout_count(struct fanout *f)
{
    for (u32 i = 1; i < f->g->node_count; i++) {
        u32 node = f->d->order[i], above = f->d->dominator[node], object;

        f->up[node] = above = is_place(f->g, above) ? above : f->up[above];
        f->object[node] = object = browse_is_context(f->g, above) ? f->object[above] : above;
        f->first[node] = node;
        if (!browse_is_visible(f->g, node))
            continue;
        f->below[above]++;
        if (!is_same_class(f->g, node, object))
            continue;
        f->behind[node] = f->behind[object] + 1;
        f->first[node] = f->first[object];
    }
}

/* The visible objects next below order[at]. */
static int items_count(const struct fanout *f, u32 at, struct groups *out)
{
    u32 holder = f->d->order[at];

    groups_clear(out);
    for (u32 i = at + 1, step; i < at + f->d->size[at]; i += step) {
        u32 node = f->d->order[i];
        struct group *group;

        step = 1;
        if (is_place(f->g, node))
            step = f->d->size[i];
        if (!browse_is_visible(f->g, node) || f->up[node] != holder)
            continue;
        group = groups_of(out, f->g, node);
        if (!group)
            return -ENOMEM;
        group->count[0]++;
        group->bytes += f->d->retained[node];
        groups_sample(group, node);
    }
    return 0;
}

static int side_by_side(const struct fanout *f, u32 at, struct groups *s,
                        struct growth_holders *out)
{
    int r = items_count(f, at, s);

    for (u32 i = 0; !r && i < s->count; i++) {
        const struct group *group = &s->list[i];
        struct growth_holder h = { .how = GROWTH_ITEMS,
                                   .at = f->d->order[at],
                                   .before = group->count[0],
                                   .growth_bytes = (i64)group->bytes,
                                   .retained_bytes = { 0, 0, group->bytes },
                                   .sample_count = group->sample_count };

        if (group->count[0] < FANOUT_ITEMS_MIN || group->bytes < f->bytes_min)
            continue;
        memcpy(h.samples, group->samples, sizeof(h.samples));
        if (h.at == f->g->root)
            h.how = GROWTH_ROOTS;
        growth_holders_keep(out, &h);
    }
    return r;
}

/* The row of which this is the last one, when it is long: what dominates its first one holds it. */
static void one_behind_the_other(const struct fanout *f, u32 node, struct growth_holders *out)
{
    u32 first = f->first[node];
    struct growth_holder h = { .how = GROWTH_CHAIN,
                               .at = f->d->dominator[first],
                               .before = f->behind[node] + 1,
                               .growth_bytes = (i64)f->d->retained[first],
                               .retained_bytes = { 0, 0, f->d->retained[first] },
                               .samples = { first },
                               .sample_count = 1 };

    if (f->behind[node] + 1 < FANOUT_ITEMS_MIN || f->seen[node] & FOLLOWED ||
        f->seen[first] & TOLD || f->d->retained[first] < f->bytes_min)
        return;
    f->seen[first] |= TOLD;
    growth_holders_keep(out, &h);
}

static int look(struct fanout *f, struct growth_holders *out)
{
    AUTO(groups_done) struct groups s = { 0 };
    int r = 0;

    for (u32 n = 0; n < f->g->node_count; n++)
        if (f->behind[n])
            f->seen[f->object[n]] |= FOLLOWED;
    for (u32 i = 0; !r && i < f->g->node_count; i++) {
        u32 node = f->d->order[i];

        if (f->below[node] >= FANOUT_ITEMS_MIN)
            r = side_by_side(f, i, &s, out);
        one_behind_the_other(f, node, out);
    }
    return r;
}

int fanout_find(const struct graph *g, const struct dominators *d, struct growth_holders *out)
{
    u64 bytes = (u64)g->node_count * sizeof(u32);
    struct fanout f = { .g = g,
                        .d = d,
                        .up = pages_take_zeroed(bytes),
                        .object = pages_take_zeroed(bytes),
                        .below = pages_take_zeroed(bytes),
                        .behind = pages_take_zeroed(bytes),
                        .first = pages_take_zeroed(bytes),
                        .seen = pages_take_zeroed(g->node_count),
                        .bytes_min =
                            max((u64)FANOUT_BYTES_MIN, d->retained[g->root] / FANOUT_SHARE) };
    int r = -ENOMEM;

    *out = (struct growth_holders){ 0 };
    if (f.up && f.object && f.below && f.behind && f.first && f.seen) {
        f.up[g->root] = f.object[g->root] = f.first[g->root] = g->root;
        fanout_count(&f);
        r = look(&f, out);
    }
    pages_give(f.up, bytes);
    pages_give(f.object, bytes);
    pages_give(f.below, bytes);
    pages_give(f.behind, bytes);
    pages_give(f.first, bytes);
    pages_give(f.seen, g->node_count);
    return r;
}
