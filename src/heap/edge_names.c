/* heap/edge_names.c -- blocks of edges, and texts through a window */
#include "heap/edge_names.h"

static int edge_at(struct edge_names *n, u32 edge, const struct graph_edge **out)
{
    if (!n->block) {
        n->block = calloc(EDGE_NAMES_BLOCK, sizeof(*n->block));
        n->reader.t = &n->g->strings;
        if (!n->block)
            return -ENOMEM;
    }
    if (edge - n->first >= n->count) {
        /* Finding an edge in the file costs as much as reading thousands that follow it. */
        bool near = n->count && edge - n->first < 4 * EDGE_NAMES_BLOCK;
        int r;

        n->count = min((u32)(near ? EDGE_NAMES_BLOCK : EDGE_NAMES_FEW), n->g->edge_count - edge);
        n->first = edge;
        r = graph_edges(n->g, edge, n->count, n->block);
        if (r) {
            n->count = 0;
            return r;
        }
    }
    *out = &n->block[edge - n->first];
    return 0;
}

int edge_names_string(struct edge_names *n, u32 edge, u32 *string)
{
    const struct graph_edge *e;
    int r = edge_at(n, edge, &e);

    if (!r)
        *string = graph_edge_is_indexed(e->type) ? UINT32_MAX : e->name;
    return r;
}

int edge_names_get(struct edge_names *n, u32 edge, struct str *out)
{
    const struct graph_edge *e;
    int r = edge_at(n, edge, &e);

    if (r)
        return r;
    buf_clear(&n->text);
    if (graph_edge_is_indexed(e->type))
        buf_addu(&n->text, e->name);
    else if (!strtab_text(&n->reader, e->name, &n->text, 1024))
        return -EIO;
    *out = buf_str(&n->text);
    return n->text.failed ? -ENOMEM : 0;
}

void edge_names_done(struct edge_names *n)
{
    free(n->block);
    buf_done(&n->text);
    strtab_reader_done(&n->reader);
    *n = (struct edge_names){ 0 };
}

int edge_names_strings(const struct graph *g, struct str text, u8 **is)
{
    AUTO(strtab_reader_done) struct strtab_reader r = { .t = &g->strings };
    AUTO(buf_done) struct buf t = { 0 };

    *is = calloc((size_t)g->strings.count + 1, 1);
    if (!*is)
        return -ENOMEM;
    for (u32 i = 0; i < g->strings.count; i++) {
        buf_clear(&t);
        if (!strtab_text(&r, i, &t, text.len + 64))
            return -EIO;
        (*is)[i] = str_eq(buf_str(&t), text);
    }
    return 0;
}
