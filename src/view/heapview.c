/* view/heapview.c -- the pages by their names, and the first of them */
#include "view/heapview.h"

#include "view/call.h"

int heapview_add(struct heapview *v, struct str name, u64 bytes, struct analysis *a)
{
    struct heapview_file *f = &v->file[v->count];

    assert(v->count < HEAPVIEW_FILES_MAX);
    *f = (struct heapview_file){ .name = name, .bytes = bytes, .a = a };
    v->count++;
    return browse_init(&f->b, &a->g, &a->d);
}

void heapview_done(struct heapview *v)
{
    for (u32 i = 0; i < v->count; i++) {
        browse_done(&v->file[i].b);
        free(v->file[i].objects.node);
    }
    diff_page_done(v);
    *v = (struct heapview){ 0 };
}

static void statistics(struct buf *out, const struct statistics *s)
{
    json_key(out, "statistics");
    buf_addc(out, '{');
    call_number(out, "code", s->code);
    call_number(out, "strings", s->strings);
    call_number(out, "js_arrays", s->js_arrays);
    call_number(out, "typed_arrays", s->typed_arrays);
    call_number(out, "system", s->system);
    call_number(out, "native", s->native);
    buf_addc(out, '}');
}

u32 files_page(struct call *c)
{
    struct buf *out = c->out;

    buf_addc(out, '{');
    json_key(out, "files");
    buf_addc(out, '[');
    for (u32 i = 0; i < c->view->count; i++) {
        const struct heapview_file *f = &c->view->file[i];

        json_comma(out);
        buf_addc(out, '{');
        call_text(out, "name", f->name);
        call_number(out, "bytes", f->bytes);
        call_number(out, "nodes", f->a->g.node_count);
        call_number(out, "edges", f->a->g.edge_count);
        call_number(out, "root", f->a->g.root);
        call_number(out, "total_bytes", f->a->s.total);
        statistics(out, &f->a->s);
        buf_addc(out, '}');
    }
    buf_add(out, STR("]}"));
    return 0;
}

static const struct row {
    const char *name;
    u32 (*page)(struct call *c);
} rows[] = {
    { "files", files_page },   { "classes", classes_page }, { "objects", objects_page },
    { "object", object_page }, { "fields", fields_page },   { "retainers", retainers_page },
    { "path", path_page },     { "treemap", treemap_page }, { "diff", diff_page },
};

static u32 refuse(struct call *c, u32 status)
{
    buf_clear(c->out);
    buf_addc(c->out, '{');
    json_key(c->out, "error");
    json_text(c->out, str_of(c->error));
    buf_add(c->out, STR("}\n"));
    return status;
}

u32 heapview_page(struct heapview *v, struct str name, struct str query, struct buf *out)
{
    struct call c = { .view = v, .query = query, .out = out };
    u32 status;
    u64 file;

    if (!params_number(query, "file", 0, v->count - 1, &file))
        return refuse(&c, call_fail(&c, 404, "there are %u files, the first is 0", v->count));
    c.file = &v->file[file];
    for (u32 i = 0; i < ARRAY_LEN(rows); i++) {
        if (!str_eq(name, str_of(rows[i].name)))
            continue;
        status = rows[i].page(&c);
        if (status)
            return refuse(&c, status);
        buf_addc(out, '\n');
        return 200;
    }
    return refuse(&c, call_fail(&c, 404, "there is no page of that name"));
}
