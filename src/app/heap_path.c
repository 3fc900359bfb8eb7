/* app/heap_path.c -- `fettle heap path FILE @ID`: why an object is still there */
#include "app/brief.h"
#include "app/command.h"
#include "app/exit_code.h"
#include "app/heap_objects.h"
#include "app/heap_options.h"
#include "base/json.h"
#include "heap/paths.h"

static void line_text(struct heap_objects *o, u32 node, struct buf *out)
{
    heap_objects_label(o, node, out);
    buf_add(out, STR("  "));
    brief_bytes(out, (double)o->l.a.d.retained[node]);
    buf_addc(out, ' ');
    heap_objects_place(o, node, out);
    while (out->ptr[out->len - 1] == ' ')
        out->len--;
    buf_addc(out, '\n');
}

static int path_text(struct heap_objects *o, const struct path *path, struct buf *out)
{
    const struct graph *g = &o->l.a.g;

    if (path->cut)
        buf_addf(out, "… (%d steps are shown)\n", PATHS_STEPS_MAX);
    for (u32 i = 0; i < path->count; i++) {
        struct graph_edge e;

        if (!browse_edge(&o->b, path->edge[i], &e))
            return -EIO;
        if (i == 0)
            line_text(o, graph_source(g, path->edge[i]), out);
        buf_add(out, STR("  "));
        heap_objects_edge(o, &e, out);
        buf_add(out, STR(" → "));
        line_text(o, e.to, out);
    }
    return 0;
}

static int path_json(struct heap_objects *o, const struct path *path, struct buf *out)
{
    json_comma(out);
    buf_addc(out, '[');
    for (u32 i = 0; i < path->count; i++) {
        struct graph_edge e;

        if (!browse_edge(&o->b, path->edge[i], &e))
            return -EIO;
        if (i == 0) {
            buf_addc(out, '{');
            heap_objects_json(o, graph_source(&o->l.a.g, path->edge[i]), out);
            buf_addc(out, '}');
        }
        json_comma(out);
        buf_addc(out, '{');
        heap_objects_edge_json(o, &e, out);
        heap_objects_json(o, e.to, out);
        buf_addc(out, '}');
    }
    buf_addc(out, ']');
    return 0;
}

static int all_json(struct heap_objects *o, const struct paths *p, u32 node, struct buf *out)
{
    int r = 0;

    buf_addc(out, '{');
    heap_objects_json(o, node, out);
    json_key(out, "paths");
    buf_addc(out, '[');
    for (u32 i = 0; !r && i < p->count; i++)
        r = path_json(o, &p->list[i], out);
    buf_add(out, STR("]}\n"));
    return r;
}

static int all_text(struct heap_objects *o, const struct paths *p, u32 node, u32 wanted,
                    struct buf *out)
{
    int r = 0;

    if (!p->count) {
        heap_objects_label(o, node, out);
        buf_add(out, node == o->l.a.g.root
                         ? STR(" is the root itself\n")
                         : STR(" is held by nothing but weak references: it can be collected\n"));
    }
    for (u32 i = 0; !r && i < p->count; i++) {
        if (wanted > 1)
            buf_addf(out, "%spath %u, %u steps\n", i ? "\n" : "", i + 1, p->list[i].count);
        r = path_text(o, &p->list[i], out);
    }
    if (p->more)
        buf_add(out, STR("… there may be more; the search for them was given up\n"));
    return r;
}

int heap_path_command(int argc, char **argv)
{
    AUTO(heap_options_done) struct heap_options o = { 0 };
    AUTO(heap_objects_done) struct heap_objects objects = { .l.file.fd = -1 };
    AUTO(paths_done) struct paths paths = { 0 };
    AUTO(buf_done) struct buf out = { 0 };
    struct problem p = { 0 };
    u32 node;
    int code =
            heap_options_read(&o, &heap_path_flags, argc, argv, 2, 2, "a FILE and an object's @ID"),
        r;

    if (code)
        return max(code, 0);
    code = heap_objects_load(&objects, o.word[0]);
    if (!code)
        code = heap_objects_find(&objects, o.word[1], &node);
    if (code)
        return code;
    r = paths_find(&paths, &objects.b, objects.l.a.distance, node, o.all);
    if (!r)
        r = o.json ? all_json(&objects, &paths, node, &out)
                   : all_text(&objects, &paths, node, o.all, &out);
    return r ? heap_load_failed(r, o.word[0], &p) : command_print(&out);
}
