/* otlp/exporter.c -- collects spans and metrics of the whole fettle, and has them sent */
#include "otlp/exporter.h"

#include "base/log.h"
#include "conf/otelenv.h"
#include "otlp/spanform.h"

#include <sys/random.h>

#define BATCH_AGE_NS NS_PER_S
#define OFFSET_SAME_NS (2 * NS_PER_MS)
enum {
    BATCH_ITEMS = 4096,
    BATCH_BYTES = 1 << 20,
    SPANS_PER_LOOK = 8192, /* of one ring */
};

struct exporter {
    struct shm *shm;
    const struct settings *settings;
    struct identity identity;
    struct outbox *outbox[EXPORTER_SIGNALS];
    struct batch *spans; /* that is being filled; NULL: none yet */
    u64 spans_ns;        /* when it was begun */
    u64 metrics_ns;      /* when the next are due */
    u64 lost;            /* spans without memory */
    u64 offset_ns;       /* from CLOCK_MONOTONIC to the time of day */
    u64 offset_at_ns;    /* when that was looked at */
    bool delta;
    struct shm_trace_ids ids;
    struct buf url[EXPORTER_SIGNALS];
    _Alignas(8) char record[SHM_SERVER_SPAN_MAX];
};

bool exporter_wants_delta(struct str url)
{
    static const char *const hosts[] = { ".nr-data.net",      ".newrelic.com", ".datadoghq.com",
                                         ".datadoghq.eu",     ".ddog-gov.com", ".dynatrace.com",
                                         ".dynatracelabs.com" };
    struct str rest, host;

    str_cut(url, ':', &rest);
    host = str_cut(str_sub(rest, 2, rest.len), '/', &rest);
    host = str_cut(host, ':', &rest);
    for (u32 i = 0; i < ARRAY_LEN(hosts); i++) {
        struct str end = str_of(hosts[i]);

        if (host.len > end.len && str_eq_nocase(str_sub(host, host.len - end.len, end.len), end))
            return true;
    }
    return false;
}

/* The URL of a signal: its own, or the common one with its path. */
static void url_make(struct buf *out, struct str own, struct str common, const char *path)
{
    if (own.len) {
        buf_add(out, own);
        return;
    }
    if (!common.len)
        return;
    while (str_ends(common, STR("/")))
        common.len--;
    buf_add(out, common);
    buf_add(out, str_of(path));
}

static int outbox_make(struct exporter *e, enum exporter_signal which, const char *what,
                       struct problem *p)
{
    const struct settings *s = e->settings;
    const struct outbox_conf conf = {
        .what = what,
        .poster = { .url = buf_str(&e->url[which]),
                    .headers = s->otlp_headers,
                    .certificate = s->otlp_certificate,
                    .timeout_ns = s->otlp_timeout_ns },
        .gzip = s->otlp_gzip,
    };

    if (!e->url[which].len)
        return 0;
    return outbox_new(&e->outbox[which], &conf, p);
}

static int outboxes_make(struct exporter *e, struct problem *p)
{
    const struct settings *s = e->settings;
    int err = 0;

    if (s->otlp_signals != SETTINGS_SIGNALS_METRICS)
        url_make(&e->url[EXPORTER_TRACES], s->otlp_traces, s->otlp, "/v1/traces");
    if (s->otlp_signals != SETTINGS_SIGNALS_TRACES)
        url_make(&e->url[EXPORTER_METRICS], s->otlp_metrics, s->otlp, "/v1/metrics");
    if (e->url[EXPORTER_TRACES].failed || e->url[EXPORTER_METRICS].failed)
        return -ENOMEM;
    err = outbox_make(e, EXPORTER_TRACES, "spans", p);
    return err ? err : outbox_make(e, EXPORTER_METRICS, "metrics", p);
}

int exporter_new(struct exporter **out, struct shm *shm, const struct settings *s, char *const *env,
                 struct problem *p)
{
    struct exporter *e;
    int err;

