/* admin/findings_page.c -- /api/findings: JSON about what is wrong with the apps */
#include "admin/page.h"
#include "base/json.h"

static void text(struct buf *out, const char *key, struct str s)
{
    json_key(out, key);
    if (s.len)
        json_text(out, s);
    else
        json_null(out);
}

static void number(struct buf *out, const char *key, u64 n)
{
    json_key(out, key);
    if (n)
        json_u64(out, n);
    else
        json_null(out);
}

/* A time of CLOCK_MONOTONIC as milliseconds since 1970. */
static u64 wall_ms(u64 at_ns, u64 now_ns)
{
    u64 ago_ms = at_ns < now_ns ? (now_ns - at_ns) / NS_PER_MS : 0, wall = clock_wall_ms();

    return wall > ago_ms ? wall - ago_ms : 0;
}

static void workers_write(struct buf *out, const struct found_entry *e)
{
    json_key(out, "workers");
    buf_addc(out, '[');
    for (u32 i = 0; i < FOUND_WORKERS_MAX; i++)
        if (e->workers[i / 64] >> i % 64 & 1)
            json_u64(out, i);
    buf_addc(out, ']');
}

static void place_write(struct buf *out, const struct finding *w)
{
    json_key(out, "place");
    if (!w->file.len && !w->function.len) {
        json_null(out);
        return;
    }
    buf_addc(out, '{');
    text(out, "function", w->function);
    text(out, "file", w->file);
    number(out, "line", w->line);
    number(out, "column", w->column);
    text(out, "source", w->source);
    buf_addc(out, '}');
}

/* Of the newest time. The second is CLOCK_MONOTONIC, as process.hrtime() has it. */
static void stack_write(struct buf *out, const struct finding *w)
{
    json_key(out, "stack_ms");
    if (w->stack_ns)
        json_ms(out, w->stack_ns);
    else
        json_null(out);
    number(out, "stack_at_ns", w->stack_ns ? w->at_ns + w->stack_ns : 0);
}

static void times_write(struct buf *out, const struct found_entry *e, u64 now_ns)
{
    json_key(out, "count");
    json_u64(out, e->finding.count);
    json_key(out, "first_ms");
    json_u64(out, wall_ms(e->first_ns, now_ns));
    json_key(out, "last_ms");
    json_u64(out, wall_ms(e->last_ns, now_ns));
    json_key(out, "total_ms");
    json_ms(out, e->total_ns);
    json_key(out, "worst_ms");
    json_ms(out, e->finding.took_ns);
    stack_write(out, &e->finding);
}

static void entry_write(struct buf *out, const struct page_source *src, const struct found_entry *e)
{
    const struct finding *w = &e->finding;

    json_comma(out);
    buf_addc(out, '{');
    json_key(out, "id");
    json_u64(out, e->id);
    json_key(out, "kind");
    json_text(out, finding_word(w->kind));
    json_key(out, "title");
    json_text(out, finding_title(w->kind));
    json_key(out, "app");
    json_text(out, reading_app_name(src->shm, w->app));
    workers_write(out, e);
    text(out, "route", w->route);
    text(out, "subject", w->subject);
    place_write(out, w);
    text(out, "text", w->text);
    text(out, "advice", w->advice);
    times_write(out, e, src->now_ns);
    buf_addc(out, '}');
}

/* Those that last at this moment. */
static void blocked_write(struct buf *out, const struct page_source *src)
{
    struct blocks_now now;

    json_key(out, "blocked");
    buf_addc(out, '[');
    for (u32 slot = 0; src->blocks && blocks_each(src->blocks, &slot, &now);) {
        json_comma(out);
        buf_addc(out, '{');
        json_key(out, "app");
        json_text(out, reading_app_name(src->shm, now.app));
        json_key(out, "worker");
        json_u64(out, now.worker);
        json_key(out, "pid");
        json_u64(out, now.pid);
        json_key(out, "since_ms");
        json_u64(out, wall_ms(now.since_ns, src->now_ns));
        json_key(out, "took_ms");
        json_ms(out, now.took_ns);
        text(out, "text", now.text);
        buf_addc(out, '}');
    }
    buf_addc(out, ']');
}

void page_findings(struct buf *out, const struct page_source *src)
{
    const struct found_entry *e;

    buf_addc(out, '{');
    json_key(out, "findings");
    buf_addc(out, '[');
    for (u32 i = 0; src->found && (e = found_at(src->found, i)); i++)
        entry_write(out, src, e);
    buf_addc(out, ']');
    blocked_write(out, src);
    json_key(out, "evicted");
    json_u64(out, src->found ? found_evicted(src->found) : 0);
    buf_add(out, STR("}\n"));
}
