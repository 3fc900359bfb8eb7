/* admin/metrics_otlp.c -- what is sent to a back end: /metrics in another form, and how that goes
 */
#include "admin/metrics_page.h"

void metrics_otlp(struct text *t, const struct metrics_source *src)
{
    static const char *const signals[EXPORTER_SIGNALS] = { "traces", "metrics" };
    static const struct {
        const char *name, *help;
        enum text_type type;
        size_t offset;
    } rows[] = {
        { "fettle_otlp_sent_total", "Spans and data points that the back end has taken.",
          TEXT_COUNTER, offsetof(struct outbox_counts, sent) },
        { "fettle_otlp_dropped_total",
          "Spans and data points for which there was no room, or no answer for too long.",
          TEXT_COUNTER, offsetof(struct outbox_counts, dropped) },
        { "fettle_otlp_rejected_total", "Spans and data points that the back end has refused.",
          TEXT_COUNTER, offsetof(struct outbox_counts, rejected) },
        { "fettle_otlp_requests_total", "Requests that the back end has answered.", TEXT_COUNTER,
          offsetof(struct outbox_counts, requests) },
        { "fettle_otlp_failures_total", "Requests that have to be tried again.", TEXT_COUNTER,
          offsetof(struct outbox_counts, failures) },
        { "fettle_otlp_queue_bytes", "What waits to be sent.", TEXT_GAUGE,
          offsetof(struct outbox_counts, bytes) },
    };
    const struct exporter *e = src->page->exporter;

    for (u32 i = 0; i < ARRAY_LEN(rows); i++) {
        text_family(t, rows[i].name, rows[i].type, rows[i].help);
        for (enum exporter_signal s = 0; s < EXPORTER_SIGNALS && e; s++) {
            const struct outbox_counts *c = exporter_counts(e, s);

            if (c)
                text_u64(t, LABELS({ "signal", str_of(signals[s]) }),
                         atomic_load((const _Atomic u64 *)((const char *)c + rows[i].offset)));
        }
    }
    text_family(t, "fettle_spans_lost_total", TEXT_COUNTER,
                "Spans that came faster than the monitor could take them.");
    if (e)
        text_u64(t, NO_LABELS, exporter_spans_lost(e));
}

static void worker_of(struct points_worker *out, const struct reading *r, u64 wall_ns)
{
    *out = (struct points_worker){
        .app = str_of(r->app_name),
        .id = str_of(r->id),
        .pid = r->pid,
        .started_ns = wall_ns - min(r->uptime_ns, wall_ns),
        .node_version = str_of(r->node_version),
    };
}

struct batch *page_otlp(struct points *p, const struct page_source *page)
{
    AUTO(freep) struct points_worker *worker = calloc(SHM_SLOTS_MAX, sizeof(*worker));
    AUTO(buf_done) struct buf unused = { 0 };
    struct metrics_source src = { 0 };
    struct text text = { .out = &unused };
    u64 wall_ns = clock_wall_ms() * NS_PER_MS;
    struct points_now now = { .time_ns = wall_ns, .worker = worker };

    if (!worker || !metrics_source_take(&src, page)) {
        metrics_source_done(&src);
        return NULL;
    }
    for (u32 i = 0; i < src.workers; i++)
        worker_of(&worker[i], &src.worker[i], wall_ns);
    now.workers = src.workers;
    now.started_ns = min(page->shm->started_wall_ms, wall_ns / NS_PER_MS) * NS_PER_MS;
    if (reading_apps(page->shm) <= 1)
        now.only_app = reading_app_name(page->shm, 0);
    text.sink = points_begin(p, &now);
    if (text.sink) {
        metrics_fettle(&text, &src);
        metrics_findings(&text, &src);
        metrics_routes(&text, &src);
        metrics_queries(&text, &src);
        metrics_otlp(&text, &src);
        metrics_opentelemetry(&text, &src);
        metrics_app(&text, &src);
    }
    metrics_source_done(&src);
    return points_end(p);
}
