/* view/objects_page.c -- the objects of a class, the largest first */
#include "view/call.h"

enum by { BY_RETAINED, BY_SHALLOW, BY_DISTANCE, BY_ID };
#define BY_WORDS "retained|shallow|distance|id"

struct sorting {
    const struct analysis *a;
    enum by by;
};

static int compare(const void *x, const void *y, void *ctx)
{
    const struct sorting *s = ctx;
    u32 m = *(const u32 *)x, n = *(const u32 *)y;
    u64 a = 0, b = 0;

    switch (s->by) {
    case BY_RETAINED:
        a = s->a->d.retained[n], b = s->a->d.retained[m];
        break;
    case BY_SHALLOW:
        a = graph_self_size(&s->a->g, n), b = graph_self_size(&s->a->g, m);
        break;
    case BY_DISTANCE:
        a = (u32)s->a->distance[m], b = (u32)s->a->distance[n];
        break;
    case BY_ID:
        a = s->a->g.id[m], b = s->a->g.id[n];
        break;
    }
    return a != b ? a < b ? -1 : 1 : m < n ? -1 : 1;
}

/* The objects of a class as DevTools counts them: those that have a size. */
static bool list_make(struct heapview_file *f, u32 class, enum by by)
{
    struct heapview_list *l = &f->objects;
    struct sorting s = { f->a, by };

    if (l->node && l->class == class && l->by == by)
        return true;
    free(l->node);
    *l = (struct heapview_list){ .class = class, .by = by };
    l->node = malloc((f->a->c.class[class].count + 1) * sizeof(u32));
    if (!l->node)
        return false;
    for (u32 n = 0; n < f->a->g.node_count && l->count < f->a->c.class[class].count; n++)
        if (classes_of(&f->a->c, n) == class && graph_self_size(&f->a->g, n))
            l->node[l->count++] = n;
    qsort_r(l->node, l->count, sizeof(u32), compare, &s);
    return true;
}

u32 objects_page(struct call *c)
{
    const struct heapview_list *l = &c->file->objects;
    struct call_range range;
    u32 status = call_range(c, &range), by;
    u64 class;

    if (status)
        return status;
    if (!params_word(c->query, "sort", BY_WORDS, &by))
        return call_fail(c, 400, "sort is one of " BY_WORDS);
    if (!params_number(c->query, "class", UINT64_MAX, UINT32_MAX, &class) || class == UINT64_MAX)
        return call_fail(c, 400, "class is the number of a class");
    if (class >= c->file->a->c.count)
        return call_fail(c, 404, "this snapshot has %u classes", c->file->a->c.count);
    if (!list_make(c->file, (u32) class, (enum by)by)) {
        c->out->failed = true;
        return 0;
    }
    buf_addc(c->out, '{');
    call_class(c, (u32) class);
    call_number(c->out, "total", l->count);
    json_key(c->out, "rows");
    buf_addc(c->out, '[');
    for (u64 i = range.offset; i < l->count && i < range.offset + range.limit; i++) {
        json_comma(c->out);
        buf_addc(c->out, '{');
        call_object(c, l->node[i]);
        buf_addc(c->out, '}');
    }
    buf_add(c->out, STR("]}"));
    return 0;
}
