/* admin/metrics_fettle.c -- what only fettle knows: its proxy, its queue, its workers' loops */
#include "admin/metrics_page.h"

#include "admin/ceilings.h"
#include "admin/circuits.h"
#include "admin/upstreams.h"
#include "metrics/histogram.h"
#include "shm/refusal.h"

#define AT(field) offsetof(struct reading, field)

/* clang-format off */
static const struct metrics_row worker_rows[] = {
    { "fettle_worker_in_flight", TEXT_GAUGE, METRICS_COUNT, METRICS_ALIVE, AT(in_flight),
      "HTTP requests given to the process and not yet answered." },
    { "fettle_worker_streams", TEXT_GAUGE, METRICS_COUNT, METRICS_ALIVE, AT(streams),
      "WebSockets and other byte streams open with the process." },
    { "fettle_worker_requests_total", TEXT_COUNTER, METRICS_COUNT, METRICS_ALIVE, AT(requests),
      "Requests that the process has answered." },
    { "fettle_worker_failures_total", TEXT_COUNTER, METRICS_COUNT, METRICS_ALIVE, AT(failures),
      "Requests answered with 502 or 504 on the account of the process." },
    { "fettle_worker_uptime_seconds", TEXT_GAUGE, METRICS_NS, METRICS_ALIVE, AT(uptime_ns),
      "How long the process has been running." },
    { "fettle_worker_loop_busy_seconds_total", TEXT_COUNTER, METRICS_NS, METRICS_LOOP, AT(busy_ns),
      "Time that the event loop has spent running, the present turn included." },
    { "fettle_worker_loop_wait_seconds_total", TEXT_COUNTER, METRICS_NS, METRICS_LOOP, AT(wait_ns),
      "Time that the event loop has spent waiting for something to do." },
    { "fettle_worker_loop_turns_total", TEXT_COUNTER, METRICS_COUNT, METRICS_LOOP, AT(turns),
      "Turns of the event loop that had something to do." },
    { "fettle_worker_loop_running_seconds", TEXT_GAUGE, METRICS_NS, METRICS_LOOP, AT(running_ns),
      "How long the present turn of the event loop has been running; 0 while it waits." },
    { "fettle_worker_loop_utilization_ratio", TEXT_GAUGE, METRICS_PPM, METRICS_LOOP, AT(utilization_ppm),
      "Share of the last second that the event loop was running." },
    { "fettle_worker_loop_delay_p50_seconds", TEXT_GAUGE, METRICS_NS, METRICS_LOOP, AT(lag_arrival.p50_ns),
      "How long what arrives at the event loop waits until it is looked at: the median of the last 10 s." },
    { "fettle_worker_loop_delay_p90_seconds", TEXT_GAUGE, METRICS_NS, METRICS_LOOP, AT(lag_arrival.p90_ns),
      "The same, 90th percentile." },
    { "fettle_worker_loop_delay_p99_seconds", TEXT_GAUGE, METRICS_NS, METRICS_LOOP, AT(lag_arrival.p99_ns),
      "The same, 99th percentile." },
    { "fettle_worker_loop_delay_max_seconds", TEXT_GAUGE, METRICS_NS, METRICS_LOOP, AT(lag_arrival.max_ns),
      "The same, maximum: the longest turn." },
    { "fettle_worker_heap_limit_bytes", TEXT_GAUGE, METRICS_COUNT, METRICS_AGENT, AT(heap_limit_bytes),
      "The size at which V8 gives up." },
    { "fettle_worker_array_buffers_bytes", TEXT_GAUGE, METRICS_COUNT, METRICS_AGENT, AT(array_buffers_bytes),
      "Memory of ArrayBuffers and Buffers." },
    { "fettle_worker_malloced_bytes", TEXT_GAUGE, METRICS_COUNT, METRICS_AGENT, AT(malloced_bytes),
      "Memory that V8 itself has from malloc." },
};

