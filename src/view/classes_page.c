/* view/classes_page.c -- the classes, sorted and filtered as asked */
#include "view/call.h"

enum by { BY_RETAINED, BY_SHALLOW, BY_COUNT, BY_CLASS, BY_DISTANCE };
#define BY_WORDS "retained|shallow|count|class|distance"

struct sorting {
    const struct classes *classes;
    enum by by;
    bool reversed;
};

static int order_of(u64 a, u64 b)
{
    return a > b ? -1 : a < b;
}

/* The usual order: the largest first, texts and distances from the first on. */
static int compare(const struct sorting *s, u32 a, u32 b)
{
    const struct class *x = &s->classes->class[a], *y = &s->classes->class[b];

    switch (s->by) {
    case BY_RETAINED:
        return order_of(x->retained, y->retained);
    case BY_SHALLOW:
        return order_of(x->shallow, y->shallow);
    case BY_COUNT:
        return order_of(x->count, y->count);
    case BY_CLASS:
        return call_text_order(classes_name(s->classes, a), classes_name(s->classes, b));
    case BY_DISTANCE:
        return x->distance < y->distance ? -1 : x->distance > y->distance;
    }
    return 0;
}

static int sort_compare(const void *a, const void *b, void *ctx)
{
    const struct sorting *s = ctx;
    u32 x = *(const u32 *)a, y = *(const u32 *)b;
    int r = compare(s, x, y);

    if (r)
        return s->reversed ? -r : r;
    return x < y ? -1 : 1;
}

/* Numbers of the classes with objects whose name has `filter` in it. */
static u32 *matching(const struct classes *c, struct str filter, u32 *count)
{
    u32 *list = malloc((c->count + 1) * sizeof(*list));

    *count = 0;
    for (u32 i = 0; list && i < c->count; i++)
        if (c->class[i].count && call_text_has(classes_name(c, i), filter))
            list[(*count)++] = i;
    return list;
}

/* Two of one name are told apart by their places. */
static void rows_write(struct call *c, const u32 *list, u32 count, const struct call_range *range)
{
    const struct analysis *a = c->file->a;

    buf_addc(c->out, '{');
    call_number(c->out, "total", count);
    json_key(c->out, "rows");
    buf_addc(c->out, '[');
    for (u64 i = range->offset; i < count && i < range->offset + range->limit; i++) {
        const struct class *k = &a->c.class[list[i]];

        json_comma(c->out);
        buf_addc(c->out, '{');
        call_class(c, list[i]);
        if (k->place) {
            const struct place *p = &a->g.places[k->place - 1];

            call_number(c->out, "script", p->script);
            call_number(c->out, "line", (u64)p->line + 1);
            call_number(c->out, "column", (u64)p->column + 1);
        }
        buf_addc(c->out, '}');
    }
    buf_add(c->out, STR("]}"));
}

u32 classes_page(struct call *c)
{
    struct sorting s = { .classes = &c->file->a->c };
    AUTO(buf_done) struct buf filter = { 0 };
    AUTO(freep) u32 *list = NULL;
    struct call_range range;
    u32 status = call_range(c, &range), by, reversed, count;

    if (status)
        return status;
    if (!params_word(c->query, "sort", BY_WORDS, &by))
        return call_fail(c, 400, "sort is one of " BY_WORDS);
    if (!params_word(c->query, "order", "usual|reversed", &reversed))
        return call_fail(c, 400, "order is usual or reversed");
    if (!params_text(c->query, "filter", &filter))
        return call_fail(c, 400, "filter is a text of at most %d bytes", PARAMS_TEXT_MAX);
    s.by = (enum by)by;
    s.reversed = reversed;
    list = matching(s.classes, buf_str(&filter), &count);
    if (!list) {
        c->out->failed = true;
        return 0;
    }
    qsort_r(list, count, sizeof(*list), sort_compare, &s);
    rows_write(c, list, count, &range);
    return 0;
}