    *out = NULL;
    if (!s->otlp.len && !s->otlp_traces.len && !s->otlp_metrics.len)
        return 0;
    e = calloc(1, sizeof(*e));
    if (!e)
        return -ENOMEM;
    e->shm = shm;
    e->settings = s;
    e->delta = s->otlp_temporality == SETTINGS_TEMPORALITY_DELTA;
    if (getrandom(&e->ids, sizeof(e->ids), 0) != sizeof(e->ids))
        e->ids.s[0] = 1;
    identity_init(&e->identity, otelenv_find(env, "OTEL_SERVICE_NAME"),
                  otelenv_find(env, "OTEL_RESOURCE_ATTRIBUTES"));
    err = outboxes_make(e, p);
    if (s->otlp_temporality == SETTINGS_TEMPORALITY_AUTO)
        e->delta = exporter_wants_delta(buf_str(&e->url[EXPORTER_METRICS]));
    e->metrics_ns = clock_now_ns() + min(s->otlp_interval_ns, 5 * NS_PER_S);
    if (err)
        exporter_free(e, 0);
    else
        *out = e;
    return err;
}

static void spans_put(struct exporter *e)
{
    if (e->spans)
        outbox_put(e->outbox[EXPORTER_TRACES], TAKE(e->spans, NULL));
}

void exporter_free(struct exporter *e, u64 grace_ns)
{
    if (!e)
        return;
    spans_put(e);
    for (u32 i = 0; i < EXPORTER_SIGNALS; i++) {
        u64 begun_ns = clock_now_ns(), took_ns;

        outbox_free(e->outbox[i], grace_ns);
        took_ns = clock_now_ns() - begun_ns;
        grace_ns -= min(grace_ns, took_ns);
        buf_done(&e->url[i]);
    }
    free(e);
}

/* The time of day is looked at again and again, but what differs little is a matter of when exactly
 * we looked, and the spans of a trace are to stand to each other as they were. */
static struct spanform_clock clock_of(struct exporter *e, u64 now_ns)
{
    struct timespec t;

    if (now_ns != e->offset_at_ns) {
        u64 offset_ns;

        clock_gettime(CLOCK_REALTIME, &t);
        offset_ns = (u64)t.tv_sec * NS_PER_S + (u64)t.tv_nsec - clock_now_ns();
        if (offset_ns - e->offset_ns + OFFSET_SAME_NS > 2 * OFFSET_SAME_NS)
            e->offset_ns = offset_ns;
        e->offset_at_ns = now_ns;
    }
    return (struct spanform_clock){
        .latest_ns = now_ns + NS_PER_S, /* spans end while the rings are read */
        .offset_ns = e->offset_ns,
    };
}

static struct str app_name(const struct shm *shm, u32 app)
{
    const char *name = app < SHM_APPS_MAX ? shm->app[app].name : "";

    return str_make(name, strnlen(name, SHM_NAME_MAX - 1));
}

/* The batch that spans go into; NULL: out of memory. */
static struct batch *batch_of(struct exporter *e, u64 now_ns)
{
    if (e->spans && (e->spans->items >= BATCH_ITEMS || batch_bytes(e->spans) >= BATCH_BYTES))
        spans_put(e);
    if (!e->spans) {
        e->spans = batch_new();
        e->spans_ns = now_ns;
    }
    return e->spans;
}

static u32 resource_of(struct exporter *e, struct batch *b, u64 key, const struct identity_of *of)
{
    AUTO(buf_done) struct buf encoded = { 0 };
    u32 i = batch_resource(b, key);

    if (i != UINT32_MAX)
        return i;
    identity_encode(&e->identity, of, &encoded);
    return encoded.failed ? UINT32_MAX : batch_resource_add(b, key, buf_str(&encoded));
}

static bool is_only_app(const struct shm *shm)
{
    return atomic_load(&shm->apps) <= 1;
}

