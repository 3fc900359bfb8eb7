/* app/heap_show.c -- `fettle heap show FILE @ID`: one object, from near */
#include "app/brief.h"
#include "app/command.h"
#include "app/exit_code.h"
#include "app/heap_objects.h"
#include "app/heap_options.h"
#include "app/table.h"
#include "base/json.h"
#include "heap/distances.h"

enum { FIELDS_MAX = 100000 };

static const struct table_column field_columns[] = {
    { .title = "field", .shorten = 12 },
    { .title = "is", .shorten = 16 },
    { .title = "retained", .right = true },
    { .title = "declared in", .drop = 1 },
};

static const struct table_column retainer_columns[] = {
    { .title = "by", .shorten = 16 },
    { .title = "as", .shorten = 12 },
    { .title = "distance", .right = true, .drop = 2 },
    { .title = "declared in", .drop = 1 },
};

/* What refers to a node, the nearest to the roots first. */
struct referrers {
    struct retainer *list;
    u32 count;
};

static int by_distance(const void *a, const void *b, void *ctx)
{
    const int32_t *distance = ctx;
    const struct retainer *x = a, *y = b;
    u32 dx = (u32)distance[x->from], dy = (u32)distance[y->from];

    if (dx != dy)
        return dx < dy ? -1 : 1;
    return x->edge < y->edge ? -1 : x->edge > y->edge;
}

static int referrers_find(struct referrers *r, const struct heap_objects *o, u32 node)
{
    const u32 *first = o->b.first_retainer + node;

    r->list = malloc((first[1] - first[0] + 1) * sizeof(*r->list));
    if (!r->list)
        return -ENOMEM;
    r->count = browse_retainers(&o->b, node, r->list, UINT32_MAX);
    qsort_r(r->list, r->count, sizeof(*r->list), by_distance, o->l.a.distance);
    return 0;
}

static void cell(struct table *t, struct buf *text)
{
    table_add(t, buf_str(text));
    t->cells.failed |= text->failed;
    buf_clear(text);
}

static int fields_text(struct heap_objects *o, u32 node, u32 top, struct buf *out)
{
    const struct graph *g = &o->l.a.g;
    struct table t = { .column = field_columns, .columns = ARRAY_LEN(field_columns) };
    AUTO(buf_done) struct buf text = { 0 };
    u32 first = g->first_edge[node], all = g->first_edge[node + 1] - first;
    u32 count = top && top < all ? top : min(all, (u32)FIELDS_MAX);
    AUTO(freep) struct graph_edge *edge = malloc((count + 1) * sizeof(*edge));
    int r = edge ? graph_edges(g, first, count, edge) : -ENOMEM;

    for (u32 i = 0; !r && i < count; i++) {
        heap_objects_edge(o, &edge[i], &text);
        cell(&t, &text);
        heap_objects_label(o, edge[i].to, &text);
        cell(&t, &text);
        brief_bytes(&text, (double)o->l.a.d.retained[edge[i].to]);
        cell(&t, &text);
        heap_objects_place(o, edge[i].to, &text);
        cell(&t, &text);
    }
    if (all) {
        buf_addc(out, '\n');
        table_write(&t, table_width(STDOUT_FILENO), log_colours(STDOUT_FILENO), out);
    }
    if (count < all)
        buf_addf(out, "… and %u more fields (--top all)\n", all - count);
    table_done(&t);
    return r;
}

static int referrers_text(struct heap_objects *o, const struct referrers *by, u32 top,
                          struct buf *out)
{
    struct table t = { .column = retainer_columns, .columns = ARRAY_LEN(retainer_columns) };
    AUTO(buf_done) struct buf text = { 0 };
    u32 count = top && top < by->count ? top : by->count;
    int r = 0;

    for (u32 i = 0; !r && i < count; i++) {
        struct graph_edge e;
        int32_t distance = o->l.a.distance[by->list[i].from];

        if (!browse_edge(&o->b, by->list[i].edge, &e)) {
            r = -EIO;
            break;
        }
        heap_objects_label(o, by->list[i].from, &text);
        cell(&t, &text);
        heap_objects_edge(o, &e, &text);
        cell(&t, &text);
        if (distance >= 0 && distance < DISTANCES_SYSTEM)
            buf_addf(&text, "%d", distance);
        else
            buf_addc(&text, '-');
        cell(&t, &text);
        heap_objects_place(o, by->list[i].from, &text);
        cell(&t, &text);
    }
    buf_addf(out, "\nheld by %u reference%s\n", by->count, by->count == 1 ? "" : "s");
    if (by->count)
        table_write(&t, table_width(STDOUT_FILENO), log_colours(STDOUT_FILENO), out);
    if (count < by->count)
        buf_addf(out, "… and %u more (--top all)\n", by->count - count);
    table_done(&t);
    return r;
}

