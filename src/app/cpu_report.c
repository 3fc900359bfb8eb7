/* app/cpu_report.c -- `fettle cpu report FILE` and `fettle heap report FILE`: where the
 * time went, and where what stays was allocated */
#include "app/brief.h"
#include "app/command.h"
#include "app/cpu_options.h"
#include "app/exit_code.h"
#include "app/heap_load.h"
#include "app/profile_file.h"
#include "app/table.h"
#include "base/json.h"
#include "profile/hotspots.h"

struct report {
    struct profile p;
    struct hotspots h;
    double hit_ms;
    u64 busy; /* hits but idle ones: what shares are of */
};

static const struct table_column function_columns[] = {
    { .title = "self", .right = true },     { .title = "%", .right = true },
    { .title = "total", .right = true },    { .title = "%", .right = true, .drop = 2 },
    { .title = "function", .shorten = 12 }, { .title = "declared in", .shorten = 12, .drop = 1 },
};
static const struct table_column line_columns[] = {
    { .title = "self", .right = true },
    { .title = "%", .right = true },
    { .title = "line", .shorten = 12 },
    { .title = "in", .shorten = 12, .drop = 1 },
};
static const struct table_column package_columns[] = {
    { .title = "self", .right = true },
    { .title = "%", .right = true },
    { .title = "package" },
};

static const char *const kind_title[] = {
    [HOTSPOT_APP] = "the app",      [HOTSPOT_PACKAGE] = "packages",
    [HOTSPOT_NODE] = "Node and V8", [HOTSPOT_GC] = "garbage collection",
    [HOTSPOT_IDLE] = "idle",        [HOTSPOT_PROGRAM] = "outside of JavaScript",
    [HOTSPOT_ROOT] = "nowhere",
};
static const char *const kind_key[] = {
    [HOTSPOT_APP] = "app",   [HOTSPOT_PACKAGE] = "packages", [HOTSPOT_NODE] = "node",
    [HOTSPOT_GC] = "gc",     [HOTSPOT_IDLE] = "idle",        [HOTSPOT_PROGRAM] = "program",
    [HOTSPOT_ROOT] = "root",
};

static struct str file_of(struct str url)
{
    return str_starts(url, STR("file://")) ? str_sub(url, 7, url.len) : url;
}

static void cell_time(struct table *t, const struct report *r, u64 hits)
{
    AUTO(buf_done) struct buf text = { 0 };

    if (r->p.is_of_bytes)
        brief_bytes(&text, (double)hits);
    else
        brief_time(&text, (double)hits * r->hit_ms);
    table_add(t, buf_str(&text));
}

static void cell_share(struct table *t, const struct report *r, u64 hits)
{
    char text[16];

    snprintf(text, sizeof(text), "%.1f", r->busy ? 100.0 * (double)hits / (double)r->busy : 0);
    table_add(t, str_of(text));
}

static void add_place(struct buf *out, const struct profile *p, u32 frame)
{
    struct str url = file_of(profile_url(p, frame));

    if (!url.len)
        return;
    buf_add(out, url);
    if (p->frame[frame].line >= 0)
        buf_addf(out, ":%d:%d", p->frame[frame].line + 1, p->frame[frame].column + 1);
}

static struct str shown_name(const struct profile *p, u32 frame)
{
    struct str name = profile_name(p, frame);

    return name.len ? name : STR("(anonymous)");
}

static void write_table(struct table *t, struct buf *out)
{
    if (t->count)
        buf_addc(out, '\n');
    if (t->count)
        table_write(t, table_width(STDOUT_FILENO), log_colours(STDOUT_FILENO), out);
    table_done(t);
}

/* What is no function of anybody's, and stands in the head of the report. */
static bool is_meta(const struct profile *p, u32 frame)
{
    struct str package;
    enum hotspot_kind kind = hotspots_kind(profile_name(p, frame), profile_url(p, frame), &package);

    return kind >= HOTSPOT_GC;
}

