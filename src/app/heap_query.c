/* app/heap_query.c -- `fettle heap query FILE QUERY`: the objects that somebody asks for */
#include "app/brief.h"
#include "app/command.h"
#include "app/exit_code.h"
#include "app/heap_cells.h"
#include "app/heap_objects.h"
#include "app/heap_options.h"
#include "base/json.h"
#include "heap/distances.h"
#include "heap/select.h"

enum { TEXT_SHOWN = 80, IDS_MAX = 100 };

static const struct table_column object_columns[] = {
    { .title = "retained", .right = true },
    { .title = "shallow", .right = true, .drop = 2 },
    { .title = "distance", .right = true, .drop = 3 },
    { .title = "object", .shorten = 24 },
    { .title = "declared in", .drop = 1 },
};

static const struct table_column class_columns[] = {
    { .title = "retained", .right = true },
    { .title = "shallow", .right = true },
    { .title = "count", .right = true },
    { .title = "class", .shorten = 12 },
};

static const struct table_column duplicate_columns[] = {
    { .title = "retained", .right = true },
    { .title = "shallow", .right = true },
    { .title = "count", .right = true },
    { .title = "text", .shorten = 12 },
};

/* All that the answer is made of. */
struct answer {
    struct heap_objects objects;
    struct heap_options options;
    struct selection found;
    struct buf query; /* as it was asked */
    bool asks_duplicates;
    u32 *node; /* those that are shown */
    u32 nodes;
    struct class *sums;
    u32 *class; /* those that occur, the largest first */
    u32 classes;
    struct group *group; /* the largest first */
    u32 groups;
};

/* Equal strings that the query has found. */
struct group {
    u32 first, count; /* of found.duplicates.member */
    u32 members;      /* of these, found */
    u64 shallow, retained;
};

static void answer_done(struct answer *a)
{
    heap_objects_done(&a->objects);
    select_done(&a->found);
    heap_options_done(&a->options);
    buf_done(&a->query);
    free(a->node);
    free(a->sums);
    free(a->class);
    free(a->group);
}

/* ---- what is found ---- */

static int by_class_retained(const void *x, const void *y, void *ctx)
{
    const struct class *sums = ctx, *a = &sums[*(const u32 *)x], *b = &sums[*(const u32 *)y];

    if (a->retained != b->retained)
        return a->retained > b->retained ? -1 : 1;
    if (a->shallow != b->shallow)
        return a->shallow > b->shallow ? -1 : 1;
    return *(const u32 *)x < *(const u32 *)y ? -1 : 1;
}

static int classes_find(struct answer *a)
{
    const struct analysis *an = &a->objects.l.a;
    int r = select_sums(&a->found, an, &a->sums);

    a->class = malloc(((size_t)an->c.count + 1) * sizeof(u32));
    if (r || !a->class)
        return -ENOMEM;
    for (u32 i = 0; i < an->c.count; i++)
        if (a->sums[i].count)
            a->class[a->classes++] = i;
    qsort_r(a->class, a->classes, sizeof(u32), by_class_retained, a->sums);
    return 0;
}

static int by_group_retained(const void *x, const void *y)
{
    const struct group *a = x, *b = y;

    if (a->retained != b->retained)
        return a->retained > b->retained ? -1 : 1;
    return a->first < b->first ? -1 : a->first > b->first;
}

static int groups_find(struct answer *a)
{
    const struct analysis *an = &a->objects.l.a;
    const struct duplicates *d = &a->found.duplicates;

    a->group = calloc((size_t)d->groups + 1, sizeof(*a->group));
    if (!a->group)
        return -ENOMEM;
    for (u32 i = 0; i < d->count; i++) {
        u32 node = d->member[i].node;
        struct group *g = &a->group[d->member[i].group];

        if (!g->count++)
            g->first = i;
        if (!a->found.is[node])
            continue;
        g->members++;
        g->shallow += graph_self_size(&an->g, node);
        g->retained += an->d.retained[node];
    }
    for (u32 i = 0; i < d->groups; i++)
        if (a->group[i].members)
            a->group[a->groups++] = a->group[i];
    qsort(a->group, a->groups, sizeof(*a->group), by_group_retained);
    return 0;
}

