/* app/heap_diff.c -- `fettle heap diff A B`: what came, what went, and where */
#include "app/brief.h"
#include "app/command.h"
#include "app/exit_code.h"
#include "app/heap_cells.h"
#include "app/heap_objects.h"
#include "app/heap_options.h"
#include "base/json.h"
#include "base/pages.h"
#include "heap/diff.h"

enum {
    STEPS_MAX = 64,
    STEPS_SHOWN = 4,
    /* Of the newer one, all but distances: the older one is read beside it. */
    NEWER = ANALYSIS_EDGES | GRAPH_WITH_IDS | GRAPH_WITH_NAMES | GRAPH_WITH_PLACES,
};

/* Of the older snapshot only this stays in memory. */
struct older {
    const char *path;
    u64 bytes;
    u32 nodes;
    bool stranger; /* not of the same process, it seems */
    bool by_place; /* V8 had numbered its objects anew: they are matched by where they are */
};

static const struct table_column class_columns[] = {
    { .title = "growth", .right = true },
    { .title = "new", .right = true },
    { .title = "gone", .right = true },
    { .title = "in all", .right = true, .drop = 1 },
    { .title = "new size", .right = true, .drop = 3 },
    { .title = "gone size", .right = true, .drop = 3 },
    { .title = "retained", .right = true, .drop = 2 },
    { .title = "class", .shorten = 12 },
};

static const struct table_column cluster_columns[] = {
    { .title = "growth", .right = true }, { .title = "new", .right = true },
    { .title = "gone", .right = true },   { .title = "class", .shorten = 12 },
    { .title = "in", .shorten = 12 },     { .title = "which is", .shorten = 8, .drop = 1 },
};

static i64 change_of(u64 before, u64 after)
{
    return (i64)(after - before);
}

/* ---- where ---- */

/* The holder of a cluster: it is in the newer snapshot, or the ids of V8 lie. */
static bool holder_of(const struct diff_cluster *c, u32 *node)
{
    *node = c->holder[1];
    return *node != DIFF_NONE;
}

/* «sessions.cache[3]»: the last steps of the way to it that have names of people's. */
static void path_text(struct heap_objects *o, u32 node, struct buf *out)
{
    struct graph_edge step[STEPS_MAX];
    u32 edges[STEPS_MAX], count = browse_path(&o->b, node, edges, STEPS_MAX), steps = 0;

    for (u32 i = 0; i < count; i++)
        if (browse_edge(&o->b, edges[i], &step[steps]) &&
            (step[steps].type == EDGE_PROPERTY || step[steps].type == EDGE_CONTEXT ||
             (step[steps].type == EDGE_ELEMENT && steps)))
            steps++;
    if (steps > STEPS_SHOWN)
        buf_add(out, STR("…"));
    for (u32 i = steps > STEPS_SHOWN ? steps - STEPS_SHOWN : 0; i < steps; i++) {
        if (step[i].type == EDGE_CONTEXT)
            buf_addf(out, " %.*s", STR_ARG(browse_label(&o->b, &step[i])));
        else
            heap_objects_edge(o, &step[i], out);
    }
}

static void holder_text(struct heap_objects *o, u32 node, struct buf *out)
{
    if (node == o->l.a.g.root)
        buf_add(out, STR("(nothing holds it alone)"));
    else
        heap_objects_label(o, node, out);
}

/* ---- text ---- */

static void snapshot_text(struct buf *out, const char *what, u64 bytes, u32 nodes, const char *path)
{
    buf_addf(out, "%s  ", what);
    brief_bytes(out, (double)bytes);
    buf_addf(out, " in %u objects  %s\n", nodes, path);
}

static void head_text(struct buf *out, const struct heap_objects *o, const struct older *old)
{
    const struct analysis *a = &o->l.a;

    snapshot_text(out, "before", old->bytes, old->nodes, old->path);
    snapshot_text(out, "after ", a->s.total, a->g.node_count, o->l.path);
    buf_add(out, STR("growth "));
    heap_cells_add_change(out, change_of(old->bytes, a->s.total));
    buf_addc(out, '\n');
    if (old->stranger)
        buf_add(out, STR("These do not look like two snapshots of one process: objects are new and "
                         "gone that only have other ids.\n"));
    if (old->by_place)
        buf_add(
            out,
            STR("Taken in two visits of an inspector, for which V8 numbers objects anew: they are "
                "matched by their places.\n"));
    buf_addc(out, '\n');
}

static bool is_changed(const struct diff_change *c)
{
    return c->added || c->removed || c->grown_bytes;
}

/* What V8 makes anew for each snapshot, objects of Node's own among it, comes and goes in the same
 * number and size: that is only shown where all is asked for. */
static bool is_shown(const struct diff_change *c, u32 shown, u32 top)
{
    if (!top)
        return is_changed(c);
    return shown < top && (diff_bytes(c) || c->added != c->removed);
}

static void more_text(struct buf *out, u32 left, const char *what)
{
    if (left)
        buf_addf(out, "… and %u more %s (--top all)\n", left, what);
}

