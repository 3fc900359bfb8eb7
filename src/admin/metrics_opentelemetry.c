/* admin/metrics_opentelemetry.c -- OpenTelemetry's semantic conventions, in Prometheus' spelling
 *
 * Dots become underscores, the unit is appended (1 is "ratio"), counters end with _total: what
 * OpenTelemetry's own Prometheus exporters print for the same instruments.
 */
#include "admin/metrics_page.h"

#include "metrics/histogram.h"

#define AT(field) offsetof(struct reading, field)

/* clang-format off */
static const struct metrics_row rows[] = {
    { "nodejs_eventloop_delay_min_seconds", TEXT_GAUGE, METRICS_NS, METRICS_LOOP, AT(lag_timer.min_ns),
      "Event loop minimum delay." },
    { "nodejs_eventloop_delay_max_seconds", TEXT_GAUGE, METRICS_NS, METRICS_LOOP, AT(lag_timer.max_ns),
      "Event loop maximum delay." },
    { "nodejs_eventloop_delay_mean_seconds", TEXT_GAUGE, METRICS_NS, METRICS_LOOP, AT(lag_timer.mean_ns),
      "Event loop mean delay." },
    { "nodejs_eventloop_delay_stddev_seconds", TEXT_GAUGE, METRICS_NS, METRICS_LOOP, AT(lag_timer.stddev_ns),
      "Event loop standard deviation delay." },
    { "nodejs_eventloop_delay_p50_seconds", TEXT_GAUGE, METRICS_NS, METRICS_LOOP, AT(lag_timer.p50_ns),
      "Event loop 50 percentile delay." },
    { "nodejs_eventloop_delay_p90_seconds", TEXT_GAUGE, METRICS_NS, METRICS_LOOP, AT(lag_timer.p90_ns),
      "Event loop 90 percentile delay." },
    { "nodejs_eventloop_delay_p99_seconds", TEXT_GAUGE, METRICS_NS, METRICS_LOOP, AT(lag_timer.p99_ns),
      "Event loop 99 percentile delay." },
    { "nodejs_eventloop_utilization_ratio", TEXT_GAUGE, METRICS_PPM, METRICS_LOOP, AT(utilization_ppm),
      "Event loop utilization." },
    { "v8js_memory_heap_limit_bytes", TEXT_GAUGE, METRICS_COUNT, METRICS_AGENT, AT(heap_limit_bytes),
      "The most that the heap may grow to." },
    { "process_memory_usage_bytes", TEXT_GAUGE, METRICS_COUNT, METRICS_ALIVE, AT(rss_bytes),
      "The amount of physical memory in use." },
    { "process_memory_virtual_bytes", TEXT_GAUGE, METRICS_COUNT, METRICS_ALIVE, AT(vm_bytes),
      "The amount of committed virtual memory." },
    { "process_thread_count", TEXT_GAUGE, METRICS_COUNT, METRICS_ALIVE, AT(threads),
      "Process threads count." },
    { "process_unix_file_descriptor_count", TEXT_GAUGE, METRICS_COUNT, METRICS_ALIVE, AT(open_fds),
      "Number of unix file descriptors in use by the process." },
    { "process_uptime_seconds", TEXT_GAUGE, METRICS_NS, METRICS_ALIVE, AT(uptime_ns),
      "The time the process has been running." },
};

/* A number that is split in two by an attribute. */
static const struct pair {
    const char *name;
    enum text_type type;
    enum metrics_unit unit;
    enum metrics_need need;
    const char *label;
    const char *value[2];
    size_t offset[2];
    const char *help;
} pairs[] = {
    { "nodejs_eventloop_time_seconds_total", TEXT_COUNTER, METRICS_NS, METRICS_LOOP,
      "nodejs_eventloop_state", { "active", "idle" }, { AT(busy_ns), AT(wait_ns) },
      "Cumulative duration of time the event loop has been in each state." },
    { "process_cpu_time_seconds_total", TEXT_COUNTER, METRICS_NS, METRICS_ALIVE,
      "cpu_mode", { "user", "system" }, { AT(cpu_user_ns), AT(cpu_system_ns) },
      "Total CPU seconds broken down by different CPU modes." },
    { "process_cpu_utilization_ratio", TEXT_GAUGE, METRICS_PPM, METRICS_ALIVE,
      "cpu_mode", { "user", "system" }, { AT(cpu_user_ppm), AT(cpu_system_ppm) },
      "CPU time of the last second, divided by the elapsed time and the number of CPUs." },
    { "process_context_switches_total", TEXT_COUNTER, METRICS_COUNT, METRICS_USAGE,
      "process_context_switch_type", { "voluntary", "involuntary" },
      { AT(usage.switches_voluntary), AT(usage.switches_involuntary) },
      "Number of times the main thread has been context switched." },
    { "process_paging_faults_total", TEXT_COUNTER, METRICS_COUNT, METRICS_USAGE,
      "process_paging_fault_type", { "minor", "major" },
      { AT(usage.faults_minor), AT(usage.faults_major) },
      "Number of page faults the process has made." },
};

