/* admin/apps_page.c -- /api/apps: JSON about each app, its workers added up */
#include "admin/page.h"
#include "base/json.h"
#include "metrics/histogram.h"
#include "metrics/text.h"

struct sums {
    u64 requests, failures, in_flight, streams, restarts, rss_bytes, cpu_ns, utilization_ppm;
    u32 loops;
};

static void sums_take(struct sums *s, const struct reading *r)
{
    s->requests = u64_add(s->requests, r->requests);
    s->failures = u64_add(s->failures, r->failures);
    s->in_flight += r->in_flight;
    s->streams += r->streams;
    s->restarts += r->is_main ? r->restarts : 0;
    s->rss_bytes = u64_add(s->rss_bytes, r->rss_bytes);
    s->cpu_ns = u64_add(s->cpu_ns, r->cpu_ns);
    s->utilization_ppm += r->has_loop ? r->utilization_ppm : 0;
    s->loops += r->has_loop;
}

static const char *state_name(u32 state)
{
    switch ((enum shm_app_state)state) {
    case SHM_APP_NONE:
    case SHM_APP_GONE:
        break;
    case SHM_APP_STARTING:
        return "starting";
    case SHM_APP_RUNNING:
        return "running";
    case SHM_APP_STOPPED:
        return "stopped";
    case SHM_APP_FINISHED:
        return "finished";
    case SHM_APP_ERRORED:
        return "errored";
    }
    return "unknown";
}

static void number(struct buf *out, const char *key, u64 n)
{
    json_key(out, key);
    json_u64(out, n);
}

/* Its requests that wait in the central queue. */
static u64 queued(const struct shm *shm, u32 app)
{
    u32 n = atomic_load(&shm->lanes[app].queued);

    return n > INT32_MAX ? 0 : n; /* below 0 for a moment */
}

static void app_write(struct buf *out, const struct page_source *src, u32 app, const struct sums *s)
{
    const struct shm_app *from = &src->shm->app[app];
    u64 started_ns = atomic_load(&from->started_ns);
    char text[TEXT_SECONDS_MAX];

    json_comma(out);
    buf_addc(out, '{');
    json_key(out, "name");
    json_text(out, reading_app_name(src->shm, app));
    json_key(out, "state");
    json_text(out, str_of(state_name(atomic_load(&from->state))));
    number(out, "uptime_ms", started_ns ? u64_sub(src->now_ns, started_ns) / NS_PER_MS : 0);
    number(out, "workers_wanted", atomic_load(&from->workers_wanted));
    number(out, "workers_ready", page_workers_ready(src->shm, app));
    number(out, "restarts", s->restarts);
    json_key(out, "utilization");
    json_ppm(out, s->loops ? s->utilization_ppm / s->loops : 0);
    number(out, "rss_bytes", s->rss_bytes);
    json_key(out, "cpu_seconds");
    buf_add(out, text_of_seconds(s->cpu_ns, text));
    number(out, "in_flight", s->in_flight);
    number(out, "queued", queued(src->shm, app));
    number(out, "streams", s->streams);
    number(out, "requests", s->requests);
    number(out, "failures", s->failures);
    page_listeners(out, src->shm, app);
    buf_addc(out, '}');
}

void page_apps(struct buf *out, const struct page_source *src)
{
    AUTO(freep) struct reading *r = calloc(SHM_SLOTS_MAX, sizeof(*r));
    struct sums sums[SHM_APPS_MAX] = { 0 };
    u32 count;

    if (!r) {
        out->failed = true;
        return;
    }
    count = sampler_read_all(src->sampler, src->shm, src->now_ns, r);
    for (u32 i = 0; i < count; i++)
        sums_take(&sums[r[i].app], &r[i]);
    buf_addc(out, '[');
    for (u32 i = 0; i < reading_apps(src->shm); i++)
        if (!reading_app_is_gone(src->shm, i))
            app_write(out, src, i, &sums[i]);
    buf_add(out, STR("]\n"));
}