static void classes_text(struct buf *out, const struct diff *d, u32 top)
{
    struct table t = { .column = class_columns, .columns = ARRAY_LEN(class_columns) };
    u32 shown = 0, left = 0;

    for (u32 i = 0; i < d->classes; i++) {
        const struct diff_class *c = &d->class[i];

        if (!is_shown(&c->change, shown, top)) {
            left += is_changed(&c->change);
            continue;
        }
        heap_cells_bytes_change(&t, diff_bytes(&c->change));
        heap_cells_count(&t, c->change.added);
        heap_cells_count(&t, c->change.removed);
        heap_cells_count_change(&t, change_of(c->sum[0].count, c->sum[1].count));
        heap_cells_bytes(&t, c->change.added_bytes);
        heap_cells_bytes(&t, c->change.removed_bytes);
        heap_cells_bytes_change(&t, change_of(c->sum[0].retained, c->sum[1].retained));
        table_add(&t, diff_class_name(d, c));
        shown++;
    }
    table_write(&t, table_width(STDOUT_FILENO), log_colours(STDOUT_FILENO), out);
    table_done(&t);
    more_text(out, left, "classes");
}

static void clusters_text(struct heap_objects *o, struct buf *out, const struct diff *d, u32 top)
{
    struct table t = { .column = cluster_columns, .columns = ARRAY_LEN(cluster_columns) };
    AUTO(buf_done) struct buf text = { 0 };
    u32 shown = 0, left = 0;

    if (!d->clusters)
        return;
    buf_add(out, STR("\nWhat came and went, by the object that holds it:\n\n"));
    for (u32 i = 0; i < d->clusters; i++) {
        const struct diff_cluster *c = &d->cluster[i];
        u32 node;

        if (!is_shown(&c->change, shown, top)) {
            left++;
            continue;
        }
        shown++;
        heap_cells_bytes_change(&t, diff_bytes(&c->change));
        heap_cells_count(&t, c->change.added);
        heap_cells_count(&t, c->change.removed);
        table_add(&t, c->class == DIFF_NONE ? STR("(its own size)")
                                            : diff_class_name(d, &d->class[c->class]));
        if (holder_of(c, &node)) {
            holder_text(o, node, &text);
            heap_cells_text(&t, &text);
            path_text(o, node, &text);
            table_add(&t, str_trim(buf_str(&text)));
            buf_clear(&text);
        } else {
            buf_addf(&text, "@%u", c->holder_id);
            heap_cells_text(&t, &text);
            table_add(&t, STR(""));
        }
    }
    table_write(&t, table_width(STDOUT_FILENO), log_colours(STDOUT_FILENO), out);
    table_done(&t);
    more_text(out, left, "places");
}

/* ---- JSON ---- */

static void json_i64(struct buf *out, const char *key, i64 n)
{
    json_key(out, key);
    buf_addf(out, "%lld", (long long)n);
}

static void json_member(struct buf *out, const char *key, u64 n)
{
    json_key(out, key);
    json_u64(out, n);
}

static void snapshot_json(struct buf *out, const char *key, u64 bytes, u32 nodes, const char *path)
{
    json_key(out, key);
    buf_addc(out, '{');
    json_key(out, "file");
    json_text(out, str_of(path));
    json_member(out, "nodes", nodes);
    json_member(out, "total_bytes", bytes);
    buf_addc(out, '}');
}

static void change_json(struct buf *out, const struct diff_change *c)
{
    json_member(out, "added_count", c->added);
    json_member(out, "removed_count", c->removed);
    json_member(out, "added_bytes", c->added_bytes);
    json_member(out, "removed_bytes", c->removed_bytes);
    json_i64(out, "grown_bytes", c->grown_bytes);
    json_i64(out, "growth_bytes", diff_bytes(c));
}

static void class_json(struct buf *out, const struct diff *d, const struct diff_class *c)
{
    json_comma(out);
    buf_addc(out, '{');
    json_key(out, "class");
    json_text(out, diff_class_name(d, c));
    if (c->has_place) {
        json_member(out, "script_id", c->place.script);
        json_member(out, "line", (u64)c->place.line + 1);
        json_member(out, "column", (u64)c->place.column + 1);
    }
    change_json(out, &c->change);
    json_i64(out, "count_delta", (i64)(c->change.added - c->change.removed));
    json_i64(out, "bytes_delta", (i64)(c->change.added_bytes - c->change.removed_bytes));
    json_member(out, "count_before", c->sum[0].count);
    json_member(out, "count_after", c->sum[1].count);
    json_member(out, "shallow_before_bytes", c->sum[0].shallow);
    json_member(out, "shallow_after_bytes", c->sum[1].shallow);
    json_member(out, "retained_before_bytes", c->sum[0].retained);
    json_member(out, "retained_after_bytes", c->sum[1].retained);
    buf_addc(out, '}');
}

