/* admin/workers_page.c -- /api/workers and /api/history: JSON about each Node process */
#include "admin/page.h"
#include "base/json.h"
#include "metrics/histogram.h"
#include "metrics/text.h"

static void seconds(struct buf *out, const char *key, u64 ns)
{
    char text[TEXT_SECONDS_MAX];

    json_key(out, key);
    buf_add(out, text_of_seconds(ns, text));
}

static void number(struct buf *out, const char *key, u64 n)
{
    json_key(out, key);
    json_u64(out, n);
}

static void listening(struct buf *out, const struct reading *r, const struct shm *shm)
{
    json_key(out, "listening");
    buf_addc(out, '[');
    for (u32 i = 0; i < SHM_LISTENERS_MAX; i++)
        if (r->listening & BIT(i))
            json_text(
                out, str_make(shm->listener[i].address,
                              strnlen(shm->listener[i].address, sizeof(shm->listener[i].address))));
    buf_addc(out, ']');
}

static void lag(struct buf *out, const struct lag *l)
{
    json_key(out, "lag_ms");
    buf_addc(out, '{');
    json_key(out, "p50");
    json_ms(out, l->p50_ns);
    json_key(out, "p90");
    json_ms(out, l->p90_ns);
    json_key(out, "p99");
    json_ms(out, l->p99_ns);
    json_key(out, "max");
    json_ms(out, l->max_ns);
    buf_addc(out, '}');
}

static void collections(struct buf *out, const struct reading *r)
{
    json_key(out, "gc");
    buf_addc(out, '{');
    for (u32 kind = 0; kind < SHM_GC_KINDS; kind++) {
        u64 count;

        histogram_cumulate(r->gc[kind].bucket, reading_gc_le_ns, READING_GC_BOUNDS, NULL, 0,
                           &count);
        json_key(out, reading_gc_name(kind));
        buf_addc(out, '{');
        number(out, "count", count);
        seconds(out, "seconds", r->gc[kind].total_ns);
        seconds(out, "max_seconds", r->gc[kind].max_ns);
        buf_addc(out, '}');
    }
    buf_addc(out, '}');
}

static void worker(struct buf *out, const struct reading *r, const struct shm *shm)
{
    json_comma(out);
    buf_addc(out, '{');
    json_key(out, "id");
    json_text(out, str_of(r->id));
    json_key(out, "app");
    json_text(out, reading_app_name(shm, r->app));
    number(out, "worker", r->worker);
    json_key(out, "is_main");
    json_bool(out, r->is_main);
    number(out, "pid", r->pid);
    json_key(out, "state");
    json_text(out, str_of(reading_state_name(r->state)));
    number(out, "generation", r->generation);
    number(out, "restarts", r->restarts);
    number(out, "uptime_ms", r->uptime_ns / NS_PER_MS);
    json_key(out, "node_version");
    json_text(out, str_of(r->node_version));
    number(out, "busy_ms", r->running_ns / NS_PER_MS);
    json_key(out, "utilization");
    json_ppm(out, r->utilization_ppm);
    lag(out, &r->lag_arrival);
    number(out, "rss_bytes", r->rss_bytes);
    number(out, "heap_used_bytes", r->heap_used_bytes);
    number(out, "heap_total_bytes", r->heap_total_bytes);
    number(out, "heap_limit_bytes", r->heap_limit_bytes);
    number(out, "external_bytes", r->external_bytes);
    number(out, "array_buffers_bytes", r->array_buffers_bytes);
    number(out, "active_handles", r->active_handles);
    number(out, "active_requests", r->active_requests);
    seconds(out, "cpu_seconds", r->cpu_ns);
    number(out, "open_fds", r->open_fds);
    number(out, "in_flight", r->in_flight);
    number(out, "streams", r->streams);
    number(out, "requests", r->requests);
    number(out, "failures", r->failures);
    listening(out, r, shm);
    collections(out, r);
    buf_addc(out, '}');
}

void page_workers(struct buf *out, const struct page_source *src)
{
    AUTO(freep) struct reading *r = calloc(SHM_SLOTS_MAX, sizeof(*r));
    u32 count;

    if (!r) {
        out->failed = true;
        return;
    }
    count = sampler_read_all(src->sampler, src->shm, src->now_ns, r);
    buf_addc(out, '[');
    for (u32 i = 0; i < count; i++)
        worker(out, &r[i], src->shm);
    buf_add(out, STR("]\n"));
}

/* One member of a sample, of all samples: a list. */
enum column_unit { COLUMN_NUMBER, COLUMN_WALL_MS, COLUMN_MS, COLUMN_PPM };
static const struct column {
    const char *key;
    enum column_unit unit;
    size_t offset;
} columns[] = {
    { "at_ms", COLUMN_WALL_MS, offsetof(struct sample, at_ns) },
    { "utilization", COLUMN_PPM, offsetof(struct sample, utilization_ppm) },
    { "cpu", COLUMN_PPM, offsetof(struct sample, cpu_ppm) },
    { "lag_p99_ms", COLUMN_MS, offsetof(struct sample, lag_p99_ns) },
    { "rss_bytes", COLUMN_NUMBER, offsetof(struct sample, rss_bytes) },
    { "heap_used_bytes", COLUMN_NUMBER, offsetof(struct sample, heap_used_bytes) },
    { "in_flight", COLUMN_NUMBER, offsetof(struct sample, in_flight) },
    { "requests", COLUMN_NUMBER, offsetof(struct sample, requests) },
};

static void column(struct buf *out, const struct page_source *src, const struct reading *r,
                   const struct column *c)
{
    const struct sample *s;

    json_key(out, c->key);
    buf_addc(out, '[');
    for (u32 i = 0; (s = sampler_sample(src->sampler, r, i)); i++) {
        u64 n = *(const u64 *)((const char *)s + c->offset);

        switch (c->unit) {
        case COLUMN_NUMBER:
            json_u64(out, n);
            break;
        case COLUMN_WALL_MS:
            json_u64(out, u64_add(src->shm->started_wall_ms,
                                  u64_sub(n, src->shm->started_ns) / NS_PER_MS));
            break;
        case COLUMN_MS:
            json_ms(out, n);
            break;
        case COLUMN_PPM:
            json_ppm(out, n);
            break;
        }
    }
    buf_addc(out, ']');
}

void page_history(struct buf *out, const struct page_source *src)
{
    AUTO(freep) struct reading *r = calloc(SHM_SLOTS_MAX, sizeof(*r));
    u32 count;

    if (!r) {
        out->failed = true;
        return;
    }
    count = sampler_read_all(src->sampler, src->shm, src->now_ns, r);
    buf_addc(out, '[');
    for (u32 i = 0; i < count; i++) {
        json_comma(out);
        buf_addc(out, '{');
        json_key(out, "id");
        json_text(out, str_of(r[i].id));
        json_key(out, "app");
        json_text(out, reading_app_name(src->shm, r[i].app));
        number(out, "pid", r[i].pid);
        for (u32 c = 0; c < ARRAY_LEN(columns); c++)
            column(out, src, &r[i], &columns[c]);
        buf_addc(out, '}');
    }
    buf_add(out, STR("]\n"));
}