static void functions_text(const struct report *r, u32 top, struct buf *out)
{
    struct table t = { .column = function_columns, .columns = ARRAY_LEN(function_columns) };
    u32 shown = 0, left = 0;

    for (u32 i = 0; i < r->h.functions; i++) {
        const struct hotspot *f = &r->h.function[i];
        AUTO(buf_done) struct buf place = { 0 };

        if (is_meta(&r->p, f->frame) || !f->self)
            continue;
        if (top && shown == top) {
            left++;
            continue;
        }
        shown++;
        cell_time(&t, r, f->self);
        cell_share(&t, r, f->self);
        cell_time(&t, r, f->total);
        cell_share(&t, r, f->total);
        table_add(&t, shown_name(&r->p, f->frame));
        add_place(&place, &r->p, f->frame);
        table_add(&t, buf_str(&place));
    }
    write_table(&t, out);
    if (left)
        buf_addf(out, "… and %u more functions (--top all)\n", left);
}

static void lines_text(const struct report *r, u32 top, struct buf *out)
{
    struct table t = { .column = line_columns, .columns = ARRAY_LEN(line_columns) };

    for (u32 i = 0; i < r->h.lines && (!top || i < top); i++) {
        const struct hot_line *l = &r->h.line[i];
        AUTO(buf_done) struct buf place = { 0 };
        struct str url = file_of(names_text(&r->p.names, l->url));

        cell_time(&t, r, l->hits);
        cell_share(&t, r, l->hits);
        buf_addf(&place, "%.*s:%u", STR_ARG(url), l->line);
        table_add(&t, buf_str(&place));
        table_add(&t, shown_name(&r->p, l->frame));
    }
    write_table(&t, out);
}

static void packages_text(const struct report *r, u32 top, struct buf *out)
{
    struct table t = { .column = package_columns, .columns = ARRAY_LEN(package_columns) };

    for (u32 i = 0; i < r->h.packages && (!top || i < top); i++) {
        cell_time(&t, r, r->h.package[i].self);
        cell_share(&t, r, r->h.package[i].self);
        table_add(&t, names_text(&r->h.names, r->h.package[i].name));
    }
    write_table(&t, out);
}

static void head_text(const struct report *r, struct buf *out)
{
    bool first = true;

    if (r->p.is_of_bytes) {
        brief_bytes(out, (double)r->p.hits);
        buf_add(out, STR(" were allocated and stayed, by what was sampled\n"));
        return;
    }

    brief_time(out, (r->p.end_us - r->p.start_us) / 1000);
    buf_addf(out, " in %llu samples; busy ", (unsigned long long)r->p.hits);
    brief_time(out, (double)r->busy * r->hit_ms);
    buf_add(out, STR(", of which "));
    for (u32 i = 0; i < ARRAY_LEN(kind_title); i++) {
        if (i == HOTSPOT_IDLE || !r->h.kind[i])
            continue;
        buf_addf(out, "%s%s %.0f %%", first ? "" : ", ", kind_title[i],
                 100.0 * (double)r->h.kind[i] / (double)r->busy);
        first = false;
    }
    if (first)
        out->len -= strlen(", of which ");
    buf_addc(out, '\n');
}

static void json_milliseconds(struct buf *out, const char *key, double ms)
{
    json_key(out, key);
    buf_addf(out, "%.3f", ms);
}

/* "self_ms":1.250, or "self_bytes":4096 of allocations; `what` is "self" or "total". */
static void amount_json(const struct report *r, struct buf *out, const char *what, u64 hits)
{
    char key[24];

    snprintf(key, sizeof(key), r->p.is_of_bytes ? "%s_bytes" : "%s_ms", what);
    if (!r->p.is_of_bytes) {
        json_milliseconds(out, key, (double)hits * r->hit_ms);
        return;
    }
    json_key(out, key);
    json_u64(out, hits);
}

static void place_json(const struct report *r, u32 frame, struct buf *out)
{
    const struct profile_frame *f = &r->p.frame[frame];

    json_key(out, "function");
    json_text(out, profile_name(&r->p, frame));
    json_key(out, "file");
    json_text(out, file_of(profile_url(&r->p, frame)));
    if (f->line >= 0) {
        json_key(out, "line");
        json_u64(out, (u64)f->line + 1);
        json_key(out, "column");
        json_u64(out, (u64)f->column + 1);
    }
}

