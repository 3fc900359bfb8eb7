/* conf/otelenv.c -- the variables that every OpenTelemetry SDK reads, as settings */
#include "conf/otelenv.h"

struct str otelenv_find(char *const *env, const char *name)
{
    size_t len = strlen(name);

    for (; env && *env; env++)
        if (strncmp(*env, name, len) == 0 && (*env)[len] == '=')
            return str_of(*env + len + 1);
    return (struct str){ 0 };
}

static int put(struct settings *s, const char *row_name, const char *variable, struct str value,
               struct problem *p)
{
    const struct settings_row *row = settings_row_find(str_of(row_name), NULL);
    const struct settings_origin origin = { .source = SETTINGS_ENV, .key = str_of(variable) };

    return settings_set(s, row, value, &origin, p);
}

/* "1500" milliseconds. */
static int duration_put(struct settings *s, char *const *env, const char *row_name,
                        const char *variable, struct problem *p)
{
    struct str value = otelenv_find(env, variable);
    char text[32];
    u64 ms;

    if (value.len == 0 || !str_to_u64(value, &ms) || ms > UINT32_MAX)
        return 0;
    snprintf(text, sizeof(text), "%llums", (unsigned long long)ms);
    return put(s, row_name, variable, str_of(text), p);
}

/* "0.25" as "25%". False: it is no number from 0 to 1. */
static bool ratio_percent(struct str value, char out[16])
{
    struct str fraction, whole = str_cut(value, '.', &fraction);
    u64 n = 0, parts = 0;

    if (whole.len && !str_to_u64(whole, &n))
        return false;
    for (size_t i = 0; i < 5; i++)
        parts = parts * 10 + (i < fraction.len ? (u64)(u8)(fraction.ptr[i] - '0') : 0);
    for (size_t i = 0; i < fraction.len; i++)
        if (fraction.ptr[i] < '0' || fraction.ptr[i] > '9')
            return false;
    parts += n * 100000;
    if (n > 1 || parts > 100000 || value.len == 0)
        return false;
    snprintf(out, 16, "%u.%03u%%", (u32)(parts / 1000), (u32)(parts % 1000));
    return true;
}

static int sampler_read(struct settings *s, char *const *env, const char **note, struct problem *p)
{
    static const char name[] = "OTEL_TRACES_SAMPLER";
    struct str sampler = otelenv_find(env, name),
               arg = otelenv_find(env, "OTEL_TRACES_SAMPLER_ARG");
    char percent[16] = "100%";

    if (sampler.len == 0)
        return 0;
    if (str_ends(sampler, STR("always_off")))
        return put(s, "trace-sample", name, STR("off"), p);
    if (str_ends(sampler, STR("traceidratio"))) {
        if (arg.len && !ratio_percent(arg, percent)) {
            *note = "OTEL_TRACES_SAMPLER_ARG is no number from 0 to 1; trace-sample says how many "
                    "requests are traced";
            return 0;
        }
    } else if (!str_ends(sampler, STR("always_on"))) {
        *note = "OTEL_TRACES_SAMPLER names a sampler that fettle does not have; trace-sample says "
                "how many requests are traced";
        return 0;
    }
    return put(s, "trace-sample", name, str_of(percent), p);
}

/* Which signals have an exporter. */
static int signals_read(struct settings *s, char *const *env, struct problem *p)
{
    struct str traces = otelenv_find(env, "OTEL_TRACES_EXPORTER");
    struct str metrics = otelenv_find(env, "OTEL_METRICS_EXPORTER");
    bool no_traces = str_eq(traces, STR("none")), no_metrics = str_eq(metrics, STR("none"));

    if (no_traces && no_metrics)
        return put(s, "otlp", "OTEL_TRACES_EXPORTER", STR("off"), p);
    if (no_traces)
        return put(s, "otlp-signals", "OTEL_TRACES_EXPORTER", STR("metrics"), p);
    return no_metrics ? put(s, "otlp-signals", "OTEL_METRICS_EXPORTER", STR("traces"), p) : 0;
}

static int texts_read(struct settings *s, char *const *env, struct problem *p)
{
    static const struct {
        const char *variable, *row;
    } texts[] = {
        { "OTEL_EXPORTER_OTLP_ENDPOINT", "otlp" },
        { "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "otlp-traces-url" },
        { "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "otlp-metrics-url" },
        { "OTEL_EXPORTER_OTLP_HEADERS", "otlp-headers" },
        { "OTEL_EXPORTER_OTLP_CERTIFICATE", "otlp-certificate" },
    };
    struct str value;
    int err = 0;

    for (u32 i = 0; i < ARRAY_LEN(texts) && !err; i++) {
        value = otelenv_find(env, texts[i].variable);
        if (value.len)
            err = put(s, texts[i].row, texts[i].variable, value, p);
    }
    value = otelenv_find(env, "OTEL_EXPORTER_OTLP_COMPRESSION");
    if (!err && value.len)
        err = put(s, "otlp-gzip", "OTEL_EXPORTER_OTLP_COMPRESSION",
                  str_eq(value, STR("gzip")) ? STR("on") : STR("off"), p);
    value = otelenv_find(env, "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE");
    if (!err && value.len)
        err = put(s, "otlp-temporality", "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE",
                  str_eq_nocase(value, STR("cumulative")) ? STR("cumulative") : STR("delta"), p);
    return err;
}

int otelenv_read(struct settings *s, char *const *env, const char **note, struct problem *p)
{
    struct str protocol = otelenv_find(env, "OTEL_EXPORTER_OTLP_PROTOCOL");
    int err;

    *note = NULL;
    if (str_eq_nocase(otelenv_find(env, "OTEL_SDK_DISABLED"), STR("true")))
        return 0;
    if (str_eq(protocol, STR("grpc"))) {
        if (otelenv_find(env, "OTEL_EXPORTER_OTLP_ENDPOINT").len)
            *note = "OTEL_EXPORTER_OTLP_PROTOCOL is grpc, which fettle does not speak: it sends "
                    "nothing; with http/protobuf, or --otlp URL, it does";
        return 0;
    }
    err = texts_read(s, env, p);
    if (!err)
        err = duration_put(s, env, "otlp-interval", "OTEL_METRIC_EXPORT_INTERVAL", p);
    if (!err)
        err = duration_put(s, env, "otlp-timeout", "OTEL_EXPORTER_OTLP_TIMEOUT", p);
    if (!err)
        err = sampler_read(s, env, note, p);
    return err ? err : signals_read(s, env, p);
}
