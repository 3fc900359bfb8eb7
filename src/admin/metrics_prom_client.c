/* admin/metrics_prom_client.c -- the names and labels that prom-client 15 uses
 *
 * Dashboards and alerts for Node query these; names, types, label names and bucket bounds are as
 * its default metrics print them, with a `worker` label in front.
 */
#include "admin/metrics_page.h"

#include "metrics/histogram.h"

#define AT(field) offsetof(struct reading, field)

/* clang-format off */
static const struct metrics_row process_rows[] = {
    { "process_cpu_user_seconds_total", TEXT_COUNTER, METRICS_NS, METRICS_ALIVE, AT(cpu_user_ns),
      "Total user CPU time spent in seconds." },
    { "process_cpu_system_seconds_total", TEXT_COUNTER, METRICS_NS, METRICS_ALIVE, AT(cpu_system_ns),
      "Total system CPU time spent in seconds." },
    { "process_cpu_seconds_total", TEXT_COUNTER, METRICS_NS, METRICS_ALIVE, AT(cpu_ns),
      "Total user and system CPU time spent in seconds." },
    { "process_resident_memory_bytes", TEXT_GAUGE, METRICS_COUNT, METRICS_ALIVE, AT(rss_bytes),
      "Resident memory size in bytes." },
    { "process_virtual_memory_bytes", TEXT_GAUGE, METRICS_COUNT, METRICS_ALIVE, AT(vm_bytes),
      "Virtual memory size in bytes." },
    { "process_heap_bytes", TEXT_GAUGE, METRICS_COUNT, METRICS_USAGE, AT(usage.heap_bytes),
      "Process heap size in bytes." },
    { "process_open_fds", TEXT_GAUGE, METRICS_COUNT, METRICS_ALIVE, AT(open_fds),
      "Number of open file descriptors." },
    { "process_max_fds", TEXT_GAUGE, METRICS_COUNT, METRICS_ALIVE, AT(max_fds),
      "Maximum number of open file descriptors." },
    { "nodejs_eventloop_lag_seconds", TEXT_GAUGE, METRICS_NS, METRICS_LOOP, AT(lag_newest_ns),
      "Lag of event loop in seconds." },
    { "nodejs_eventloop_lag_min_seconds", TEXT_GAUGE, METRICS_NS, METRICS_LOOP, AT(lag_timer.min_ns),
      "The minimum recorded event loop delay." },
    { "nodejs_eventloop_lag_max_seconds", TEXT_GAUGE, METRICS_NS, METRICS_LOOP, AT(lag_timer.max_ns),
      "The maximum recorded event loop delay." },
    { "nodejs_eventloop_lag_mean_seconds", TEXT_GAUGE, METRICS_NS, METRICS_LOOP, AT(lag_timer.mean_ns),
      "The mean of the recorded event loop delays." },
    { "nodejs_eventloop_lag_stddev_seconds", TEXT_GAUGE, METRICS_NS, METRICS_LOOP, AT(lag_timer.stddev_ns),
      "The standard deviation of the recorded event loop delays." },
    { "nodejs_eventloop_lag_p50_seconds", TEXT_GAUGE, METRICS_NS, METRICS_LOOP, AT(lag_timer.p50_ns),
      "The 50th percentile of the recorded event loop delays." },
    { "nodejs_eventloop_lag_p90_seconds", TEXT_GAUGE, METRICS_NS, METRICS_LOOP, AT(lag_timer.p90_ns),
      "The 90th percentile of the recorded event loop delays." },
    { "nodejs_eventloop_lag_p99_seconds", TEXT_GAUGE, METRICS_NS, METRICS_LOOP, AT(lag_timer.p99_ns),
      "The 99th percentile of the recorded event loop delays." },
    { "nodejs_active_resources_total", TEXT_GAUGE, METRICS_COUNT, METRICS_AGENT, AT(active_resources),
      "Total number of active resources." },
    { "nodejs_active_handles_total", TEXT_GAUGE, METRICS_COUNT, METRICS_AGENT, AT(active_handles),
      "Total number of active handles." },
    { "nodejs_active_requests_total", TEXT_GAUGE, METRICS_COUNT, METRICS_AGENT, AT(active_requests),
      "Total number of active requests." },
    { "nodejs_heap_size_total_bytes", TEXT_GAUGE, METRICS_COUNT, METRICS_AGENT, AT(heap_total_bytes),
      "Process heap size from Node.js in bytes." },
    { "nodejs_heap_size_used_bytes", TEXT_GAUGE, METRICS_COUNT, METRICS_AGENT, AT(heap_used_bytes),
      "Process heap size used from Node.js in bytes." },
    { "nodejs_external_memory_bytes", TEXT_GAUGE, METRICS_COUNT, METRICS_AGENT, AT(external_bytes),
      "Node.js external memory size in bytes." },
};
/* clang-format on */

