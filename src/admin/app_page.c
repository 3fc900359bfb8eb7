/* admin/app_page.c -- /api/app: JSON about the app as a whole, and whether it is ready */
#include "admin/page.h"
#include "base/json.h"
#include "metrics/histogram.h"
#include "metrics/text.h"
#include "shm/refusal.h"

static bool is_ready(const struct shm_slot *slot)
{
    return atomic_load(&slot->state) == SHM_READY;
}

/* A worker's number over all apps. */
static u64 worker_of(const struct shm_slot *slot)
{
    return (u64)atomic_load(&slot->app) << 32 | atomic_load(&slot->worker);
}

u64 page_workers_wanted(const struct shm *shm)
{
    u32 apps = reading_apps(shm);
    u64 n = 0;

    for (u32 i = 0; i < apps; i++)
        n += atomic_load(&shm->app[i].workers_wanted);
    return n;
}

u32 page_workers_ready(const struct shm *shm, u32 app)
{
    u32 used = shm_slots_used(shm), ready = 0;

    for (u32 i = 0; i < used; i++) {
        u32 first = 0;

        if (!is_ready(&shm->slot[i]) || atomic_load(&shm->slot[i].app) != app)
            continue;
        while (first < i && !(is_ready(&shm->slot[first]) &&
                              worker_of(&shm->slot[first]) == worker_of(&shm->slot[i])))
            first++;
        ready += first >= i;
    }
    return ready;
}

static u64 ready_count(const struct shm *shm)
{
    u64 n = 0;

    for (u32 i = 0; i < reading_apps(shm); i++)
        n += page_workers_ready(shm, i);
    return n;
}

/* It has no processes, and needs none: its requests go to other hosts. */
static bool is_hosts(const struct shm *shm, u32 app)
{
    return atomic_load(&shm->app[app].state) == SHM_APP_RUNNING &&
           atomic_load(&shm->app[app].workers_wanted) == 0;
}

static bool any_hosts(const struct shm *shm)
{
    for (u32 i = 0; i < reading_apps(shm); i++)
        if (is_hosts(shm, i))
            return true;
    return false;
}

const char *page_unready(const struct shm *shm)
{
    u32 apps = reading_apps(shm);

    if (atomic_load(&shm->draining))
        return "fettle is stopping";
    if (ready_count(shm) == 0 && !any_hosts(shm))
        return "no worker is ready";
    for (u32 i = 0; i < apps; i++) {
        u32 state = atomic_load(&shm->app[i].state);

        if (state == SHM_APP_ERRORED)
            return "an app was given up";
        if (state <= SHM_APP_RUNNING && page_workers_ready(shm, i) == 0 && !is_hosts(shm, i))
            return "an app has no worker that is ready";
    }
    return NULL;
}

static struct str text_at(const char *text, size_t room)
{
    return str_make(text, strnlen(text, room));
}

static void number(struct buf *out, const char *key, u64 n)
{
    json_key(out, key);
    json_u64(out, n);
}

static u64 gauge(const _Atomic u32 *p)
{
    u32 n = atomic_load(p);

    return n > INT32_MAX ? 0 : n; /* below 0 for a moment */
}

void page_listeners(struct buf *out, const struct shm *shm, u32 app)
{
    json_key(out, "listeners");
    buf_addc(out, '[');
    for (u32 i = 0; i < SHM_LISTENERS_MAX; i++) {
        const struct shm_listener *l = &shm->listener[i];

        if (atomic_load(&l->state) != 1 || (app != PAGE_ALL_APPS && atomic_load(&l->app) != app))
            continue;
        json_comma(out);
        buf_addc(out, '{');
        json_key(out, "address");
        json_text(out, text_at(l->address, sizeof(l->address)));
        json_key(out, "kind");
        json_text(out, atomic_load(&l->kind) == 0 ? STR("http") : STR("stream"));
        buf_addc(out, '}');
    }
    buf_addc(out, ']');
}

static void own(struct buf *out, const struct page_source *src, enum sampler_own which, u32 pid)
{
    struct usage usage;

    number(out, "pid", pid);
    if (sampler_own_usage(src->sampler, which, &usage))
        number(out, "rss_bytes", usage.rss_bytes);
}

