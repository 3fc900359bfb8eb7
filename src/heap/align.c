/* heap/align.c -- which object of one snapshot is which of another, without ids */
#include "heap/align.h"

#include "base/pages.h"

enum {
    LABEL_BYTES = 128,   /* of a text that count */
    CHUNK_EDGES = 65536, /* read at once */
    NEAR = 16,           /* edges that are looked at in order before a table is made */
    PROBES_MAX = 64,     /* of one label: a file may have a million edges of one name */
};

/* A graph with its texts as numbers that are the same in another file. */
struct side {
    const struct graph *g;
    u32 *text;  /* by string: a hash */
    u32 *label; /* by edge: of its type and its name or index */
};

struct walk {
    struct side a, b; /* the earlier one, the last one */
    u32 *partner;     /* of the earlier one's nodes */
    u8 *taken;        /* of the last one's nodes */
    u32 *queue, head, tail;
    u32 *place, mask; /* labels of one node's edges: open addressing, 1 + edge */
};

static u32 hash_of(struct str s)
{
    u32 hash = 2166136261u;

    for (size_t i = 0; i < s.len; i++)
        hash = (hash ^ (u8)s.ptr[i]) * 16777619u;
    return hash;
}

static int texts_read(struct side *s)
{
    struct strtab_reader reader = { .t = &s->g->strings };
    AUTO(buf_done) struct buf text = { 0 };
    int r = 0;

    s->text = pages_take(((u64)s->g->strings.count + 1) * sizeof(u32));
    if (!s->text)
        return -ENOMEM;
    for (u32 i = 0; !r && i < s->g->strings.count; i++) {
        buf_clear(&text);
        if (!strtab_text(&reader, i, &text, LABEL_BYTES))
            r = -EIO;
        s->text[i] = hash_of(buf_str(&text));
    }
    strtab_reader_done(&reader);
    return r;
}

static int labels_read(struct side *s)
{
    const struct graph *g = s->g;
    AUTO(freep) struct graph_edge *edge = malloc(CHUNK_EDGES * sizeof(*edge));
    int r = 0;

    s->label = pages_take(((u64)g->edge_count + 1) * sizeof(u32));
    if (!s->label || !edge)
        return -ENOMEM;
    for (u32 first = 0, count; !r && first < g->edge_count; first += count) {
        count = min(g->edge_count - first, (u32)CHUNK_EDGES);
        r = graph_edges(g, first, count, edge);
        for (u32 i = 0; !r && i < count; i++) {
            bool indexed = graph_edge_is_indexed(edge[i].type);
            u32 name = indexed                           ? edge[i].name * 0x9E3779B1u
                       : edge[i].name < g->strings.count ? s->text[edge[i].name]
                                                         : 0;

            s->label[first + i] = name * 8 + edge[i].type;
        }
    }
    return r;
}

static int side_read(struct side *s, const struct graph *g)
{
    int r;

    s->g = g;
    r = texts_read(s);
    return r ? r : labels_read(s);
}

static void side_done(struct side *s)
{
    if (!s->g)
        return;
    pages_give(s->text, ((u64)s->g->strings.count + 1) * sizeof(u32));
    pages_give(s->label, ((u64)s->g->edge_count + 1) * sizeof(u32));
}

/* Texts and code have names that say what they are, not of what class. */
static bool is_alike(const struct walk *w, u32 a, u32 b)
{
    enum node_type type = graph_type(w->a.g, a);

    if (type != graph_type(w->b.g, b))
        return false;
    return (type != NODE_OBJECT && type != NODE_CLOSURE && type != NODE_NATIVE &&
            type != NODE_SYNTHETIC) ||
           w->a.text[w->a.g->name[a]] == w->b.text[w->b.g->name[b]];
}

static bool counts(u32 edge)
{
    return !(edge & GRAPH_IDLE) && graph_edge_type(edge) != EDGE_WEAK;
}

static bool pair(struct walk *w, u32 edge_a, u32 edge_b)
{
    u32 a = graph_target(w->a.g->edge[edge_a]), b = graph_target(w->b.g->edge[edge_b]);

    if (!counts(w->b.g->edge[edge_b]) || w->partner[a] != ALIGN_NONE || w->taken[b] ||
        !is_alike(w, a, b))
        return false;
    w->partner[a] = b;
    w->taken[b] = 1;
    w->queue[w->tail++] = a;
    return true;
}