static int find(struct answer *a, const struct query *q)
{
    const struct analysis *an = &a->objects.l.a;
    int r = select_find(&a->found, q, an);

    if (r)
        return r;
    a->node = select_largest(&a->found, an, a->options.top, &a->nodes);
    r = a->node ? classes_find(a) : -ENOMEM;
    for (u32 i = 0; i < q->count; i++)
        a->asks_duplicates |= q->term[i].field == QUERY_FILTER && !q->term[i].opposite &&
                              q->term[i].filter == FILTER_DUPLICATED_STRINGS;
    if (!r && a->asks_duplicates)
        r = groups_find(a);
    /* The texts of concatenated strings are elsewhere. */
    for (u32 i = 0; !r && i < a->nodes; i++)
        if (!a->found.texts && graph_type(&an->g, a->node[i]) == NODE_CONS_STRING)
            r = string_texts_new(&a->found.texts, an);
    return r;
}

/* ---- text ---- */

/* A text in quotes on one line, not all of it. */
static void quoted(struct buf *out, struct str text)
{
    size_t len = min(text.len, (size_t)TEXT_SHOWN);

    while (len && len < text.len && ((u8)text.ptr[len] & 0xc0) == 0x80)
        len--;
    buf_addc(out, '"');
    buf_add_json(out, str_sub(text, 0, len));
    buf_add(out, len < text.len ? STR("…\"") : STR("\""));
}

/* The text of a string node; false: it is none, or cannot be read. */
static bool text_of(struct answer *a, u32 node, struct buf *text)
{
    buf_clear(text);
    return a->found.texts && string_texts_is(&a->objects.l.a.g, node) &&
           !string_texts_add(a->found.texts, node, text);
}

static void label(struct answer *a, u32 node, struct buf *out)
{
    AUTO(buf_done) struct buf text = { 0 };

    if (graph_type(&a->objects.l.a.g, node) != NODE_CONS_STRING || !text_of(a, node, &text)) {
        heap_objects_label(&a->objects, node, out);
        return;
    }
    quoted(out, buf_str(&text));
    buf_addf(out, " @%u", a->objects.l.a.g.id[node]);
}

static void head_text(struct buf *out, const struct answer *a)
{
    u64 total = a->objects.l.a.s.total;

    buf_addf(out, "%u object%s: ", a->found.count, a->found.count == 1 ? "" : "s");
    brief_bytes(out, (double)a->found.shallow);
    buf_add(out, STR(" shallow, "));
    brief_bytes(out, (double)a->found.retained);
    buf_addf(out, " retained (%.1f %%)\n",
             total ? 100.0 * (double)a->found.retained / (double)total : 0);
}

static void table_end(struct table *t, struct buf *out, u32 shown, u32 count, const char *what)
{
    table_write(t, table_width(STDOUT_FILENO), log_colours(STDOUT_FILENO), out);
    table_done(t);
    if (shown < count)
        buf_addf(out, "… and %u more %s (--top all)\n", count - shown, what);
}

static u32 shown_of(const struct answer *a, u32 count)
{
    return a->options.top ? min(a->options.top, count) : count;
}

static void objects_text(struct answer *a, struct buf *out)
{
    struct table t = { .column = object_columns, .columns = ARRAY_LEN(object_columns) };
    const struct analysis *an = &a->objects.l.a;
    AUTO(buf_done) struct buf text = { 0 };

    for (u32 i = 0; i < a->nodes; i++) {
        u32 node = a->node[i];
        int32_t distance = an->distance[node];

        heap_cells_bytes(&t, an->d.retained[node]);
        heap_cells_bytes(&t, graph_self_size(&an->g, node));
        /* Only V8 itself holds what is so far away. */
        if (distance >= 0 && distance < DISTANCES_SYSTEM)
            buf_addf(&text, "%d", distance);
        heap_cells_text(&t, &text);
        label(a, node, &text);
        heap_cells_text(&t, &text);
        heap_objects_place(&a->objects, node, &text);
        heap_cells_text(&t, &text);
    }
    table_end(&t, out, a->nodes, a->found.count, "objects");
}

