/* view/treemap_page.c -- what an object holds, as areas
 *
 * The largest objects that it dominates each have an area; those that would be too small to see are
 * put together by class, and what is left is one area.
 */
#include "view/call.h"

enum {
    TILES_MAX = 60, /* objects of one level */
    TILES_INSIDE = 24,
    GROUPS_MAX = 40,
    DEPTH_MAX = 4,
    NESTED = 60, /* what is inside of one is told when it is a so-manieth of all at least */
    RETAINERS_SEEN = 64,
    ANCESTORS_MAX = 24,
    SMALLEST = 400, /* an area is at least one so-manieth of its parent's */
};

struct tile {
    u32 node;
    u64 bytes;
};

/* The largest so far: a heap with the smallest of them on top. */
struct tiles {
    struct tile at[TILES_MAX];
    u32 count, most;
};

static void sink(struct tiles *t, u32 i)
{
    for (;;) {
        u32 least = i, left = 2 * i + 1;
        struct tile kept;

        for (u32 child = left; child < left + 2 && child < t->count; child++)
            if (t->at[child].bytes < t->at[least].bytes)
                least = child;
        if (least == i)
            return;
        kept = t->at[i];
        t->at[i] = t->at[least];
        t->at[least] = kept;
        i = least;
    }
}

static void offer(struct tiles *t, u32 node, u64 bytes)
{
    u32 i;

    if (t->count == t->most) {
        if (bytes <= t->at[0].bytes)
            return;
        t->at[0] = (struct tile){ node, bytes };
        sink(t, 0);
        return;
    }
    for (i = t->count++; i && t->at[(i - 1) / 2].bytes > bytes; i = (i - 1) / 2)
        t->at[i] = t->at[(i - 1) / 2];
    t->at[i] = (struct tile){ node, bytes };
}

static int by_bytes(const void *x, const void *y)
{
    const struct tile *a = x, *b = y;

    return a->bytes != b->bytes ? a->bytes > b->bytes ? -1 : 1 : a->node < b->node ? -1 : 1;
}

/* The children of a node in the dominator tree, one after the other. */
struct children {
    const struct dominators *d;
    u32 at, end; /* in d->order */
};

static struct children children_of(const struct heapview_file *f, u32 node)
{
    u32 at = f->b.position[node];

    return (struct children){ &f->a->d, at + 1, at + f->a->d.size[at] };
}

static bool next(struct children *c, u32 *node)
{
    if (c->at >= c->end)
        return false;
    *node = c->d->order[c->at];
    c->at += c->d->size[c->at];
    return true;
}

static void tiles_find(const struct heapview_file *f, u32 node, struct tiles *t)
{
    struct children children = children_of(f, node);
    u64 least = f->a->d.retained[node] / SMALLEST;
    u32 child;

    while (next(&children, &child))
        if (f->a->d.retained[child] && f->a->d.retained[child] >= least)
            offer(t, child, f->a->d.retained[child]);
    qsort(t->at, t->count, sizeof(t->at[0]), by_bytes);
}

/* ---- what has no area of its own, by class ---- */

struct sum {
    u32 class, count;
    u64 bytes;
};

static int by_sum(const void *x, const void *y)
{
    const struct sum *a = x, *b = y;

    return a->bytes != b->bytes ? a->bytes > b->bytes ? -1 : 1 : a->class < b->class ? -1 : 1;
}

static bool shown(const struct tiles *t, u32 node)
{
    for (u32 i = 0; i < t->count; i++)
        if (t->at[i].node == node)
            return true;
    return false;
}