/* Entries of tables, in order; what is of another kind is passed over. */
static void pair_in_order(struct walk *w, u32 a, u32 b)
{
    u32 e = w->a.g->first_edge[a], end = w->a.g->first_edge[a + 1];
    u32 f = w->b.g->first_edge[b], end_b = w->b.g->first_edge[b + 1];

    for (; e < end && f < end_b; e++) {
        if (!counts(w->a.g->edge[e]))
            continue;
        for (u32 k = f; k < end_b && k < f + NEAR; k++)
            if (pair(w, e, k)) {
                f = k + 1;
                break;
            }
    }
}

/* The edges of b by label. False: no memory, or none are needed. */
static bool table_fill(struct walk *w, u32 b)
{
    u32 first = w->b.g->first_edge[b], end = w->b.g->first_edge[b + 1], cap = 64;

    while (cap < (end - first) * 2)
        cap *= 2;
    if (cap > w->mask + 1 || !w->place) {
        free(w->place);
        w->place = malloc((u64)cap * sizeof(u32));
        w->mask = cap - 1;
    }
    if (!w->place)
        return false;
    memset(w->place, 0, ((u64)w->mask + 1) * sizeof(u32));
    for (u32 e = first; e < end; e++) {
        u32 i = w->b.label[e] * 0x9E3779B1u & w->mask;

        for (u32 k = 0; k < PROBES_MAX && w->place[i]; k++)
            i = (i + 1) & w->mask;
        if (!w->place[i])
            w->place[i] = e + 1;
    }
    return true;
}

static void pair_by_table(struct walk *w, u32 e)
{
    u32 label = w->a.label[e], i = label * 0x9E3779B1u & w->mask;

    for (u32 k = 0; k < PROBES_MAX && w->place[i]; k++, i = (i + 1) & w->mask)
        if (w->b.label[w->place[i] - 1] == label && pair(w, e, w->place[i] - 1))
            return;
}

/* Mostly both have the same edges in the same order. */
static void pair_by_label(struct walk *w, u32 a, u32 b)
{
    const u32 *label = w->b.label;
    u32 f = w->b.g->first_edge[b], end = w->b.g->first_edge[b + 1];
    bool filled = false;

    for (u32 e = w->a.g->first_edge[a]; e < w->a.g->first_edge[a + 1]; e++) {
        u32 k = f;

        if (!counts(w->a.g->edge[e]))
            continue;
        while (k < end && k < f + NEAR && label[k] != w->a.label[e])
            k++;
        if (k < end && label[k] == w->a.label[e]) {
            (void)pair(w, e, k);
            f = k + 1;
        } else if (end - w->b.g->first_edge[b] > NEAR) {
            filled = filled || table_fill(w, b);
            if (filled)
                pair_by_table(w, e);
        }
    }
}

static void walk(struct walk *w, u32 *matched)
{
    u32 root = w->a.g->root;

    w->partner[root] = w->b.g->root;
    w->taken[w->b.g->root] = 1;
    w->queue[w->tail++] = root;
    while (w->head < w->tail) {
        u32 a = w->queue[w->head++], b = w->partner[a];

        if (graph_type(w->a.g, a) == NODE_ARRAY)
            pair_in_order(w, a, b);
        else
            pair_by_label(w, a, b);
    }
    *matched = w->tail;
}

int align_find(const struct graph *earlier, const struct graph *last, u32 *partner, u32 *matched)
{
    struct walk w = { .partner = partner,
                      .taken = pages_take_zeroed(last->node_count),
                      .queue = pages_take((u64)earlier->node_count * sizeof(u32)) };
    int r = w.taken && w.queue ? side_read(&w.a, earlier) : -ENOMEM;

    if (!r)
        r = side_read(&w.b, last);
    memset(partner, 0xff, (u64)earlier->node_count * sizeof(u32));
    if (!r)
        walk(&w, matched);
    side_done(&w.a);
    side_done(&w.b);
    pages_give(w.taken, last->node_count);
    pages_give(w.queue, (u64)earlier->node_count * sizeof(u32));
    free(w.place);
    return r;
}