static const struct proxy_row {
    const char *name;
    enum text_type type;
    enum metrics_unit unit;
    bool is_u32;
    size_t offset; /* in struct shm */
    const char *help;
} proxy_rows[] = {
#define P(field) offsetof(struct shm, proxy.field)
    { "fettle_proxy_connections", TEXT_GAUGE, METRICS_COUNT, true, P(connections),
      "Connections of clients that are open." },
    { "fettle_proxy_connections_total", TEXT_COUNTER, METRICS_COUNT, false, P(connections_total),
      "Connections accepted from clients." },
    { "fettle_proxy_active_requests", TEXT_GAUGE, METRICS_COUNT, true, P(active_requests),
      "Requests that the proxy has begun and not finished." },
    { "fettle_proxy_queue_length", TEXT_GAUGE, METRICS_COUNT, true, P(queued),
      "Requests that wait in the central queue because every event loop is busy." },
    { "fettle_proxy_queued_total", TEXT_COUNTER, METRICS_COUNT, false, P(queued_total),
      "Requests that had to wait in the central queue." },
    { "fettle_proxy_queue_wait_seconds_total", TEXT_COUNTER, METRICS_NS, false, P(queue_wait_ns),
      "Time that requests have waited in the central queue." },
    { "fettle_proxy_retries_total", TEXT_COUNTER, METRICS_COUNT, false, P(retries),
      "Requests that were sent again, to another worker where there was one." },
    { "fettle_proxy_buffer_bytes", TEXT_GAUGE, METRICS_COUNT, false, P(buffer_bytes),
      "Bytes of the buffers that are held for clients (buffer-memory)." },
    { "fettle_proxy_buffer_limit_bytes", TEXT_GAUGE, METRICS_COUNT, false, P(buffer_max_bytes),
      "The most that they may be." },
    { "fettle_proxy_access_log_dropped_total", TEXT_COUNTER, METRICS_COUNT, false, P(log_dropped),
      "Lines of the access log that nobody took in time." },
};
/* clang-format on */

static u64 field_u32(const struct shm *p, size_t offset)
{
    u32 n = atomic_load((const _Atomic u32 *)((const char *)p + offset));

    return n > INT32_MAX ? 0 : n; /* a gauge below 0 for a moment */
}

static u64 field_u64(const struct shm *p, size_t offset)
{
    return atomic_load((const _Atomic u64 *)((const char *)p + offset));
}

static void proxy_write(struct text *t, const struct shm *shm)
{
    const struct shm_proxy *p = &shm->proxy;

    for (u32 i = 0; i < ARRAY_LEN(proxy_rows); i++) {
        const struct proxy_row *row = &proxy_rows[i];
        u64 n = row->is_u32 ? field_u32(shm, row->offset) : field_u64(shm, row->offset);

        text_family(t, row->name, row->type, row->help);
        if (row->unit == METRICS_NS)
            text_seconds(t, NO_LABELS, n);
        else
            text_u64(t, NO_LABELS, n);
    }
    text_family(t, "fettle_proxy_bytes_total", TEXT_COUNTER,
                "Bytes from (in) and to (out) clients.");
    text_u64(t, LABELS({ "direction", STR("in") }), atomic_load(&p->bytes_in));
    text_u64(t, LABELS({ "direction", STR("out") }), atomic_load(&p->bytes_out));
    text_family(t, "fettle_proxy_refused_total", TEXT_COUNTER,
                "Requests and connections that the proxy itself refused, by reason.");
    for (u32 i = 0; i < SHM_REFUSALS; i++)
        text_u64(t, LABELS({ "reason", str_of(refusal_name[i]) }), atomic_load(&p->refused[i]));
}

#define APP(shm, i)                      \
    {                                    \
        "app", reading_app_label(shm, i) \
    }

static void lanes_write(struct text *t, const struct shm *shm)
{
    u32 apps = reading_apps(shm);

    text_family(t, "fettle_lanes_slow_from_seconds", TEXT_GAUGE,
                "Kinds of requests that block an event loop for this long are kept to part of the "
                "workers; 0: there are no lanes.");
    for (u32 i = 0; i < apps; i++)
        if (!reading_app_is_gone(shm, i))
            text_seconds(t, LABELS(APP(shm, i)), atomic_load(&shm->lanes[i].slow_ns));
    text_family(t, "fettle_lanes_workers_kept", TEXT_GAUGE,
                "Workers that are kept for the other kinds.");
    for (u32 i = 0; i < apps; i++)
        if (!reading_app_is_gone(shm, i))
            text_u64(t, LABELS(APP(shm, i)), atomic_load(&shm->lanes[i].kept));
    text_family(t, "fettle_lanes_aged_total", TEXT_COUNTER,
                "Requests of slow kinds that waited so long that they went to any worker.");
    for (u32 i = 0; i < apps; i++)
        if (!reading_app_is_gone(shm, i))
            text_u64(t, LABELS(APP(shm, i)), atomic_load(&shm->lanes[i].aged));
    text_family(t, "fettle_lanes_requests_total", TEXT_COUNTER,
                "Requests given to a worker while there were lanes, by lane.");
    for (u32 i = 0; i < 2 * apps; i++)
        if (!reading_app_is_gone(shm, i / 2))
            text_u64(t, LABELS(APP(shm, i / 2), { "lane", i % 2 ? STR("slow") : STR("fast") }),
                     atomic_load(&shm->lanes[i / 2].requests[i % 2]));
}