static void sums_write(struct call *c, struct sum *sum, u32 classes)
{
    struct sum rest = { 0 };

    qsort(sum, classes, sizeof(*sum), by_sum);
    json_key(c->out, "groups");
    buf_addc(c->out, '[');
    for (u32 i = 0; i < classes && sum[i].count; i++) {
        if (i >= GROUPS_MAX || !sum[i].bytes) {
            rest.count += sum[i].count;
            rest.bytes += sum[i].bytes;
            continue;
        }
        json_comma(c->out);
        buf_addc(c->out, '{');
        call_number(c->out, "class_id", sum[i].class);
        call_text(c->out, "class", classes_name(&c->file->a->c, sum[i].class));
        call_number(c->out, "count", sum[i].count);
        call_number(c->out, "retained_bytes", sum[i].bytes);
        buf_addc(c->out, '}');
    }
    buf_addc(c->out, ']');
    json_key(c->out, "rest");
    buf_addc(c->out, '{');
    call_number(c->out, "count", rest.count);
    call_number(c->out, "retained_bytes", rest.bytes);
    buf_addc(c->out, '}');
}

static void sums_find(struct call *c, u32 node, const struct tiles *t)
{
    const struct analysis *a = c->file->a;
    AUTO(freep) struct sum *sum = calloc(a->c.count + 1, sizeof(*sum));
    struct children children = children_of(c->file, node);
    u64 least = t->count == t->most ? t->at[t->count - 1].bytes : a->d.retained[node] / SMALLEST;
    u32 child;

    if (!sum) {
        c->out->failed = true;
        return;
    }
    for (u32 i = 0; i < a->c.count; i++)
        sum[i].class = i;
    while (next(&children, &child)) {
        struct sum *g = &sum[classes_of(&a->c, child)];

        if (a->d.retained[child] >= least && shown(t, child))
            continue;
        g->count++;
        g->bytes += a->d.retained[child];
    }
    sums_write(c, sum, a->c.count);
}

/* ---- the page ---- */

/* Member "edge": how the one that holds a node refers to it, where it does so itself. */
static void edge_write(struct call *c, u32 holder, u32 node)
{
    struct retainer by[RETAINERS_SEEN];
    u32 count = browse_retainers(&c->file->b, node, by, RETAINERS_SEEN);
    struct graph_edge e;

    for (u32 i = 0; i < count; i++) {
        if (by[i].from != holder || !browse_edge(&c->file->b, by[i].edge, &e))
            continue;
        call_edge(c, &e);
        return;
    }
}

static void tiles_write(struct call *c, u32 holder, const struct tiles *t, u64 nested, u32 depth)
{
    json_key(c->out, "children");
    buf_addc(c->out, '[');
    for (u32 i = 0; i < t->count; i++) {
        struct tiles inside = { .most = TILES_INSIDE };

        json_comma(c->out);
        buf_addc(c->out, '{');
        call_object(c, t->at[i].node);
        edge_write(c, holder, t->at[i].node);
        if (depth < DEPTH_MAX && t->at[i].bytes >= nested)
            tiles_find(c->file, t->at[i].node, &inside);
        if (inside.count)
            tiles_write(c, t->at[i].node, &inside, nested, depth + 1);
        buf_addc(c->out, '}');
    }
    buf_addc(c->out, ']');
}

/* From the root down to the node's dominator; of a longer way its end. */
static void ancestors(struct call *c, u32 node)
{
    const struct dominators *d = &c->file->a->d;
    u32 list[ANCESTORS_MAX], count = 0;

    while (node != d->root && count < ANCESTORS_MAX)
        list[count++] = node = d->dominator[node];
    json_key(c->out, "ancestors_complete");
    json_bool(c->out, node == d->root);
    json_key(c->out, "ancestors");
    buf_addc(c->out, '[');
    while (count) {
        json_comma(c->out);
        buf_addc(c->out, '{');
        call_object(c, list[--count]);
        buf_addc(c->out, '}');
    }
    buf_addc(c->out, ']');
}

u32 treemap_page(struct call *c)
{
    struct tiles t = { .most = TILES_MAX };
    struct str given;
    u32 node = c->file->a->g.root;
    u32 status = params_find(c->query, "node", &given) ? call_node(c, &node) : 0;

    if (status)
        return status;
    tiles_find(c->file, node, &t);
    buf_addc(c->out, '{');
    call_object(c, node);
    ancestors(c, node);
    tiles_write(c, node, &t, c->file->a->d.retained[node] / NESTED, 1);
    sums_find(c, node, &t);
    buf_addc(c->out, '}');
    return 0;
}