/* The span that stands in e->record. */
static void server_add(struct exporter *e, const struct spanform_clock *clock, u64 now_ns)
{
    const struct shm_server_span *s = (const struct shm_server_span *)(const void *)e->record;
    const struct identity_of of = { .app = app_name(e->shm, s->app),
                                    .is_only_app = is_only_app(e->shm) };
    struct batch *b = batch_of(e, now_ns);
    u32 resource = b ? resource_of(e, b, s->app + 1ull, &of) : UINT32_MAX;
    size_t begun;

    if (resource == UINT32_MAX) {
        e->lost++;
        return;
    }
    begun = batch_begin(b);
    spanform_server(&b->bytes, s, clock);
    e->lost += !batch_end(b, begun, resource, 1);
    if (!s->queue_ns)
        return;
    begun = batch_begin(b);
    spanform_queue(&b->bytes, s, shm_trace_id_next(&e->ids), clock);
    e->lost += !batch_end(b, begun, resource, 1);
}

void exporter_span(struct exporter *e, const struct exporter_from *from, const void *payload,
                   u32 len, u64 now_ns)
{
    const struct spanform_clock clock = clock_of(e, now_ns);
    const struct identity_of of = { .app = app_name(e->shm, from->app),
                                    .is_only_app = is_only_app(e->shm),
                                    .worker = from->worker,
                                    .pid = from->pid };
    u64 key = 1ull << 63 | (u64)from->generation << 16 | from->slot;
    struct shm_span_reader r;
    struct batch *b;
    u32 resource;
    size_t begun;

    if (!e->outbox[EXPORTER_TRACES] || !shm_span_read(&r, payload, len))
        return;
    b = batch_of(e, now_ns);
    resource = b ? resource_of(e, b, key, &of) : UINT32_MAX;
    if (resource == UINT32_MAX) {
        e->lost++;
        return;
    }
    begun = batch_begin(b);
    spanform_worker(&b->bytes, &r, &e->ids, &clock);
    e->lost += !batch_end(b, begun, resource, 1);
}

void exporter_look(struct exporter *e, u64 now_ns)
{
    struct spanform_clock clock;

    if (!e->outbox[EXPORTER_TRACES])
        return;
    clock = clock_of(e, now_ns);
    for (u32 i = 0; i < SHM_THREADS_MAX; i++)
        for (u32 n = 0; n < SPANS_PER_LOOK && shm_spans_get(&e->shm->spans[i], e->record); n++)
            server_add(e, &clock, now_ns);
    if (e->spans && now_ns - e->spans_ns >= BATCH_AGE_NS)
        spans_put(e);
}

bool exporter_metrics_due(struct exporter *e, u64 now_ns)
{
    if (!e->outbox[EXPORTER_METRICS] || now_ns < e->metrics_ns)
        return false;
    e->metrics_ns = max(e->metrics_ns + e->settings->otlp_interval_ns, now_ns);
    return true;
}

void exporter_metrics_put(struct exporter *e, struct batch *b)
{
    outbox_put(e->outbox[EXPORTER_METRICS], b);
}

bool exporter_is_delta(const struct exporter *e)
{
    return e->delta;
}

const struct identity *exporter_identity(const struct exporter *e)
{
    return &e->identity;
}

const struct outbox_counts *exporter_counts(const struct exporter *e, enum exporter_signal which)
{
    return e->outbox[which] ? outbox_counts(e->outbox[which]) : NULL;
}

u64 exporter_spans_lost(const struct exporter *e)
{
    u64 lost = e->lost;

    for (u32 i = 0; i < SHM_THREADS_MAX; i++)
        lost += atomic_load_explicit(&e->shm->spans[i].lost, memory_order_relaxed);
    for (u32 i = 0; i < SHM_SLOTS_MAX; i++)
        lost += atomic_load_explicit(&e->shm->journal[i].dropped, memory_order_relaxed);
    return lost;
}
