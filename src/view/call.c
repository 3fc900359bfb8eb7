/* view/call.c -- parameters, and objects as JSON */
#include "view/call.h"

#include "heap/sources.h"

#include <stdarg.h>

u32 call_fail(struct call *c, u32 status, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    vsnprintf(c->error, sizeof(c->error), fmt, args);
    va_end(args);
    return status;
}

u32 call_range(struct call *c, struct call_range *out)
{
    if (!params_number(c->query, "offset", 0, UINT32_MAX, &out->offset))
        return call_fail(c, 400, "offset is a number of rows that are left out");
    if (!params_number(c->query, "limit", HEAPVIEW_ROWS_MAX, HEAPVIEW_ROWS_MAX, &out->limit))
        return call_fail(c, 400, "limit is a number of rows, at most %d", HEAPVIEW_ROWS_MAX);
    return 0;
}

u32 call_node(struct call *c, u32 *node)
{
    u64 n;

    if (!params_number(c->query, "node", UINT64_MAX, UINT32_MAX, &n) || n == UINT64_MAX)
        return call_fail(c, 400, "node is an object's number in this snapshot, below %u",
                         c->file->a->g.node_count);
    if (n >= c->file->a->g.node_count)
        return call_fail(c, 404, "this snapshot has %u objects", c->file->a->g.node_count);
    *node = (u32)n;
    return 0;
}

void call_text(struct buf *out, const char *key, struct str text)
{
    size_t len = text.len;

    if (len > HEAPVIEW_TEXT_MAX) {
        len = HEAPVIEW_TEXT_MAX;
        while (len && ((u8)text.ptr[len] & 0xc0) == 0x80)
            len--;
    }
    json_key(out, key);
    json_comma(out);
    buf_addc(out, '"');
    buf_add_json(out, str_sub(text, 0, len));
    if (len < text.len)
        buf_add(out, STR("…"));
    buf_addc(out, '"');
}

static const char *type_text(enum node_type type)
{
    switch (type) {
    case NODE_OBJECT:
        return "object";
    case NODE_CLOSURE:
        return "closure";
    case NODE_REGEXP:
        return "regexp";
    case NODE_STRING:
    case NODE_CONS_STRING:
    case NODE_SLICED_STRING:
        return "string";
    case NODE_ARRAY:
        return "array";
    case NODE_CODE:
        return "code";
    case NODE_NUMBER:
        return "number";
    case NODE_SYMBOL:
        return "symbol";
    case NODE_BIGINT:
        return "bigint";
    case NODE_SYNTHETIC:
        return "synthetic";
    case NODE_NATIVE:
        return "native";
    case NODE_SHAPE:
    case NODE_HIDDEN:
    case NODE_OTHER:
        break;
    }
    return "hidden";
}

void call_object(struct call *c, u32 node)
{
    struct analysis *a = c->file->a;
    const u32 *first = c->file->b.first_retainer + node;
    u32 class = classes_of(&a->c, node);

    call_number(c->out, "node", node);
    call_number(c->out, "id", a->g.id[node]);
    json_key(c->out, "type");
    json_text(c->out, str_of(type_text(graph_type(&a->g, node))));
    call_number(c->out, "class_id", class);
    call_text(c->out, "class", classes_name(&a->c, class));
    call_text(c->out, "text", browse_name(&c->file->b, node));
    call_number(c->out, "shallow_bytes", graph_self_size(&a->g, node));
    call_number(c->out, "retained_bytes", a->d.retained[node]);
    json_key(c->out, "distance");
    json_comma(c->out);
    buf_addf(c->out, "%d", a->distance[node]);
    call_number(c->out, "fields", a->g.first_edge[node + 1] - a->g.first_edge[node]);
    call_number(c->out, "retainers", first[1] - first[0]);
}

void call_class(struct call *c, u32 class)
{
    const struct analysis *a = c->file->a;
    const struct class *k = &a->c.class[class];

    call_number(c->out, "class_id", class);
    call_text(c->out, "class", classes_name(&a->c, class));
    call_number(c->out, "count", k->count);
    call_number(c->out, "shallow_bytes", k->shallow);
    call_number(c->out, "retained_bytes", k->retained);
    json_key(c->out, "distance");
    json_comma(c->out);
    buf_addf(c->out, "%d", k->distance);
}

void call_edge(struct call *c, const struct graph_edge *e)
{
    json_key(c->out, "edge");
    buf_addc(c->out, '{');
    json_key(c->out, "type");
    json_text(c->out, str_of(e->type_name));
    if (graph_edge_is_indexed(e->type))
        call_number(c->out, "index", e->name);
    else
        call_text(c->out, "name", browse_label(&c->file->b, e));
    buf_addc(c->out, '}');
}

void call_place(struct call *c, u32 node)
{
    static const char *const whose[] = { "node", "package", "app" };
    struct source_place at;

    if (!sources_place(&c->file->b, node, &at))
        return;
    json_key(c->out, "place");
    buf_addc(c->out, '{');
    call_text(c->out, "file", at.file);
    call_number(c->out, "line", at.line);
    call_number(c->out, "column", at.column);
    json_key(c->out, "whose");
    json_text(c->out, str_of(whose[at.whose]));
    buf_addc(c->out, '}');
}

int call_text_order(struct str a, struct str b)
{
    int r = memcmp(a.ptr ? a.ptr : "", b.ptr ? b.ptr : "", min(a.len, b.len));

    return r ? r : a.len < b.len ? -1 : a.len > b.len;
}

bool call_text_has(struct str text, struct str part)
{
    for (size_t i = 0; i + part.len <= text.len; i++)
        if (str_eq_nocase(str_sub(text, i, part.len), part))
            return true;
    return false;
}