static void start_time(struct text *t, const struct metrics_source *src)
{
    const struct shm *shm = src->page->shm;

    text_family(t, "process_start_time_seconds", TEXT_GAUGE,
                "Start time of the process since unix epoch in seconds.");
    for (u32 i = 0; i < src->workers; i++) {
        const struct reading *r = &src->worker[i];
        u64 started_ms =
            u64_add(shm->started_wall_ms, u64_sub(r->started_ns, shm->started_ns) / NS_PER_MS);

        if (metrics_has(r, METRICS_ALIVE))
            text_seconds(t, LABELS(METRICS_WORKER(r)),
                         min(started_ms, UINT64_MAX / NS_PER_MS) * NS_PER_MS);
    }
}

static void spaces(struct text *t, const struct metrics_source *src, const char *name,
                   const char *help, size_t offset)
{
    text_family(t, name, TEXT_GAUGE, help);
    for (u32 i = 0; i < src->workers; i++) {
        const struct reading *r = &src->worker[i];

        for (u32 j = 0; j < r->spaces && metrics_has(r, METRICS_AGENT); j++) {
            const struct reading_space *s = &r->space[j];

            text_u64(t, LABELS(METRICS_WORKER(r), { "space", str_make(s->name, s->short_len) }),
                     *(const u64 *)((const char *)s + offset));
        }
    }
}

/* "v20.20.2" → 20, 20, 2. */
static void version_info(struct text *t, const struct metrics_source *src)
{
    text_family(t, "nodejs_version_info", TEXT_GAUGE, "Node.js version info.");
    for (u32 i = 0; i < src->workers; i++) {
        const struct reading *r = &src->worker[i];
        struct str rest = str_sub(str_of(r->node_version), 1, sizeof(r->node_version));
        struct str major = str_cut(rest, '.', &rest), minor = str_cut(rest, '.', &rest);

        if (metrics_has(r, METRICS_ALIVE) && r->node_version[0] == 'v')
            text_u64(t,
                     LABELS(METRICS_WORKER(r), { "version", str_of(r->node_version) },
                            { "major", major }, { "minor", minor }, { "patch", rest }),
                     1);
    }
}

static void http_duration(struct text *t, const struct metrics_source *src)
{
    static const u64 le_ns[] = {
        5 * NS_PER_MS,    10 * NS_PER_MS,  25 * NS_PER_MS,  50 * NS_PER_MS,
        100 * NS_PER_MS,  250 * NS_PER_MS, 500 * NS_PER_MS, NS_PER_S,
        2500 * NS_PER_MS, 5 * NS_PER_S,    10 * NS_PER_S,
    };
    u64 cumulative[ARRAY_LEN(le_ns) + 1];

    text_family(t, "http_request_duration_seconds", TEXT_HISTOGRAM,
                "Duration of HTTP requests in seconds, as the proxy measured it.");
    for (u32 i = 0; i < src->tallies; i++) {
        const struct tally *s = &src->tally[i];

        histogram_cumulate(s->bucket, tally_le_ns, SHM_SERIES_LE, le_ns, ARRAY_LEN(le_ns),
                           cumulative);
        text_histogram(t,
                       LABELS({ "app", str_of(s->app_name) }, { "method", str_of(s->method) },
                              { "route", str_of(s->route) }, { "status_code", str_of(s->status) }),
                       le_ns, ARRAY_LEN(le_ns), cumulative, s->sum_ns);
    }
}

static void http_requests(struct text *t, const struct metrics_source *src)
{
    text_family(t, "http_requests_total", TEXT_COUNTER, "Total number of HTTP requests answered.");
    for (u32 i = 0; i < src->tallies; i++) {
        const struct tally *s = &src->tally[i];
        u64 count;

        histogram_cumulate(s->bucket, tally_le_ns, SHM_SERIES_LE, NULL, 0, &count);
        text_u64(t,
                 LABELS({ "app", str_of(s->app_name) }, { "method", str_of(s->method) },
                        { "route", str_of(s->route) }, { "status_code", str_of(s->status) }),
                 count);
    }
}

void metrics_prom_client(struct text *t, const struct metrics_source *src)
{
    metrics_rows(t, src, process_rows, ARRAY_LEN(process_rows));
    start_time(t, src);
    metrics_resources(t, src, "nodejs_active_resources", "type",
                      "Number of active resources that keep the event loop alive, by type.", true,
                      true);
    metrics_resources(t, src, "nodejs_active_handles", "type",
                      "Number of active libuv handles grouped by handle type.", true, false);
    metrics_resources(t, src, "nodejs_active_requests", "type",
                      "Number of active libuv requests grouped by request type.", false, true);
    spaces(t, src, "nodejs_heap_space_size_total_bytes",
           "Process heap space size total from Node.js in bytes.",
           offsetof(struct reading_space, size_bytes));
    spaces(t, src, "nodejs_heap_space_size_used_bytes",
           "Process heap space size used from Node.js in bytes.",
           offsetof(struct reading_space, used_bytes));
    spaces(t, src, "nodejs_heap_space_size_available_bytes",
           "Process heap space size available from Node.js in bytes.",
           offsetof(struct reading_space, available_bytes));
    version_info(t, src);
    metrics_gc(t, src, "nodejs_gc_duration_seconds", "kind",
               "Garbage collection duration by kind, one of major, minor, incremental or weakcb.");
    http_duration(t, src);
    http_requests(t, src);
}
