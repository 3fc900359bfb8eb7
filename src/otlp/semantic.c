/* otlp/semantic.c -- OpenTelemetry's names for what /metrics has in Prometheus' spelling */
#include "otlp/semantic.h"

/* Prometheus' name without unit and _total, and with their conventions' instruments: UpDownCounter
 * where they say so. */
static const struct {
    const char *name;
    bool is_updown;
} known[] = {
    { "nodejs.eventloop.delay.min", false },
    { "nodejs.eventloop.delay.max", false },
    { "nodejs.eventloop.delay.mean", false },
    { "nodejs.eventloop.delay.stddev", false },
    { "nodejs.eventloop.delay.p50", false },
    { "nodejs.eventloop.delay.p90", false },
    { "nodejs.eventloop.delay.p99", false },
    { "nodejs.eventloop.utilization", false },
    { "nodejs.eventloop.time", false },
    { "v8js.gc.duration", false },
    { "v8js.memory.heap.limit", true },
    { "v8js.memory.heap.used", true },
    { "v8js.memory.heap.space.size", true },
    { "v8js.memory.heap.space.available_size", true },
    { "v8js.memory.heap.space.physical_size", true },
    { "v8js.resource.active", true },
    { "process.memory.usage", true },
    { "process.memory.virtual", true },
    { "process.thread.count", true },
    { "process.unix.file_descriptor.count", true },
    { "process.uptime", false },
    { "process.cpu.time", false },
    { "process.cpu.utilization", false },
    { "process.context_switches", false },
    { "process.paging.faults", false },
    { "http.server.request.duration", false },
    { "http.server.active_requests", true },
    { "http.client.request.duration", false },
    { "db.client.operation.duration", false },
};

static const char *const attributes[] = {
    "http.request.method",
    "url.scheme",
    "http.route",
    "http.response.status_code",
    "error.type",
    "network.protocol.name",
    "nodejs.eventloop.state",
    "cpu.mode",
    "process.context_switch.type",
    "process.paging.fault_type",
    "v8js.heap.space.name",
    "v8js.resource.type",
    "v8js.gc.type",
    "server.address",
    "server.port",
    "db.system.name",
    "db.operation.name",
};

/* Whether `plain` is `dotted` with underscores. */
static bool same(struct str plain, const char *dotted)
{
    size_t i = 0;

    for (; i < plain.len && dotted[i]; i++)
        if (plain.ptr[i] != (dotted[i] == '.' ? '_' : dotted[i]))
            return false;
    return i == plain.len && !dotted[i];
}

static struct str end_cut(struct str s, const char *end, bool *was)
{
    *was = str_ends(s, str_of(end));
    return *was ? str_sub(s, 0, s.len - strlen(end)) : s;
}

/* Of two families whose names differ in _total only. */
static bool twin(struct semantic *out, struct str name)
{
    if (!str_eq(name, STR("fettle_proxy_connections_total")))
        return false;
    snprintf(out->name, sizeof(out->name), "fettle.proxy_connections_accepted");
    return true;
}

void semantic_metric(struct semantic *out, const char *name, enum text_type type)
{
    static const struct {
        const char *end, *unit;
    } units[] = { { "_seconds", "s" }, { "_bytes", "By" }, { "_ratio", "1" } };
    struct str base = str_of(name);
    bool was = false;

    *out = (struct semantic){ .unit = "" };
    if (type == TEXT_COUNTER)
        base = end_cut(base, "_total", &was);
    for (u32 i = 0; i < ARRAY_LEN(units); i++) {
        base = end_cut(base, units[i].end, &was);
        if (was) {
            out->unit = units[i].unit;
            break;
        }
    }
    if (twin(out, str_of(name)))
        return;
    for (u32 i = 0; i < ARRAY_LEN(known); i++) {
        if (!same(base, known[i].name))
            continue;
        snprintf(out->name, sizeof(out->name), "%s", known[i].name);
        out->is_updown = known[i].is_updown && type == TEXT_GAUGE;
        return;
    }
    str_to_cstr(base, out->name, sizeof(out->name));
    if (str_starts(base, STR("fettle_")))
        out->name[6] = '.';
}

const char *semantic_attribute(const char *label)
{
    for (u32 i = 0; i < ARRAY_LEN(attributes); i++)
        if (same(str_of(label), attributes[i]))
            return attributes[i];
    return label;
}