static void proxy(struct buf *out, const struct page_source *src)
{
    const struct shm_proxy *p = &src->shm->proxy;
    char text[TEXT_SECONDS_MAX];
    u64 started_ns = atomic_load(&p->started_ns);

    json_key(out, "proxy");
    buf_addc(out, '{');
    own(out, src, SAMPLER_PROXY, atomic_load(&src->shm->proxy_pid));
    number(out, "restarts", atomic_load(&src->shm->proxy_restarts));
    number(out, "uptime_ms", started_ns ? u64_sub(src->now_ns, started_ns) / NS_PER_MS : 0);
    number(out, "connections", gauge(&p->connections));
    number(out, "connections_total", atomic_load(&p->connections_total));
    number(out, "active_requests", gauge(&p->active_requests));
    json_key(out, "queue");
    buf_addc(out, '{');
    number(out, "length", gauge(&p->queued));
    number(out, "total", atomic_load(&p->queued_total));
    json_key(out, "wait_seconds");
    buf_add(out, text_of_seconds(atomic_load(&p->queue_wait_ns), text));
    buf_addc(out, '}');
    json_key(out, "refused");
    buf_addc(out, '{');
    for (u32 i = 0; i < SHM_REFUSALS; i++)
        number(out, refusal_name[i], atomic_load(&p->refused[i]));
    buf_addc(out, '}');
    number(out, "retries", atomic_load(&p->retries));
    number(out, "bytes_in", atomic_load(&p->bytes_in));
    number(out, "bytes_out", atomic_load(&p->bytes_out));
    number(out, "access_log_dropped", atomic_load(&p->log_dropped));
    buf_addc(out, '}');
}

/* What was served in the last ten seconds. */
static void recent(struct buf *out, const struct page_source *src)
{
    struct traffic t;

    sampler_traffic(src->sampler, src->shm, src->now_ns, &t);
    json_key(out, "recent");
    buf_addc(out, '{');
    number(out, "window_ms", t.window_ns / NS_PER_MS);
    number(out, "requests", t.requests);
    json_key(out, "latency_ms");
    buf_addc(out, '{');
    json_key(out, "p50");
    json_ms(out, t.p50_ns);
    json_key(out, "p90");
    json_ms(out, t.p90_ns);
    json_key(out, "p99");
    json_ms(out, t.p99_ns);
    buf_add(out, STR("}}"));
}

static void started(struct buf *out, u64 wall_ms)
{
    time_t at = (time_t)(wall_ms / 1000);
    char text[40];
    struct tm tm;

    json_key(out, "started");
    if (!gmtime_r(&at, &tm) || !strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm))
        json_null(out);
    else
        json_text(out, str_of(text));
}

void page_app(struct buf *out, const struct page_source *src)
{
    const struct shm *shm = src->shm;
    const char *unready = page_unready(shm);

    buf_addc(out, '{');
    json_key(out, "name");
    json_text(out, reading_app_name(shm, 0));
    json_key(out, "version");
    json_text(out, STR(FETTLE_VERSION));
    started(out, shm->started_wall_ms);
    number(out, "uptime_ms", u64_sub(src->now_ns, shm->started_ns) / NS_PER_MS);
    json_key(out, "ready");
    json_bool(out, !unready);
    json_key(out, "draining");
    json_bool(out, atomic_load(&shm->draining));
    number(out, "workers_wanted", page_workers_wanted(shm));
    number(out, "workers_ready", ready_count(shm));
    page_listeners(out, shm, PAGE_ALL_APPS);
    recent(out, src);
    proxy(out, src);
    json_key(out, "supervisor");
    buf_addc(out, '{');
    own(out, src, SAMPLER_SUPERVISOR, shm->supervisor_pid);
    buf_addc(out, '}');
    json_key(out, "monitor");
    buf_addc(out, '{');
    own(out, src, SAMPLER_MONITOR, (u32)getpid());
    number(out, "restarts", atomic_load(&shm->monitor_restarts));
    buf_add(out, STR("}}\n"));
}