static void head_text(struct heap_objects *o, u32 node, struct buf *out)
{
    const struct analysis *a = &o->l.a;
    u32 dominator = a->d.dominator[node];
    int32_t distance = a->distance[node];
    size_t before;

    heap_objects_label(o, node, out);
    buf_addf(out, "  (%s)  ", a->g.meta.node_type_name[a->g.type[node]]);
    before = out->len;
    heap_objects_place(o, node, out);
    if (out->len == before)
        out->len -= 2;
    buf_add(out, STR("\nself "));
    brief_bytes(out, (double)graph_self_size(&a->g, node));
    buf_add(out, STR(", retained "));
    brief_bytes(out, (double)a->d.retained[node]);
    if (distance >= 0 && distance < DISTANCES_SYSTEM)
        buf_addf(out, ", distance %d", distance);
    buf_add(out, STR(", held as a whole by "));
    heap_objects_label(o, dominator, out);
    buf_addc(out, '\n');
}

static int fields_json(struct heap_objects *o, u32 node, struct buf *out)
{
    const struct graph *g = &o->l.a.g;
    u32 first = g->first_edge[node], all = g->first_edge[node + 1] - first;
    u32 count = min(all, (u32)FIELDS_MAX);
    AUTO(freep) struct graph_edge *edge = malloc((count + 1) * sizeof(*edge));
    int r = edge ? graph_edges(g, first, count, edge) : -ENOMEM;

    json_key(out, "fields");
    buf_addc(out, '[');
    for (u32 i = 0; !r && i < count; i++) {
        json_comma(out);
        buf_addc(out, '{');
        heap_objects_edge_json(o, &edge[i], out);
        heap_objects_json(o, edge[i].to, out);
        buf_addc(out, '}');
    }
    buf_addc(out, ']');
    json_key(out, "fields_left_out");
    json_u64(out, all - count);
    return r;
}

static int referrers_json(struct heap_objects *o, const struct referrers *by, struct buf *out)
{
    u32 count = min(by->count, (u32)FIELDS_MAX);

    json_key(out, "held_by");
    buf_addc(out, '[');
    for (u32 i = 0; i < count; i++) {
        struct graph_edge e;

        if (!browse_edge(&o->b, by->list[i].edge, &e))
            return -EIO;
        json_comma(out);
        buf_addc(out, '{');
        heap_objects_edge_json(o, &e, out);
        heap_objects_json(o, by->list[i].from, out);
        buf_addc(out, '}');
    }
    buf_addc(out, ']');
    json_key(out, "held_by_left_out");
    json_u64(out, by->count - count);
    return 0;
}

static int all_json(struct heap_objects *o, const struct referrers *by, u32 node, struct buf *out)
{
    int r;

    buf_addc(out, '{');
    heap_objects_json(o, node, out);
    json_key(out, "distance");
    json_comma(out);
    buf_addf(out, "%d", o->l.a.distance[node]);
    json_key(out, "dominator_id");
    json_u64(out, o->l.a.g.id[o->l.a.d.dominator[node]]);
    r = fields_json(o, node, out);
    if (!r)
        r = referrers_json(o, by, out);
    buf_add(out, STR("}\n"));
    return r;
}

int heap_show_command(int argc, char **argv)
{
    AUTO(heap_options_done) struct heap_options o = { 0 };
    AUTO(heap_objects_done) struct heap_objects objects = { .l.file.fd = -1 };
    AUTO(buf_done) struct buf out = { 0 };
    struct referrers by = { 0 };
    struct problem p = { 0 };
    u32 node;
    int code =
            heap_options_read(&o, &heap_show_flags, argc, argv, 2, 2, "a FILE and an object's @ID"),
        r;

    if (code)
        return max(code, 0);
    code = heap_objects_load(&objects, o.word[0]);
    if (!code)
        code = heap_objects_find(&objects, o.word[1], &node);
    if (code)
        return code;
    r = referrers_find(&by, &objects, node);
    if (!r && o.json) {
        r = all_json(&objects, &by, node, &out);
    } else if (!r) {
        head_text(&objects, node, &out);
        r = fields_text(&objects, node, o.top, &out);
        if (!r)
            r = referrers_text(&objects, &by, o.top, &out);
    }
    free(by.list);
    return r ? heap_load_failed(r, o.word[0], &p) : command_print(&out);
}
