/* view/diff_page.c -- what there is more and less of in the second file: by class, and by what
 * holds it */
#include "view/call.h"

#include "heap/diff.h"

enum { CLUSTERS_MAX = 100 };
enum by { BY_GROWTH, BY_ADDED, BY_REMOVED, BY_RETAINED, BY_CLASS };
#define BY_WORDS "growth|added|removed|retained|class"

struct sorting {
    const struct diff *diff;
    enum by by;
    bool reversed;
};

static int order_of(i64 a, i64 b)
{
    return a > b ? -1 : a < b;
}

static i64 retained_growth(const struct diff_class *c)
{
    return (i64)(c->sum[1].retained - c->sum[0].retained);
}

static int compare(const struct sorting *s, u32 a, u32 b)
{
    const struct diff_class *x = &s->diff->class[a], *y = &s->diff->class[b];

    switch (s->by) {
    case BY_GROWTH:
        return order_of(diff_bytes(&x->change), diff_bytes(&y->change));
    case BY_ADDED:
        return order_of((i64)x->change.added, (i64)y->change.added);
    case BY_REMOVED:
        return order_of((i64)x->change.removed, (i64)y->change.removed);
    case BY_RETAINED:
        return order_of(retained_growth(x), retained_growth(y));
    case BY_CLASS:
        return call_text_order(diff_class_name(s->diff, x), diff_class_name(s->diff, y));
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

static bool is_changed(const struct diff_change *c)
{
    return c->added || c->removed || c->grown_bytes;
}

static u32 *matching(const struct diff *d, struct str filter, u32 *count)
{
    u32 *list = malloc((d->classes + 1) * sizeof(*list));

    *count = 0;
    for (u32 i = 0; list && i < d->classes; i++)
        if (is_changed(&d->class[i].change) &&
            call_text_has(diff_class_name(d, &d->class[i]), filter))
            list[(*count)++] = i;
    return list;
}

static void signed_number(struct buf *out, const char *key, i64 n)
{
    json_key(out, key);
    json_comma(out);
    buf_addf(out, "%lld", (long long)n);
}

static void change_write(struct buf *out, const struct diff_change *c)
{
    call_number(out, "added", c->added);
    call_number(out, "removed", c->removed);
    call_number(out, "added_bytes", c->added_bytes);
    call_number(out, "removed_bytes", c->removed_bytes);
    signed_number(out, "growth_bytes", diff_bytes(c));
}

static void class_write(struct call *c, const struct diff *d, const struct diff_class *k)
{
    json_comma(c->out);
    buf_addc(c->out, '{');
    call_text(c->out, "class", diff_class_name(d, k));
    if (k->class[1] != DIFF_NONE)
        call_number(c->out, "class_id", k->class[1]);
    if (k->class[0] != DIFF_NONE)
        call_number(c->out, "class_id_before", k->class[0]);
    change_write(c->out, &k->change);
    call_number(c->out, "count", k->sum[1].count);
    signed_number(c->out, "retained_growth_bytes", retained_growth(k));
    buf_addc(c->out, '}');
}

/* Of the newer file, where the holder is. */
static void cluster_write(struct call *c, const struct diff *d, const struct diff_cluster *k)
{
    if (k->holder[1] == DIFF_NONE)
        return;
    json_comma(c->out);
    buf_addc(c->out, '{');
    json_key(c->out, "holder");
    buf_addc(c->out, '{');
    call_object(c, k->holder[1]);
    buf_addc(c->out, '}');
    if (k->class != DIFF_NONE)
        call_text(c->out, "class", diff_class_name(d, &d->class[k->class]));
    change_write(c->out, &k->change);
    buf_addc(c->out, '}');
}

static void clusters_write(struct call *c, const struct diff *d)
{
    json_key(c->out, "clusters");
    buf_addc(c->out, '[');
    for (u32 i = 0; i < d->clusters && i < CLUSTERS_MAX; i++)
        if (diff_bytes(&d->cluster[i].change) > 0)
            cluster_write(c, d, &d->cluster[i]);
    buf_addc(c->out, ']');
}

static void page_write(struct call *c, const u32 *list, u32 count, const struct call_range *range)
{
    const struct heapview_file *file = c->view->file;
    const struct diff *d = c->view->diff;

    c->file = &c->view->file[1];
    buf_addc(c->out, '{');
    call_number(c->out, "total", count);
    call_number(c->out, "common_nodes", d->common);
    json_key(c->out, "same_process");
    json_bool(c->out, !diff_is_of_strangers(d, file[0].a));
    signed_number(c->out, "growth_bytes", (i64)(file[1].a->s.total - file[0].a->s.total));
    json_key(c->out, "rows");
    buf_addc(c->out, '[');
    for (u64 i = range->offset; i < count && i < range->offset + range->limit; i++)
        class_write(c, d, &d->class[list[i]]);
    buf_addc(c->out, ']');
    if (range->offset == 0)
        clusters_write(c, d);
    buf_addc(c->out, '}');
}

/* Compared once, when it is asked for. */
static bool compared(struct heapview *v)
{
    if (v->diff)
        return true;
    v->diff = calloc(1, sizeof(*v->diff));
    if (v->diff && diff_compare(v->diff, v->file[0].a, v->file[1].a) == 0)
        return true;
    diff_page_done(v);
    return false;
}

void diff_page_done(struct heapview *v)
{
    if (v->diff)
        diff_done(v->diff);
    free(TAKE(v->diff, NULL));
}

u32 diff_page(struct call *c)
{
    AUTO(buf_done) struct buf filter = { 0 };
    AUTO(freep) u32 *list = NULL;
    struct sorting s = { 0 };
    struct call_range range;
    u32 status = call_range(c, &range), by, reversed, count;

    if (status)
        return status;
    if (c->view->count < 2)
        return call_fail(c, 404, "there is one file; a second one is needed to compare with");
    if (!params_word(c->query, "sort", BY_WORDS, &by))
        return call_fail(c, 400, "sort is one of " BY_WORDS);
    if (!params_word(c->query, "order", "usual|reversed", &reversed))
        return call_fail(c, 400, "order is usual or reversed");
    if (!params_text(c->query, "filter", &filter))
        return call_fail(c, 400, "filter is a text of at most %d bytes", PARAMS_TEXT_MAX);
    if (compared(c->view))
        list = matching(c->view->diff, buf_str(&filter), &count);
    if (!list) {
        c->out->failed = true;
        return 0;
    }
    s = (struct sorting){ c->view->diff, (enum by)by, reversed };
    qsort_r(list, count, sizeof(*list), sort_compare, &s);
    page_write(c, list, count, &range);
    return 0;
}
