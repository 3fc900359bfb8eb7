/* admin/upstreams_page.c -- /api/upstreams: JSON about the endpoints of groups; their metrics */
#include "admin/upstreams.h"

#include "base/json.h"

static const char *const state_name[SHM_ENDPOINT_STATES] = {
    [SHM_ENDPOINT_NONE] = "",           [SHM_ENDPOINT_UP] = "up",
    [SHM_ENDPOINT_EJECTED] = "ejected", [SHM_ENDPOINT_DOWN] = "down",
    [SHM_ENDPOINT_LEAVING] = "leaving",
};

static const char *const result_name[SHM_ENDPOINT_RESULTS] = {
    [SHM_ENDPOINT_OK] = "ok",       [SHM_ENDPOINT_CONNECT] = "connect",
    [SHM_ENDPOINT_RESET] = "reset", [SHM_ENDPOINT_TIMEOUT] = "timeout",
    [SHM_ENDPOINT_ERROR] = "error", [SHM_ENDPOINT_UNKNOWN] = "unknown",
};

static const char *const probe_name[SHM_PROBE_RESULTS] = {
    [SHM_PROBE_OK] = "ok",           [SHM_PROBE_CONNECT] = "connect", [SHM_PROBE_RESET] = "reset",
    [SHM_PROBE_TIMEOUT] = "timeout", [SHM_PROBE_STATUS] = "status",
};

static const char *const reason_name[] = {
    [SHM_ENDPOINT_NO_REASON] = "",
    [SHM_ENDPOINT_IN_A_ROW] = "failures",
    [SHM_ENDPOINT_OUTLIER] = "errors",
    [SHM_ENDPOINT_PROBE] = "health check",
};

/* An endpoint that there is; all zero: begin with the first. */
struct at {
    u32 group, place; /* the next ones to look at */
    const struct shm_upstream *of;
    const struct shm_endpoint *endpoint;
    u32 state;
};

static bool app_is_there(const struct shm *shm, const struct shm_upstream *g)
{
    return g->app < reading_apps(shm) && !reading_app_is_gone(shm, g->app);
}

/* How many are worth a look: they are used in their order, and to look at one gives it memory. */
static u32 groups_used(const struct shm *shm)
{
    u32 n = 0;

    while (n < SHM_UPSTREAMS_MAX && atomic_load(&shm->upstream[n].used))
        n++;
    return n;
}

static bool next(const struct shm *shm, struct at *at)
{
    for (u32 n = groups_used(shm); at->group < n; at->group++, at->place = 0) {
        at->of = &shm->upstream[at->group];
        if (!app_is_there(shm, at->of))
            continue;
        while (at->place < SHM_ENDPOINTS_MAX) {
            at->endpoint = &at->of->endpoint[at->place++];
            at->state = atomic_load(&at->endpoint->state);
            if (at->state != SHM_ENDPOINT_NONE && at->state < SHM_ENDPOINT_STATES)
                return true;
        }
    }
    return false;
}

static struct str place_of(const struct shm_upstream *g)
{
    return str_make(g->place, min(g->place_len, (u32)SHM_UPSTREAM_PLACE_MAX));
}

static struct str text_of(const struct shm_endpoint *e)
{
    return str_make(e->text, min(e->text_len, (u32)SHM_ENDPOINT_TEXT_MAX));
}

/* Of those that are over, but for those that say nothing. */
static u64 failures_of(const struct shm_endpoint *e)
{
    return atomic_load(&e->results[SHM_ENDPOINT_CONNECT]) +
           atomic_load(&e->results[SHM_ENDPOINT_RESET]) +
           atomic_load(&e->results[SHM_ENDPOINT_TIMEOUT]) +
           atomic_load(&e->results[SHM_ENDPOINT_ERROR]);
}

static u64 requests_of(const struct shm_endpoint *e)
{
    return failures_of(e) + atomic_load(&e->results[SHM_ENDPOINT_OK]) +
           atomic_load(&e->results[SHM_ENDPOINT_UNKNOWN]);
}

/* ---- JSON ---- */

static void add_u64(struct buf *out, const char *name, u64 n)
{
    json_key(out, name);
    json_u64(out, n);
}

static void add_text(struct buf *out, const char *name, struct str text)
{
    json_key(out, name);
    json_text(out, text);
}

static void results_write(struct buf *out, const struct shm_endpoint *e)
{
    json_key(out, "results");
    buf_addc(out, '{');
    for (u32 i = 0; i < SHM_ENDPOINT_RESULTS; i++)
        add_u64(out, result_name[i], atomic_load(&e->results[i]));
    buf_addc(out, '}');
}

static u64 ago_ms(u64 at_ns, u64 now_ns)
{
    return now_ns > at_ns ? (now_ns - at_ns) / NS_PER_MS : 0;
}

