/* view/object_page.c -- one object: what it is, what it refers to, what refers to it, and why it is
 * not garbage */
#include "heap/paths.h"
#include "view/call.h"

enum {
    FIELDS_SORTED_MAX = 1 << 22, /* of one object; more are told in the file's order */
    RETAINERS_MAX = 1 << 16,     /* that are looked at */
    PATH_ROWS_MAX = 200,
};

/* Parameter "node", or "id". */
static u32 node_of(struct call *c, u32 *node)
{
    const struct graph *g = &c->file->a->g;
    struct str text;
    u64 id;

    if (!params_find(c->query, "id", &text))
        return call_node(c, node);
    if (!params_number(c->query, "id", 0, UINT32_MAX, &id))
        return call_fail(c, 400, "id is the number of an object: 1234 of @1234");
    for (u32 n = 0; n < g->node_count; n++) {
        if (g->id[n] != id)
            continue;
        *node = n;
        return 0;
    }
    return call_fail(c, 404, "no object of this snapshot is @%u", (u32)id);
}

u32 object_page(struct call *c)
{
    const struct analysis *a = c->file->a;
    u32 node, status = node_of(c, &node);

    if (status)
        return status;
    buf_addc(c->out, '{');
    call_object(c, node);
    call_place(c, node);
    if (node != a->g.root) {
        json_key(c->out, "dominator");
        buf_addc(c->out, '{');
        call_object(c, a->d.dominator[node]);
        buf_addc(c->out, '}');
    }
    buf_addc(c->out, '}');
    return 0;
}

static void row_write(struct call *c, const struct graph_edge *e, u32 node)
{
    json_comma(c->out);
    buf_addc(c->out, '{');
    call_edge(c, e);
    call_object(c, node);
    buf_addc(c->out, '}');
}

/* ---- fields ---- */

/* The largest first; what does not keep its target last. */
static int by_retained(const void *x, const void *y, void *ctx)
{
    const struct analysis *a = ctx;
    u32 m = *(const u32 *)x, n = *(const u32 *)y;
    bool weak_m = graph_edge_type(a->g.edge[m]) == EDGE_WEAK;
    bool weak_n = graph_edge_type(a->g.edge[n]) == EDGE_WEAK;
    u64 p = a->d.retained[graph_target(a->g.edge[m])],
        q = a->d.retained[graph_target(a->g.edge[n])];

    if (weak_m != weak_n)
        return weak_m ? 1 : -1;
    return p != q ? p > q ? -1 : 1 : m < n ? -1 : 1;
}

static void fields_write(struct call *c, u32 *edge, u32 count, const struct call_range *range)
{
    struct analysis *a = c->file->a;

    qsort_r(edge, count, sizeof(*edge), by_retained, a);
    for (u64 i = range->offset; i < count && i < range->offset + range->limit; i++) {
        struct graph_edge e;

        if (browse_edge(&c->file->b, edge[i], &e))
            row_write(c, &e, e.to);
    }
}

static void fields_in_order(struct call *c, u32 first, u32 count, const struct call_range *range)
{
    for (u64 i = range->offset; i < count && i < range->offset + range->limit; i++) {
        struct graph_edge e;

        if (browse_edge(&c->file->b, first + (u32)i, &e))
            row_write(c, &e, e.to);
    }
}

u32 fields_page(struct call *c)
{
    const struct graph *g = &c->file->a->g;
    AUTO(freep) u32 *edge = NULL;
    struct call_range range;
    u32 node, status = call_range(c, &range), count;

    if (!status)
        status = call_node(c, &node);
    if (status)
        return status;
    count = g->first_edge[node + 1] - g->first_edge[node];
    if (count <= FIELDS_SORTED_MAX)
        edge = malloc((count + 1) * sizeof(*edge));
    for (u32 i = 0; edge && i < count; i++)
        edge[i] = g->first_edge[node] + i;
    buf_addc(c->out, '{');
    call_number(c->out, "total", count);
    json_key(c->out, "rows");
    buf_addc(c->out, '[');
    if (edge)
        fields_write(c, edge, count, &range);
    else
        fields_in_order(c, g->first_edge[node], count, &range);
    buf_add(c->out, STR("]}"));
    return 0;
}

/* ---- retainers ---- */

static int by_distance(const void *x, const void *y, void *ctx)
{
    const struct retainer *m = x, *n = y;
    const int32_t *distance = ctx;
    u32 p = (u32)distance[m->from], q = (u32)distance[n->from]; /* not reached: last */

    return p != q ? p < q ? -1 : 1 : m->edge < n->edge ? -1 : 1;
}

u32 retainers_page(struct call *c)
{
    AUTO(freep) struct retainer *list = NULL;
    struct call_range range;
    u32 node, status = call_range(c, &range), count;

    if (!status)
        status = call_node(c, &node);
    if (status)
        return status;
    list = malloc(RETAINERS_MAX * sizeof(*list));
    if (!list) {
        c->out->failed = true;
        return 0;
    }
    count = browse_retainers(&c->file->b, node, list, RETAINERS_MAX);
    qsort_r(list, count, sizeof(*list), by_distance, c->file->a->distance);
    buf_addc(c->out, '{');
    call_number(c->out, "total", count);
    json_key(c->out, "complete");
    json_bool(c->out, count < RETAINERS_MAX);
    json_key(c->out, "rows");
    buf_addc(c->out, '[');
    for (u64 i = range.offset; i < count && i < range.offset + range.limit; i++) {
        struct graph_edge e;

        if (browse_edge(&c->file->b, list[i].edge, &e))
            row_write(c, &e, list[i].from);
    }
    buf_add(c->out, STR("]}"));
    return 0;
}

/* ---- the shortest path ---- */

/* Of a longer one its end: what is next to the object. */
static void path_write(struct call *c, const struct path *p)
{
    for (u32 i = p->count > PATH_ROWS_MAX ? p->count - PATH_ROWS_MAX : 0; i < p->count; i++) {
        struct graph_edge e;

        if (!browse_edge(&c->file->b, p->edge[i], &e))
            continue;
        json_comma(c->out);
        buf_addc(c->out, '{');
        call_edge(c, &e);
        call_object(c, e.to);
        call_place(c, e.to);
        buf_addc(c->out, '}');
    }
}

u32 path_page(struct call *c)
{
    struct paths p = { 0 };
    u32 node, status = call_node(c, &node);
    int r;

    if (status)
        return status;
    r = paths_find(&p, &c->file->b, c->file->a->distance, node, 1);
    if (r)
        c->out->failed = true;
    buf_addc(c->out, '{');
    json_key(c->out, "complete");
    json_bool(c->out, p.count == 0 || (!p.list[0].cut && p.list[0].count <= PATH_ROWS_MAX));
    if (p.count && p.list[0].count) {
        json_key(c->out, "from");
        buf_addc(c->out, '{');
        call_object(c, graph_source(&c->file->a->g, p.list[0].edge[0]));
        buf_addc(c->out, '}');
    }
    json_key(c->out, "rows");
    buf_addc(c->out, '[');
    if (p.count)
        path_write(c, &p.list[0]);
    buf_add(c->out, STR("]}"));
    paths_done(&p);
    return 0;
}