static void retries_write(struct text *t, const struct shm *shm)
{
    static const char *const after[SHM_RETRIES] = { [SHM_RETRY_UNREAD] = "unread",
                                                    [SHM_RETRY_CONNECT] = "connect-failure",
                                                    [SHM_RETRY_RESET] = "reset",
                                                    [SHM_RETRY_TIMEOUT] = "timeout",
                                                    [SHM_RETRY_STATUS] = "status" };
    u32 apps = reading_apps(shm);

    text_family(t, "fettle_retries_total", TEXT_COUNTER,
                "Requests that were sent again, by what came before.");
    for (u32 i = 0; i < apps * SHM_RETRIES; i++)
        if (!reading_app_is_gone(shm, i / SHM_RETRIES))
            text_u64(t,
                     LABELS(APP(shm, i / SHM_RETRIES), { "after", str_of(after[i % SHM_RETRIES]) }),
                     atomic_load(&shm->retries[i / SHM_RETRIES].sent[i % SHM_RETRIES]));
    text_family(t, "fettle_retries_denied_total", TEXT_COUNTER,
                "Requests that were not sent again because of the budget, or of retry-max.");
    for (u32 i = 0; i < apps; i++) {
        if (reading_app_is_gone(shm, i))
            continue;
        text_u64(t, LABELS(APP(shm, i), { "by", STR("budget") }),
                 atomic_load(&shm->retries[i].over_budget));
        text_u64(t, LABELS(APP(shm, i), { "by", STR("max") }),
                 atomic_load(&shm->retries[i].over_max));
    }
}

static void apps_write(struct text *t, const struct shm *shm)
{
    u32 apps = reading_apps(shm);

    text_family(t, "fettle_info", TEXT_GAUGE, "Which fettle this is, and the app that it runs.");
    for (u32 i = 0; i < apps; i++)
        if (!reading_app_is_gone(shm, i))
            text_u64(
                t, LABELS({ "version", STR(FETTLE_VERSION) }, { "app", reading_app_name(shm, i) }),
                1);
    text_family(t, "fettle_workers_wanted", TEXT_GAUGE, "How many workers should run.");
    for (u32 i = 0; i < apps; i++)
        if (!reading_app_is_gone(shm, i))
            text_u64(t, LABELS(APP(shm, i)), atomic_load(&shm->app[i].workers_wanted));
}

static void states_write(struct text *t, const struct metrics_source *src)
{
    static const enum shm_state states[] = { SHM_STARTING, SHM_READY, SHM_DRAINING, SHM_BLOCKED,
                                             SHM_DEAD };

    text_family(t, "fettle_worker_state", TEXT_GAUGE,
                "1 for the state that the process is in, 0 for the others.");
    for (u32 i = 0; i < src->workers; i++)
        for (u32 j = 0; j < ARRAY_LEN(states); j++)
            text_u64(t,
                     LABELS(METRICS_WORKER(&src->worker[i]),
                            { "state", str_of(reading_state_name(states[j])) }),
                     src->worker[i].state == states[j]);
    text_family(t, "fettle_worker_restarts_total", TEXT_COUNTER,
                "How often the worker's process has been replaced.");
    for (u32 i = 0; i < src->workers; i++)
        if (src->worker[i].is_main)
            text_u64(t, LABELS(METRICS_WORKER(&src->worker[i])), src->worker[i].restarts);
}