/* The newest health check; null: there was none. */
static void probe_write(struct buf *out, const struct shm_endpoint *e, u64 now_ns)
{
    u64 probed_ns = atomic_load(&e->probed_ns), all = 0;
    u32 probed = atomic_load(&e->probed);

    json_key(out, "check");
    if (probed_ns == 0 || probed >= SHM_PROBE_RESULTS) {
        json_null(out);
        return;
    }
    for (u32 i = 0; i < SHM_PROBE_RESULTS; i++)
        all += atomic_load(&e->probes[i]);
    buf_addc(out, '{');
    add_text(out, "result", str_of(probe_name[probed]));
    add_u64(out, "status", atomic_load(&e->probed_status));
    add_u64(out, "ago_ms", ago_ms(probed_ns, now_ns));
    add_u64(out, "checks", all);
    add_u64(out, "failures", all - atomic_load(&e->probes[SHM_PROBE_OK]));
    buf_addc(out, '}');
}

/* What it has said of its loops; null: nothing. */
static void load_write(struct buf *out, const struct shm_endpoint *e, u64 now_ns)
{
    u64 word = atomic_load(&e->load), seen_ns = atomic_load(&e->load_seen_ns);

    json_key(out, "loops");
    if (seen_ns == 0 || word == 0) {
        json_null(out);
        return;
    }
    buf_addc(out, '{');
    add_u64(out, "idle", (u32)word);
    add_u64(out, "queue", (u32)(word >> 32) & INT32_MAX);
    add_u64(out, "ago_ms", ago_ms(seen_ns, now_ns));
    buf_addc(out, '}');
}

static void endpoint_write(struct buf *out, const struct shm *shm, const struct at *at, u64 now_ns)
{
    const struct shm_endpoint *e = at->endpoint;
    u64 changed_ns = atomic_load(&e->changed_ns), until_ns = atomic_load(&e->until_ns);
    u64 latency_ns = atomic_load(&e->latency_ns);
    bool ejected = at->state == SHM_ENDPOINT_EJECTED;

    json_comma(out);
    buf_addc(out, '{');
    add_text(out, "app", reading_app_name(shm, at->of->app));
    add_text(out, "route", place_of(at->of));
    add_text(out, "endpoint", text_of(e));
    add_text(out, "name", str_make(e->name, min(e->name_len, (u32)SHM_ENDPOINT_NAME_MAX)));
    add_text(out, "zone", str_make(e->zone, min(e->zone_len, (u32)SHM_ENDPOINT_ZONE_MAX)));
    add_text(out, "state", str_of(state_name[at->state]));
    add_u64(out, "since_ms", now_ns > changed_ns ? (now_ns - changed_ns) / NS_PER_MS : 0);
    add_text(out, "reason",
             str_of(reason_name[min(atomic_load(&e->reason), (u32)SHM_ENDPOINT_PROBE)]));
    add_u64(out, "ejected_for_ms",
            ejected && until_ns > now_ns ? (until_ns - now_ns) / NS_PER_MS : 0);
    add_u64(out, "weight", atomic_load(&e->weight));
    add_u64(out, "priority", atomic_load(&e->priority));
    add_u64(out, "in_flight", atomic_load(&e->in_flight));
    add_u64(out, "connections", atomic_load(&e->connections));
    add_u64(out, "requests", requests_of(e));
    add_u64(out, "failures", failures_of(e));
    results_write(out, e);
    json_key(out, "latency_ms");
    if (latency_ns)
        json_ms(out, latency_ns);
    else
        json_null(out);
    probe_write(out, e, now_ns);
    load_write(out, e, now_ns);
    add_u64(out, "ejections", atomic_load(&e->ejections));
    add_u64(out, "connected", atomic_load(&e->connected));
    add_u64(out, "reused", atomic_load(&e->reused));
    add_u64(out, "sent_bytes", atomic_load(&e->sent_bytes));
    add_u64(out, "received_bytes", atomic_load(&e->received_bytes));
    buf_addc(out, '}');
}

void page_upstreams(struct buf *out, const struct page_source *src)
{
    struct at at = { 0 };

    buf_add(out, STR("{\"upstreams\":["));
    while (next(src->shm, &at))
        endpoint_write(out, src->shm, &at, src->now_ns);
    buf_add(out, STR("]}\n"));
}

/* ---- metrics ---- */

#define OF(shm, at)                                                                   \
    { "app", reading_app_name(shm, (at)->of->app) }, { "route", place_of((at)->of) }, \
    {                                                                                 \
        "endpoint", text_of((at)->endpoint)                                           \
    }

static void results_metrics(struct text *t, const struct shm *shm)
{
    text_family(t, "fettle_upstream_requests_total", TEXT_COUNTER,
                "Requests to endpoints of upstreams that are over, by what became of them.");
    for (struct at at = { 0 }; next(shm, &at);)
        for (u32 i = 0; i < SHM_ENDPOINT_RESULTS; i++)
            text_u64(t, LABELS(OF(shm, &at), { "result", str_of(result_name[i]) }),
                     atomic_load(&at.endpoint->results[i]));
}