static void classes_text(struct answer *a, struct buf *out)
{
    struct table t = { .column = class_columns, .columns = ARRAY_LEN(class_columns) };
    u32 shown = shown_of(a, a->classes);

    for (u32 i = 0; i < shown; i++) {
        const struct class *c = &a->sums[a->class[i]];

        heap_cells_bytes(&t, c->retained);
        heap_cells_bytes(&t, c->shallow);
        heap_cells_count(&t, c->count);
        table_add(&t, classes_name(&a->objects.l.a.c, a->class[i]));
    }
    table_end(&t, out, shown, a->classes, "classes");
}

static u32 group_node(const struct answer *a, const struct group *g)
{
    return a->found.duplicates.member[g->first].node;
}

static void groups_text(struct answer *a, struct buf *out)
{
    struct table t = { .column = duplicate_columns, .columns = ARRAY_LEN(duplicate_columns) };
    u32 shown = shown_of(a, a->groups);
    AUTO(buf_done) struct buf text = { 0 }, shown_text = { 0 };
    u64 saved = 0;

    for (u32 i = 0; i < a->groups; i++)
        saved += a->group[i].shallow - a->group[i].shallow / a->group[i].members;
    buf_addf(out, "%u texts; each of them once would be ", a->groups);
    brief_bytes(out, (double)saved);
    buf_add(out, STR(" less\n\n"));
    for (u32 i = 0; i < shown; i++) {
        const struct group *g = &a->group[i];

        heap_cells_bytes(&t, g->retained);
        heap_cells_bytes(&t, g->shallow);
        heap_cells_count(&t, g->members);
        if (text_of(a, group_node(a, g), &text))
            quoted(&shown_text, buf_str(&text));
        heap_cells_text(&t, &shown_text);
    }
    table_end(&t, out, shown, a->groups, "texts");
}

static void all_text(struct answer *a, struct buf *out)
{
    head_text(out, a);
    if (a->asks_duplicates && !a->options.classes) {
        groups_text(a, out);
        return;
    }
    if (!a->found.count)
        return;
    buf_addc(out, '\n');
    if (a->options.classes)
        classes_text(a, out);
    else
        objects_text(a, out);
}

/* ---- JSON ---- */

static void json_member(struct buf *out, const char *key, u64 n)
{
    json_key(out, key);
    json_u64(out, n);
}

static void json_distance(struct buf *out, int32_t distance)
{
    json_key(out, "distance");
    json_comma(out);
    buf_addf(out, "%d", distance);
}

static void class_json(struct answer *a, struct buf *out, u32 class)
{
    const struct analysis *an = &a->objects.l.a;
    const struct class *c = &a->sums[class];

    json_comma(out);
    buf_addc(out, '{');
    json_key(out, "class");
    json_text(out, classes_name(&an->c, class));
    json_member(out, "count", c->count);
    json_member(out, "shallow_bytes", c->shallow);
    json_member(out, "retained_bytes", c->retained);
    json_distance(out, c->distance);
    if (c->place) {
        const struct place *p = &an->g.places[c->place - 1];

        json_member(out, "script_id", p->script);
        json_member(out, "line", (u64)p->line + 1);
        json_member(out, "column", (u64)p->column + 1);
    }
    buf_addc(out, '}');
}