static void cluster_json(struct heap_objects *o, struct buf *out, const struct diff *d,
                         const struct diff_cluster *c)
{
    AUTO(buf_done) struct buf text = { 0 };
    u32 node;

    json_comma(out);
    buf_addc(out, '{');
    json_key(out, "class");
    if (c->class == DIFF_NONE)
        json_null(out);
    else
        json_text(out, diff_class_name(d, &d->class[c->class]));
    change_json(out, &c->change);
    json_key(out, "holder");
    buf_addc(out, '{');
    if (holder_of(c, &node)) {
        heap_objects_json(o, node, out);
        path_text(o, node, &text);
        json_key(out, "path");
        json_text(out, str_trim(buf_str(&text)));
    } else {
        json_member(out, "id", c->holder_id);
    }
    buf_add(out, STR("}}"));
    out->failed |= text.failed;
}

static void all_json(struct heap_objects *o, struct buf *out, const struct diff *d,
                     const struct older *old, u32 top)
{
    buf_addc(out, '{');
    snapshot_json(out, "before", old->bytes, old->nodes, old->path);
    snapshot_json(out, "after", o->l.a.s.total, o->l.a.g.node_count, o->l.path);
    json_i64(out, "growth_bytes", change_of(old->bytes, o->l.a.s.total));
    json_member(out, "common_nodes", d->common);
    json_key(out, "same_process");
    json_bool(out, !old->stranger);
    json_key(out, "matched_by");
    json_text(out, old->by_place ? STR("place") : STR("id"));
    json_key(out, "classes");
    buf_addc(out, '[');
    for (u32 i = 0; i < d->classes; i++)
        if (is_changed(&d->class[i].change))
            class_json(out, d, &d->class[i]);
    buf_addc(out, ']');
    json_member(out, "cluster_count", d->clusters);
    json_key(out, "clusters");
    buf_addc(out, '[');
    for (u32 i = 0; i < d->clusters && (!top || i < top); i++)
        cluster_json(o, out, d, &d->cluster[i]);
    buf_add(out, STR("]}\n"));
}

/* ---- both ---- */

/* Two visits of an inspector number the same objects differently. */
static int compare_places(struct diff *d, const struct heap_objects *o, const char *path,
                          struct older *old)
{
    AUTO(heap_load_done) struct heap_loaded l = { .file.fd = -1 };
    struct problem p = { 0 };
    bool alike = false;
    int code = heap_load_like(&l, &o->l.a.c.interfaces, path,
                              ANALYSIS_EDGES | GRAPH_WITH_IDS | GRAPH_WITH_NAMES),
        r;

    if (code)
        return code;
    r = diff_match_places(&l.a, &o->l.a, &alike);
    if (!r && alike) {
        diff_done(d);
        r = diff_compare(d, &l.a, &o->l.a);
        old->by_place = true;
    }
    old->stranger = !alike;
    return r ? heap_load_failed(r, path, &p) : 0;
}

/* The older one is loaded, compared and left again before anything else is asked of the newer. */
static int compare(struct diff *d, const struct heap_objects *o, const char *path,
                   struct older *old)
{
    AUTO(heap_load_done) struct heap_loaded l = { .file.fd = -1 };
    struct problem p = { 0 };
    int code = heap_load_like(&l, &o->l.a.c.interfaces, path, GRAPH_WITH_IDS), r;
    bool stranger;

    if (code)
        return code;
    r = diff_compare(d, &l.a, &o->l.a);
    if (r)
        return heap_load_failed(r, path, &p);
    stranger = diff_is_of_strangers(d, &l.a);
    *old = (struct older){ .path = path, .bytes = l.a.s.total, .nodes = l.a.g.node_count };
    old->stranger = stranger;
    heap_load_done(&l);
    /* What came through a pipe cannot be read again. */
    return stranger && strcmp(path, "-") != 0 ? compare_places(d, o, path, old) : 0;
}

int heap_diff_command(int argc, char **argv)
{
    AUTO(heap_options_done) struct heap_options o = { 0 };
    AUTO(heap_objects_done) struct heap_objects objects = { .l.file.fd = -1 };
    AUTO(diff_done) struct diff d = { 0 };
    AUTO(buf_done) struct buf out = { 0 };
    struct older old = { 0 };
    struct problem p = { 0 };
    int code = heap_options_read(&o, &heap_diff_flags, argc, argv, 2, 2,
                                 "two FILEs, the older one first: before.heapsnapshot "
                                 "after.heapsnapshot"),
        r;

    if (code)
        return max(code, 0);
    code = heap_load(&objects.l, o.word[1], NEWER);
    pages_trim();
    if (!code)
        code = compare(&d, &objects, o.word[0], &old);
    if (code)
        return code;
    r = browse_init(&objects.b, &objects.l.a.g, &objects.l.a.d);
    if (r)
        return heap_load_failed(r, o.word[1], &p);
    if (o.json) {
        all_json(&objects, &out, &d, &old, o.top);
    } else {
        head_text(&out, &objects, &old);
        classes_text(&out, &d, o.top);
        clusters_text(&objects, &out, &d, o.top);
    }
    return command_print(&out);
}
