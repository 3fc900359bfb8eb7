/* app/heap_biggest.c -- `fettle heap biggest FILE`: what holds the memory */
#include "app/brief.h"
#include "app/command.h"
#include "app/exit_code.h"
#include "app/heap_objects.h"
#include "app/heap_options.h"
#include "app/table.h"
#include "base/json.h"
#include "heap/biggest.h"

static const struct table_column columns[] = {
    { .title = "retained", .right = true }, { .title = "%", .right = true },
    { .title = "object", .shorten = 24 },   { .title = "as", .shorten = 8, .drop = 2 },
    { .title = "declared in", .drop = 1 },
};

static void cell(struct table *t, struct buf *text)
{
    table_add(t, buf_str(text));
    t->cells.failed |= text->failed;
    buf_clear(text);
}

/* How the object is known to the one that it stands below, when that refers to it itself. */
static bool known_as(struct heap_objects *o, const struct biggest *b, struct graph_edge *out)
{
    const struct graph_edge *edge;
    u32 count = b->count > 1 ? 0 : browse_edges(&o->b, o->l.a.d.dominator[b->node], &edge);

    for (u32 i = 0; i < count; i++)
        if (edge[i].to == b->node && edge[i].type != EDGE_WEAK) {
            *out = edge[i];
            return true;
        }
    return false;
}

static void all_text(struct heap_objects *o, const struct biggest *list, u32 count, struct buf *out)
{
    struct table t = { .column = columns, .columns = ARRAY_LEN(columns) };
    AUTO(buf_done) struct buf text = { 0 };
    u64 total = o->l.a.s.total;

    for (u32 i = 0; i < count; i++) {
        const struct biggest *b = &list[i];
        struct graph_edge edge;

        brief_bytes(&text, (double)b->retained);
        cell(&t, &text);
        buf_addf(&text, "%.1f", total ? 100.0 * (double)b->retained / (double)total : 0);
        cell(&t, &text);
        for (u32 k = 0; k < b->depth; k++)
            buf_add(&text, STR("  "));
        if (b->count > 1)
            buf_addf(&text, "%u × %.*s", b->count, STR_ARG(classes_name(&o->l.a.c, b->class)));
        else
            heap_objects_label(o, b->node, &text);
        cell(&t, &text);
        if (known_as(o, b, &edge))
            heap_objects_edge(o, &edge, &text);
        cell(&t, &text);
        heap_objects_place(o, b->node, &text);
        cell(&t, &text);
    }
    table_write(&t, table_width(STDOUT_FILENO), log_colours(STDOUT_FILENO), out);
    table_done(&t);
}

static void all_json(struct heap_objects *o, const struct biggest *list, u32 count, struct buf *out)
{
    buf_addc(out, '{');
    json_key(out, "total_bytes");
    json_u64(out, o->l.a.s.total);
    json_key(out, "biggest");
    buf_addc(out, '[');
    for (u32 i = 0; i < count; i++) {
        const struct biggest *b = &list[i];
        struct graph_edge edge;

        json_comma(out);
        buf_addc(out, '{');
        json_key(out, "depth");
        json_u64(out, b->depth);
        json_key(out, "parent"); /* index in this list */
        if (b->parent == UINT32_MAX)
            json_null(out);
        else
            json_u64(out, b->parent);
        json_key(out, "count");
        json_u64(out, b->count);
        if (b->count > 1) {
            json_key(out, "class");
            json_text(out, classes_name(&o->l.a.c, b->class));
            json_key(out, "retained_bytes");
            json_u64(out, b->retained);
        } else {
            heap_objects_json(o, b->node, out);
            if (known_as(o, b, &edge))
                heap_objects_edge_json(o, &edge, out);
        }
        buf_addc(out, '}');
    }
    buf_add(out, STR("]}\n"));
}

int heap_biggest_command(int argc, char **argv)
{
    AUTO(heap_options_done) struct heap_options o = { 0 };
    AUTO(heap_objects_done) struct heap_objects objects = { .l.file.fd = -1 };
    AUTO(buf_done) struct buf out = { 0 };
    AUTO(freep) struct biggest *list = NULL;
    struct problem p = { 0 };
    u32 count;
    int code = heap_options_read(&o, &heap_biggest_flags, argc, argv, 1, 1,
                                 "a FILE, such as app.heapsnapshot");

    if (code)
        return max(code, 0);
    code = heap_objects_load(&objects, o.word[0]);
    if (code)
        return code;
    list =
        biggest_find(&objects.l.a.c, &objects.l.a.d, o.top ? o.top : UINT32_MAX, o.depth, &count);
    if (!list)
        return heap_load_failed(-ENOMEM, o.word[0], &p);
    if (o.json)
        all_json(&objects, list, count, &out);
    else
        all_text(&objects, list, count, &out);
    return command_print(&out);
}
