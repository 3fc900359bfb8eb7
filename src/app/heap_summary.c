/* app/heap_summary.c -- `fettle heap summary FILE`: what the memory is made of */
#include "app/brief.h"
#include "app/command.h"
#include "app/exit_code.h"
#include "app/heap_load.h"
#include "app/heap_options.h"
#include "app/table.h"
#include "base/json.h"

static const struct table_column columns[] = {
    { .title = "class", .shorten = 12 },
    { .title = "count", .right = true },
    { .title = "shallow", .right = true, .drop = 2 },
    { .title = "%", .right = true, .drop = 3 },
    { .title = "retained", .right = true },
    { .title = "%", .right = true, .drop = 1 },
};

static int by_retained(const void *a, const void *b, void *ctx)
{
    const struct class *class = ctx, *x = &class[*(const u32 *)a], *y = &class[*(const u32 *)b];

    if (x->retained != y->retained)
        return x->retained > y->retained ? -1 : 1;
    if (x->shallow != y->shallow)
        return x->shallow > y->shallow ? -1 : 1;
    return *(const u32 *)a < *(const u32 *)b ? -1 : 1;
}

/* Classes that have objects, the largest first; NULL: out of memory. */
static u32 *sorted(const struct classes *c, u32 *count)
{
    u32 *order = malloc((c->count + 1) * sizeof(u32));

    *count = 0;
    for (u32 i = 0; order && i < c->count; i++)
        if (c->class[i].count)
            order[(*count)++] = i;
    if (order)
        qsort_r(order, *count, sizeof(u32), by_retained, c->class);
    return order;
}

static void statistics_json(struct buf *out, const struct statistics *s)
{
    const struct {
        const char *key;
        u64 bytes;
    } members[] = {
        { "code", s->code },           { "strings", s->strings },
        { "js_arrays", s->js_arrays }, { "typed_arrays", s->typed_arrays },
        { "system", s->system },       { "native", s->native },
    };

    json_key(out, "statistics");
    buf_addc(out, '{');
    for (u32 i = 0; i < ARRAY_LEN(members); i++) {
        json_key(out, members[i].key);
        json_u64(out, members[i].bytes);
    }
    buf_addc(out, '}');
}

static void class_json(struct buf *out, const struct analysis *a, u32 class)
{
    const struct class *c = &a->c.class[class];

    json_comma(out);
    buf_addc(out, '{');
    json_key(out, "class");
    json_text(out, classes_name(&a->c, class));
    json_key(out, "count");
    json_u64(out, c->count);
    json_key(out, "shallow_bytes");
    json_u64(out, c->shallow);
    json_key(out, "retained_bytes");
    json_u64(out, c->retained);
    json_key(out, "distance");
    json_comma(out);
    buf_addf(out, "%d", c->distance);
    if (c->place) {
        const struct place *p = &a->g.places[c->place - 1];

        json_key(out, "script_id");
        json_u64(out, p->script);
        json_key(out, "line");
        json_u64(out, (u64)p->line + 1);
        json_key(out, "column");
        json_u64(out, (u64)p->column + 1);
    }
    buf_addc(out, '}');
}

static void all_json(struct buf *out, const struct analysis *a, const u32 *order, u32 count)
{
    buf_addc(out, '{');
    json_key(out, "nodes");
    json_u64(out, a->g.node_count);
    json_key(out, "edges");
    json_u64(out, a->g.edge_count);
    json_key(out, "total_bytes");
    json_u64(out, a->s.total);
    statistics_json(out, &a->s);
    json_key(out, "classes");
    buf_addc(out, '[');
    for (u32 i = 0; i < count; i++)
        class_json(out, a, order[i]);
    buf_add(out, STR("]}\n"));
}

static void cell_bytes(struct table *t, u64 bytes)
{
    AUTO(buf_done) struct buf text = { 0 };

    brief_bytes(&text, (double)bytes);
    table_add(t, buf_str(&text));
}

static void cell_share(struct table *t, u64 part, u64 whole)
{
    char text[16];

    snprintf(text, sizeof(text), "%.1f", whole ? 100.0 * (double)part / (double)whole : 0);
    table_add(t, str_of(text));
}

static void cell_count(struct table *t, u64 n)
{
    char text[STR_U64_MAX];

    table_add(t, str_make(text, str_put_u64(text, n)));
}

static void part_text(struct buf *out, const char *name, u64 bytes, u64 total)
{
    if (!bytes)
        return;
    buf_addf(out, "%s%s ", out->ptr[out->len - 1] == '\n' ? "" : ", ", name);
    brief_bytes(out, (double)bytes);
    buf_addf(out, " (%.0f %%)", total ? 100.0 * (double)bytes / (double)total : 0);
}

static void head_text(struct buf *out, const struct analysis *a)
{
    const struct statistics *s = &a->s;
    u64 listed = s->strings + s->code + s->js_arrays + s->system + s->native;

    brief_bytes(out, (double)s->total);
    buf_addf(out, " in %u objects with %u references:\n", a->g.node_count, a->g.edge_count);
    part_text(out, "strings", s->strings, s->total);
    part_text(out, "arrays", s->js_arrays, s->total);
    part_text(out, "code", s->code, s->total);
    part_text(out, "V8's own", s->system, s->total);
    part_text(out, "Buffers and typed arrays", s->typed_arrays, s->total);
    part_text(out, "other native memory", s->native - s->typed_arrays, s->total);
    part_text(out, "other objects", s->total > listed ? s->total - listed : 0, s->total);
    buf_add(out, STR("\n\n"));
}

static void all_text(struct buf *out, const struct analysis *a, const u32 *order, u32 count,
                     u32 top)
{
    struct table t = { .column = columns, .columns = ARRAY_LEN(columns) };
    u32 shown = top && top < count ? top : count;

    head_text(out, a);
    for (u32 i = 0; i < shown; i++) {
        const struct class *c = &a->c.class[order[i]];

        table_add(&t, classes_name(&a->c, order[i]));
        cell_count(&t, c->count);
        cell_bytes(&t, c->shallow);
        cell_share(&t, c->shallow, a->s.total);
        cell_bytes(&t, c->retained);
        cell_share(&t, c->retained, a->s.total);
    }
    table_write(&t, table_width(STDOUT_FILENO), log_colours(STDOUT_FILENO), out);
    if (shown < count)
        buf_addf(out, "… and %u more classes (--top all)\n", count - shown);
    table_done(&t);
}

int heap_summary_command(int argc, char **argv)
{
    AUTO(heap_options_done) struct heap_options o = { 0 };
    AUTO(heap_load_done) struct heap_loaded l = { .file.fd = -1 };
    AUTO(buf_done) struct buf out = { 0 };
    AUTO(freep) u32 *order = NULL;
    u32 count;
    int code = heap_options_read(&o, &heap_summary_flags, argc, argv, 1, 1,
                                 "a FILE, such as app.heapsnapshot");

    if (code)
        return max(code, 0);
    code = heap_load(&l, o.word[0], 0);
    if (code)
        return code;
    order = sorted(&l.a.c, &count);
    if (!order)
        out.failed = true;
    else if (o.json)
        all_json(&out, &l.a, order, count);
    else
        all_text(&out, &l.a, order, count, o.top);
    return command_print(&out);
}