static void object_json(struct answer *a, struct buf *out, u32 node)
{
    const struct analysis *an = &a->objects.l.a;
    AUTO(buf_done) struct buf text = { 0 };

    json_comma(out);
    buf_addc(out, '{');
    heap_objects_json(&a->objects, node, out);
    json_distance(out, an->distance[node]);
    json_member(out, "edges", an->g.first_edge[node + 1] - an->g.first_edge[node]);
    if (graph_type(&an->g, node) == NODE_CONS_STRING && text_of(a, node, &text)) {
        json_key(out, "text");
        json_text(out, buf_str(&text));
    }
    buf_addc(out, '}');
}

static void group_json(struct answer *a, struct buf *out, const struct group *g)
{
    const struct graph *graph = &a->objects.l.a.g;
    AUTO(buf_done) struct buf text = { 0 };
    struct string_cut cut = { 0 };
    u32 ids = 0;

    json_comma(out);
    buf_addc(out, '{');
    json_key(out, "value");
    (void)text_of(a, group_node(a, g), &text);
    json_text(out, buf_str(&text));
    json_member(out, "count", g->members);
    json_member(out, "shallow_bytes", g->shallow);
    json_member(out, "retained_bytes", g->retained);
    if (string_texts_cut(a->found.texts, group_node(a, g), &cut))
        cut = (struct string_cut){ 0 };
    json_key(out, "truncated");
    json_bool(out, cut.yes);
    if (cut.has_length && cut.length >= 0)
        json_member(out, "length", (u64)cut.length);
    json_key(out, "ids");
    buf_addc(out, '[');
    for (u32 i = 0; i < g->count && ids < IDS_MAX; i++) {
        u32 node = a->found.duplicates.member[g->first + i].node;

        if (a->found.is[node]) {
            json_u64(out, graph->id[node]);
            ids++;
        }
    }
    buf_add(out, STR("]}"));
}

static void all_json(struct answer *a, struct buf *out)
{
    u32 groups = shown_of(a, a->groups);

    buf_addc(out, '{');
    json_key(out, "query");
    json_text(out, buf_str(&a->query));
    json_member(out, "total_bytes", a->objects.l.a.s.total);
    json_member(out, "count", a->found.count);
    json_member(out, "shallow_bytes", a->found.shallow);
    json_member(out, "retained_bytes", a->found.retained);
    json_key(out, "classes");
    buf_addc(out, '[');
    for (u32 i = 0; i < a->classes; i++)
        class_json(a, out, a->class[i]);
    buf_addc(out, ']');
    json_key(out, "objects");
    buf_addc(out, '[');
    for (u32 i = 0; i < a->nodes; i++)
        object_json(a, out, a->node[i]);
    buf_addc(out, ']');
    if (a->asks_duplicates) {
        json_member(out, "text_count", a->groups);
        json_key(out, "texts");
        buf_addc(out, '[');
        for (u32 i = 0; i < groups; i++)
            group_json(a, out, &a->group[i]);
        buf_addc(out, ']');
    }
    buf_add(out, STR("}\n"));
}

int heap_query_command(int argc, char **argv)
{
    AUTO(answer_done) struct answer a = { .objects.l.file.fd = -1 };
    AUTO(buf_done) struct buf out = { 0 };
    struct problem p = { 0 };
    struct query q;
    int code = heap_options_read(&a.options, &heap_query_flags, argc, argv, 1, HEAP_WORDS_MAX,
                                 "a FILE and what to look for, such as app.heapsnapshot "
                                 "'class=Session retained>1M'"),
        r;

    if (code)
        return max(code, 0);
    for (u32 i = 1; i < a.options.words; i++) {
        buf_add(&a.query, i > 1 ? STR(" ") : STR(""));
        buf_add(&a.query, str_of(a.options.word[i]));
    }
    if (query_parse(&q, buf_str(&a.query), &p)) {
        command_problem(&p);
        return EXIT_USAGE;
    }
    code = heap_objects_load(&a.objects, a.options.word[0]);
    if (code)
        return code;
    r = find(&a, &q);
    if (r)
        return heap_load_failed(r, a.options.word[0], &p);
    if (a.options.json)
        all_json(&a, &out);
    else
        all_text(&a, &out);
    return command_print(&out);
}