static void probes_metrics(struct text *t, const struct shm *shm)
{
    text_family(t, "fettle_upstream_checks_total", TEXT_COUNTER,
                "Health checks of endpoints, by what they have found.");
    for (struct at at = { 0 }; next(shm, &at);)
        for (u32 i = 0; i < SHM_PROBE_RESULTS; i++)
            text_u64(t, LABELS(OF(shm, &at), { "result", str_of(probe_name[i]) }),
                     atomic_load(&at.endpoint->probes[i]));
}

/* Of whole groups. */
static void groups_metrics(struct text *t, const struct shm *shm)
{
    static const struct {
        const char *name, *help;
        size_t offset;
        enum text_type type;
    } rows[] = {
        { "fettle_upstream_none_total", "Requests for which no endpoint of their upstream was up.",
          offsetof(struct shm_upstream, none), TEXT_COUNTER },
        { "fettle_upstream_panic_total",
          "Requests while so few endpoints were up that all were tried.",
          offsetof(struct shm_upstream, panics), TEXT_COUNTER },
        { "fettle_upstream_spilled_total", "Requests to another zone than our own.",
          offsetof(struct shm_upstream, spilled), TEXT_COUNTER },
        { "fettle_upstream_lookups_total", "Names that were looked up, with addresses found.",
          offsetof(struct shm_upstream, lookups_good), TEXT_COUNTER },
        { "fettle_upstream_lookup_failures_total",
          "Names that were looked up in vain: what was known of them goes on.",
          offsetof(struct shm_upstream, lookups_bad), TEXT_COUNTER },
        { "fettle_upstream_lookups_stale", "Names whose addresses are used beyond their time.",
          offsetof(struct shm_upstream, lookups_stale), TEXT_GAUGE },
    };

    for (u32 k = 0; k < ARRAY_LEN(rows); k++) {
        text_family(t, rows[k].name, rows[k].type, rows[k].help);
        for (u32 i = 0; i < groups_used(shm); i++) {
            const struct shm_upstream *g = &shm->upstream[i];

            if (app_is_there(shm, g))
                text_u64(t,
                         LABELS({ "app", reading_app_name(shm, g->app) }, { "route", place_of(g) }),
                         atomic_load((const _Atomic u64 *)((const char *)g + rows[k].offset)));
        }
    }
}

static void gauges_metrics(struct text *t, const struct shm *shm)
{
    static const struct {
        const char *name, *help;
        size_t offset;
    } rows[] = {
        { "fettle_upstream_in_flight", "Requests and streams that are with an endpoint.",
          offsetof(struct shm_endpoint, in_flight) },
        { "fettle_upstream_connections", "Connections to an endpoint, resting ones included.",
          offsetof(struct shm_endpoint, connections) },
    };

    text_family(t, "fettle_upstream_up", TEXT_GAUGE, "Endpoints: 1 gets requests, 0 gets none.");
    for (struct at at = { 0 }; next(shm, &at);)
        text_u64(t, LABELS(OF(shm, &at)), at.state == SHM_ENDPOINT_UP);
    for (u32 k = 0; k < ARRAY_LEN(rows); k++) {
        text_family(t, rows[k].name, TEXT_GAUGE, rows[k].help);
        for (struct at at = { 0 }; next(shm, &at);)
            text_u64(
                t, LABELS(OF(shm, &at)),
                atomic_load((const _Atomic u32 *)((const char *)at.endpoint + rows[k].offset)));
    }
    text_family(t, "fettle_upstream_latency_seconds", TEXT_GAUGE,
                "How long answers of an endpoint took to begin, lately.");
    for (struct at at = { 0 }; next(shm, &at);)
        text_seconds(t, LABELS(OF(shm, &at)), atomic_load(&at.endpoint->latency_ns));
}

void upstreams_metrics(struct text *t, const struct shm *shm)
{
    static const struct {
        const char *name, *help;
        size_t offset;
    } rows[] = {
        { "fettle_upstream_connects_total", "Connections that were made to an endpoint.",
          offsetof(struct shm_endpoint, connected) },
        { "fettle_upstream_reused_total", "Requests on a connection that had rested.",
          offsetof(struct shm_endpoint, reused) },
        { "fettle_upstream_ejections_total", "How often an endpoint was ejected.",
          offsetof(struct shm_endpoint, ejections) },
        { "fettle_upstream_sent_bytes_total", "Bytes of requests that were sent to an endpoint.",
          offsetof(struct shm_endpoint, sent_bytes) },
        { "fettle_upstream_received_bytes_total", "Bytes of its answers that were passed on.",
          offsetof(struct shm_endpoint, received_bytes) },
    };

    gauges_metrics(t, shm);
    results_metrics(t, shm);
    for (u32 k = 0; k < ARRAY_LEN(rows); k++) {
        text_family(t, rows[k].name, TEXT_COUNTER, rows[k].help);
        for (struct at at = { 0 }; next(shm, &at);)
            text_u64(
                t, LABELS(OF(shm, &at)),
                atomic_load((const _Atomic u64 *)((const char *)at.endpoint + rows[k].offset)));
    }
    probes_metrics(t, shm);
    groups_metrics(t, shm);
}
