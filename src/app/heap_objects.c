/* app/heap_objects.c -- labels of objects and edges */
#include "app/heap_objects.h"

#include "app/command.h"
#include "app/exit_code.h"
#include "base/json.h"

enum { TEXT_SHOWN = 60 };

int heap_objects_load(struct heap_objects *o, const char *path)
{
    struct problem p = { 0 };
    int code = heap_load(&o->l, path, HEAP_OBJECTS), r;

    if (code)
        return code;
    r = browse_init(&o->b, &o->l.a.g, &o->l.a.d);
    if (!r)
        r = browse_show_all(&o->b);
    return r ? heap_load_failed(r, path, &p) : 0;
}

void heap_objects_done(struct heap_objects *o)
{
    browse_done(&o->b);
    heap_load_done(&o->l);
}

int heap_objects_find(const struct heap_objects *o, const char *word, u32 *node)
{
    const struct graph *g = &o->l.a.g;
    u64 id;

    if (!str_to_u64(str_of(word + (*word == '@')), &id) || id > UINT32_MAX)
        return command_usage("\"%.60s\" is no object; write its id, such as @12345, as `fettle "
                             "heap biggest` shows it",
                             word);
    for (u32 i = 0; i < g->node_count; i++)
        if (g->id[i] == id) {
            *node = i;
            return 0;
        }
    return command_usage("%s: there is no object @%llu in this snapshot; ids are the same in all "
                         "snapshots of one visit to a process, while the object lives",
                         o->l.path, (unsigned long long)id);
}

struct str heap_objects_class(const struct heap_objects *o, u32 node)
{
    return classes_name(&o->l.a.c, classes_of(&o->l.a.c, node));
}

/* A text in quotes, cut off, on one line. */
static void add_text(struct buf *out, struct str text)
{
    bool cut = text.len > TEXT_SHOWN;
    size_t len = min(text.len, (size_t)TEXT_SHOWN);

    /* Not in the middle of a character. */
    while (len && len < text.len && ((u8)text.ptr[len] & 0xc0) == 0x80)
        len--;
    buf_addc(out, '"');
    buf_add_json(out, str_sub(text, 0, len));
    buf_add(out, cut ? STR("…\"") : STR("\""));
}

/* The name says something that the class does not. */
static bool has_own_name(enum node_type type)
{
    return type == NODE_CLOSURE || type == NODE_HIDDEN || type == NODE_ARRAY || type == NODE_CODE ||
           type == NODE_SYNTHETIC || type == NODE_REGEXP || type == NODE_SYMBOL ||
           type == NODE_SHAPE;
}

void heap_objects_label(struct heap_objects *o, u32 node, struct buf *out)
{
    const struct graph *g = &o->l.a.g;
    enum node_type type = graph_type(g, node);
    struct str name = browse_name(&o->b, node);

    if (type == NODE_STRING || type == NODE_CONS_STRING || type == NODE_SLICED_STRING) {
        add_text(out, name);
    } else if (type == NODE_CLOSURE) {
        buf_addf(out, "function %.*s()", STR_ARG(str_sub(name, 0, TEXT_SHOWN)));
    } else if (has_own_name(type) && name.len) {
        buf_add(out, str_sub(name, 0, TEXT_SHOWN));
    } else {
        buf_add(out, str_sub(heap_objects_class(o, node), 0, 2 * TEXT_SHOWN));
    }
    buf_addf(out, " @%u", g->id[node]);
}

void heap_objects_edge(struct heap_objects *o, const struct graph_edge *e, struct buf *out)
{
    struct str label = str_sub(browse_label(&o->b, e), 0, 2 * TEXT_SHOWN);
    bool plain = label.len && !memchr(label.ptr, ' ', label.len);

    switch (e->type) {
    case EDGE_ELEMENT:
        buf_addf(out, "[%u]", e->name);
        break;
    case EDGE_HIDDEN:
        buf_addf(out, "{%u}", e->name);
        break;
    case EDGE_INTERNAL:
    case EDGE_BACKING:
        buf_addf(out, "{%.*s}", STR_ARG(label));
        break;
    case EDGE_PROPERTY:
    case EDGE_SHORTCUT:
        buf_addf(out, plain ? ".%.*s" : "[\"%.*s\"]", STR_ARG(label));
        break;
    case EDGE_WEAK:
        buf_addf(out, "weakly {%.*s}", STR_ARG(label));
        break;
    case EDGE_CONTEXT:
        buf_addf(out, "variable %.*s", STR_ARG(label));
        break;
    }
}

void heap_objects_place(struct heap_objects *o, u32 node, struct buf *out)
{
    struct source_place at;

    if (sources_place(&o->b, node, &at))
        buf_addf(out, "%.*s:%u:%u", STR_ARG(at.file), at.line, at.column);
}

void heap_objects_json(struct heap_objects *o, u32 node, struct buf *out)
{
    const struct graph *g = &o->l.a.g;
    struct source_place at;

    json_key(out, "id");
    json_u64(out, g->id[node]);
    json_key(out, "class");
    json_text(out, heap_objects_class(o, node));
    json_key(out, "name");
    json_text(out, browse_name(&o->b, node));
    json_key(out, "type");
    json_text(out, str_of(g->meta.node_type_name[g->type[node]]));
    json_key(out, "self_bytes");
    json_u64(out, graph_self_size(g, node));
    json_key(out, "retained_bytes");
    json_u64(out, o->l.a.d.retained[node]);
    if (sources_place(&o->b, node, &at)) {
        json_key(out, "file");
        json_text(out, at.file);
        json_key(out, "line");
        json_u64(out, at.line);
        json_key(out, "column");
        json_u64(out, at.column);
    }
}

void heap_objects_edge_json(struct heap_objects *o, const struct graph_edge *e, struct buf *out)
{
    json_key(out, "edge_type");
    json_text(out, str_of(e->type_name));
    json_key(out, "edge_name");
    if (graph_edge_is_indexed(e->type))
        json_u64(out, e->name);
    else
        json_text(out, browse_label(&o->b, e));
}