static void functions_json(const struct report *r, struct buf *out)
{
    json_key(out, "functions");
    buf_addc(out, '[');
    for (u32 i = 0; i < r->h.functions; i++) {
        const struct hotspot *f = &r->h.function[i];

        json_comma(out);
        buf_addc(out, '{');
        place_json(r, f->frame, out);
        if (!r->p.is_of_bytes) {
            json_key(out, "samples");
            json_u64(out, f->self);
        }
        amount_json(r, out, "self", f->self);
        amount_json(r, out, "total", f->total);
        buf_addc(out, '}');
    }
    buf_addc(out, ']');
}

static void lines_json(const struct report *r, struct buf *out)
{
    json_key(out, "lines");
    buf_addc(out, '[');
    for (u32 i = 0; i < r->h.lines; i++) {
        const struct hot_line *l = &r->h.line[i];

        json_comma(out);
        buf_addc(out, '{');
        json_key(out, "file");
        json_text(out, file_of(names_text(&r->p.names, l->url)));
        json_key(out, "line");
        json_u64(out, l->line);
        json_key(out, "function");
        json_text(out, profile_name(&r->p, l->frame));
        amount_json(r, out, "self", l->hits);
        buf_addc(out, '}');
    }
    buf_addc(out, ']');
}

static void all_json(const struct report *r, struct buf *out)
{
    buf_addc(out, '{');
    if (r->p.is_of_bytes) {
        json_key(out, "total_bytes");
        json_u64(out, r->p.hits);
    } else {
        json_milliseconds(out, "duration_ms", (r->p.end_us - r->p.start_us) / 1000);
        json_key(out, "samples");
        json_u64(out, r->p.hits);
        json_key(out, "self_ms");
        buf_addc(out, '{');
        for (u32 i = 0; i < ARRAY_LEN(kind_key); i++)
            json_milliseconds(out, kind_key[i], (double)r->h.kind[i] * r->hit_ms);
        buf_addc(out, '}');
    }
    functions_json(r, out);
    lines_json(r, out);
    json_key(out, "packages");
    buf_addc(out, '[');
    for (u32 i = 0; i < r->h.packages; i++) {
        json_comma(out);
        buf_addc(out, '{');
        json_key(out, "package");
        json_text(out, names_text(&r->h.names, r->h.package[i].name));
        amount_json(r, out, "self", r->h.package[i].self);
        buf_addc(out, '}');
    }
    buf_add(out, STR("]}\n"));
}

static void report_done(struct report *r)
{
    hotspots_done(&r->h);
    profile_done(&r->p);
}

static int report_run(int argc, char **argv, const struct settings_table *flags, const char *needs,
                      const char *kind)
{
    AUTO(cpu_options_done) struct cpu_options o = { 0 };
    AUTO(report_done) struct report r = { 0 };
    AUTO(buf_done) struct buf out = { 0 };
    struct problem p = { 0 };
    int code = cpu_options_read(&o, flags, argc, argv, 1, 1, needs), err;

    if (code)
        return max(code, 0);
    err = profile_file_read(&r.p, o.word[0], kind, o.source_maps, &p);
    if (!err)
        err = hotspots_find(&r.h, &r.p);
    if (err)
        return heap_load_failed(err, o.word[0], &p);
    r.hit_ms = profile_hit_ms(&r.p);
    r.busy = r.p.hits - r.h.kind[HOTSPOT_IDLE];
    if (o.json) {
        all_json(&r, &out);
    } else {
        head_text(&r, &out);
        functions_text(&r, o.top, &out);
        lines_text(&r, o.top, &out);
        packages_text(&r, o.top, &out);
    }
    return command_print(&out);
}

int cpu_report_command(int argc, char **argv)
{
    return report_run(argc, argv, &cpu_report_flags, "a FILE, such as app.cpuprofile",
                      "CPU profile");
}

int heap_report_command(int argc, char **argv)
{
    return report_run(argc, argv, &heap_report_flags, "a FILE, such as app.heapprofile",
                      "profile of allocations");
}