static const struct space_row {
    const char *name;
    size_t offset;
    const char *help;
} space_rows[] = {
    { "v8js_memory_heap_used_bytes", offsetof(struct reading_space, used_bytes),
      "Heap memory size allocated." },
    { "v8js_memory_heap_space_size_bytes", offsetof(struct reading_space, size_bytes),
      "Total heap memory size pre-allocated." },
    { "v8js_memory_heap_space_available_size_bytes", offsetof(struct reading_space, available_bytes),
      "Heap space available size." },
    { "v8js_memory_heap_space_physical_size_bytes", offsetof(struct reading_space, physical_bytes),
      "Committed size of a heap space." },
};
/* clang-format on */

static void pair_write(struct text *t, const struct metrics_source *src, const struct pair *pair)
{
    text_family(t, pair->name, pair->type, pair->help);
    for (u32 i = 0; i < 2 * src->workers; i++) {
        const struct reading *r = &src->worker[i / 2];
        u64 n = *(const u64 *)((const char *)r + pair->offset[i % 2]);
        struct label which = { pair->label, str_of(pair->value[i % 2]) };

        if (!metrics_has(r, pair->need))
            continue;
        switch (pair->unit) {
        case METRICS_COUNT:
            text_u64(t, LABELS(METRICS_WORKER(r), which), n);
            break;
        case METRICS_NS:
            text_seconds(t, LABELS(METRICS_WORKER(r), which), n);
            break;
        case METRICS_PPM:
            text_millionths(t, LABELS(METRICS_WORKER(r), which), n);
            break;
        }
    }
}

static void space_write(struct text *t, const struct metrics_source *src,
                        const struct space_row *row)
{
    text_family(t, row->name, TEXT_GAUGE, row->help);
    for (u32 i = 0; i < src->workers; i++) {
        const struct reading *r = &src->worker[i];

        for (u32 j = 0; j < r->spaces && metrics_has(r, METRICS_AGENT); j++) {
            const struct reading_space *s = &r->space[j];

            text_u64(t, LABELS(METRICS_WORKER(r), { "v8js_heap_space_name", str_of(s->name) }),
                     *(const u64 *)((const char *)s + row->offset));
        }
    }
}

static void http_duration(struct text *t, const struct metrics_source *src)
{
    static const u64 le_ns[] = {
        5 * NS_PER_MS,    10 * NS_PER_MS,  25 * NS_PER_MS,   50 * NS_PER_MS,  75 * NS_PER_MS,
        100 * NS_PER_MS,  250 * NS_PER_MS, 500 * NS_PER_MS,  750 * NS_PER_MS, NS_PER_S,
        2500 * NS_PER_MS, 5 * NS_PER_S,    7500 * NS_PER_MS, 10 * NS_PER_S,
    };
    u64 cumulative[ARRAY_LEN(le_ns) + 1];

    text_family(t, "http_server_request_duration_seconds", TEXT_HISTOGRAM,
                "Duration of HTTP server requests.");
    for (u32 i = 0; i < src->tallies; i++) {
        const struct tally *s = &src->tally[i];

        histogram_cumulate(s->bucket, tally_le_ns, SHM_SERIES_LE, le_ns, ARRAY_LEN(le_ns),
                           cumulative);
        text_histogram(t,
                       LABELS({ "app", str_of(s->app_name) },
                              { "http_request_method", str_of(s->method) },
                              { "url_scheme", STR("http") }, { "http_route", str_of(s->route) },
                              { "http_response_status_code", str_of(s->status) },
                              { "error_type", str_of(s->is_error ? s->status : NULL) },
                              { "network_protocol_name", STR("http") }),
                       le_ns, ARRAY_LEN(le_ns), cumulative, s->sum_ns);
    }
}

void metrics_opentelemetry(struct text *t, const struct metrics_source *src)
{
    u32 active = atomic_load(&src->page->shm->proxy.active_requests);

    metrics_rows(t, src, rows, ARRAY_LEN(rows));
    for (u32 i = 0; i < ARRAY_LEN(pairs); i++)
        pair_write(t, src, &pairs[i]);
    for (u32 i = 0; i < ARRAY_LEN(space_rows); i++)
        space_write(t, src, &space_rows[i]);
    metrics_resources(t, src, "v8js_resource_active", "v8js_resource_type",
                      "Active resources that keep the event loop alive, by type.", true, true);
    metrics_gc(t, src, "v8js_gc_duration_seconds", "v8js_gc_type", "Garbage collection duration.");
    http_duration(t, src);
    text_family(t, "http_server_active_requests", TEXT_GAUGE,
                "Number of active HTTP server requests.");
    text_u64(t, LABELS({ "url_scheme", STR("http") }), active > INT32_MAX ? 0 : active);
}