/* Bounds are where shm_delay_bucket's buckets begin: about 1, 4, 16 … ms. */
static void turns_write(struct text *t, const struct metrics_source *src)
{
    enum { BOUNDS = 9 };
    u64 floor_ns[SHM_DELAY_BUCKETS], le_ns[BOUNDS], cumulative[BOUNDS + 1];

    for (u32 i = 0; i < SHM_DELAY_BUCKETS; i++)
        floor_ns[i] = shm_delay_floor_ns(i + 1);
    for (u32 i = 0; i < BOUNDS; i++)
        le_ns[i] = (256 * NS_PER_US) << (2 * i);
    text_family(t, "fettle_worker_loop_turn_seconds", TEXT_HISTOGRAM,
                "Length of the event loop's turns: how long it did not look for new events.");
    for (u32 i = 0; i < src->workers; i++) {
        const struct reading *r = &src->worker[i];

        if (!metrics_has(r, METRICS_LOOP))
            continue;
        histogram_cumulate(r->delay_count, floor_ns, SHM_DELAY_BUCKETS - 1, le_ns, BOUNDS,
                           cumulative);
        text_histogram(t, LABELS(METRICS_WORKER(r)), le_ns, BOUNDS, cumulative, r->turned_ns);
    }
}

/* All answers together, with the fine bounds that per-route series leave out. */
static void http_write(struct text *t, const struct metrics_source *src)
{
    u64 sum[SHM_SERIES_LE + 1] = { 0 }, cumulative[SHM_SERIES_LE + 1], sum_ns = 0;

    for (u32 i = 0; i < src->tallies; i++) {
        sum_ns = u64_add(sum_ns, src->tally[i].sum_ns);
        for (u32 b = 0; b <= SHM_SERIES_LE; b++)
            sum[b] = u64_add(sum[b], src->tally[i].bucket[b]);
    }
    histogram_cumulate(sum, tally_le_ns, SHM_SERIES_LE, tally_le_ns, SHM_SERIES_LE, cumulative);
    text_family(t, "fettle_http_request_duration_seconds", TEXT_HISTOGRAM,
                "Duration of all HTTP requests together.");
    text_histogram(t, NO_LABELS, tally_le_ns, SHM_SERIES_LE, cumulative, sum_ns);
}

static void own_write(struct text *t, const struct metrics_source *src)
{
    static const char *const names[SAMPLER_OWN] = { "supervisor", "proxy", "monitor" };
    const struct shm *shm = src->page->shm;
    struct usage usage;

    text_family(t, "fettle_process_resident_memory_bytes", TEXT_GAUGE,
                "Resident memory of fettle's own processes.");
    for (u32 i = 0; i < SAMPLER_OWN; i++)
        if (sampler_own_usage(src->page->sampler, i, &usage))
            text_u64(t, LABELS({ "process", str_of(names[i]) }), usage.rss_bytes);
    text_family(t, "fettle_process_cpu_seconds_total", TEXT_COUNTER,
                "CPU time of fettle's own processes.");
    for (u32 i = 0; i < SAMPLER_OWN; i++)
        if (sampler_own_usage(src->page->sampler, i, &usage))
            text_seconds(t, LABELS({ "process", str_of(names[i]) }), usage.cpu_ns);
    text_family(t, "fettle_process_restarts_total", TEXT_COUNTER,
                "How often fettle has started its own processes again.");
    text_u64(t, LABELS({ "process", STR("proxy") }), atomic_load(&shm->proxy_restarts));
    text_u64(t, LABELS({ "process", STR("monitor") }), atomic_load(&shm->monitor_restarts));
}

void metrics_fettle(struct text *t, const struct metrics_source *src)
{
    const struct shm *shm = src->page->shm;

    apps_write(t, shm);
    text_family(t, "fettle_start_time_seconds", TEXT_GAUGE,
                "When fettle was started, in seconds since 1970.");
    text_seconds(t, NO_LABELS, min(shm->started_wall_ms, UINT64_MAX / NS_PER_MS) * NS_PER_MS);
    text_family(t, "fettle_ready", TEXT_GAUGE, "What /readyz says: 1 ready, 0 not.");
    text_u64(t, NO_LABELS, page_unready(shm) == NULL);
    own_write(t, src);
    proxy_write(t, shm);
    lanes_write(t, shm);
    retries_write(t, shm);
    circuits_metrics(t, shm);
    upstreams_metrics(t, shm);
    ceilings_metrics(t, shm);
    http_write(t, src);
    states_write(t, src);
    metrics_rows(t, src, worker_rows, ARRAY_LEN(worker_rows));
    turns_write(t, src);
}
