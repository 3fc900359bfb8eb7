/* app/bench_report.c -- what `fettle bench` prints */
#include "app/bench_report.h"

#include "base/json.h"

static const struct {
    const char *key, *title;
    double q;
} quantiles[] = {
    { "p50", "p50", 0.5 },          { "p75", "p75", 0.75 }, { "p90", "p90", 0.9 },
    { "p95", "p95", 0.95 },         { "p99", "p99", 0.99 }, { "p99_9", "p99.9", 0.999 },
    { "p99_99", "p99.99", 0.9999 },
};

static const char *const measure_name[BENCH_MEASURES] = {
    [BENCH_RATE] = "rate", [BENCH_P50] = "p50", [BENCH_P99] = "p99"
};

double bench_measure(const struct result *r, enum bench_measure which)
{
    switch (which) {
    case BENCH_RATE:
        return result_rate(r);
    case BENCH_P50:
        return (double)hdr_quantile(&r->latency, 0.5);
    case BENCH_P99:
        return (double)hdr_quantile(&r->latency, 0.99);
    case BENCH_MEASURES:
        break;
    }
    return 0;
}

static void number(struct buf *out, const char *key, double value, int decimals)
{
    json_key(out, key);
    buf_addf(out, "%.*f", decimals, value);
}

static void count(struct buf *out, const char *key, u64 value)
{
    json_key(out, key);
    json_u64(out, value);
}

static void latency_json(struct buf *out, const struct hdr *h)
{
    json_key(out, "latency_us");
    buf_addc(out, '{');
    number(out, "min", (double)h->min_ns / NS_PER_US, 3);
    number(out, "mean", hdr_mean(h) / NS_PER_US, 3);
    number(out, "stddev", hdr_stddev(h) / NS_PER_US, 3);
    for (u32 i = 0; i < ARRAY_LEN(quantiles); i++)
        number(out, quantiles[i].key, (double)hdr_quantile(h, quantiles[i].q) / NS_PER_US, 3);
    number(out, "max", (double)h->max_ns / NS_PER_US, 3);
    buf_addc(out, '}');
}

static void kinds_json(struct buf *out, const struct bench_report *r)
{
    json_key(out, "kinds");
    buf_addc(out, '[');
    for (u32 i = 0; i < r->result->kinds_n; i++) {
        const struct result_kind *k = &r->result->kinds[i];

        json_comma(out);
        buf_addc(out, '{');
        json_key(out, "name");
        json_text(out, str_of(r->kind_names[i]));
        count(out, "requests", k->requests);
        count(out, "failed", k->failed);
        latency_json(out, &k->latency);
        buf_addc(out, '}');
    }
    buf_addc(out, ']');
}

static void failures_json(struct buf *out, const struct result *r)
{
    json_key(out, "failures");
    buf_addc(out, '{');
    for (u32 i = 0; i < RESULT_FAILURES; i++)
        count(out, result_failure_name[i], r->failures[i]);
    buf_addc(out, '}');
    json_key(out, "statuses");
    buf_addc(out, '{');
    for (u32 i = 0; i < RESULT_STATUSES; i++) {
        char status[16];

        snprintf(status, sizeof(status), "%u", i);
        if (r->statuses[i])
            count(out, status, r->statuses[i]);
    }
    buf_addc(out, '}');
}

static void conf_json(struct buf *out, const struct engine_conf *c)
{
    json_key(out, "target");
    json_text(out, str_of(c->destination->url));
    json_key(out, "mode");
    json_text(out, c->rate > 0 ? STR("open") : STR("closed"));
    if (c->rate > 0) {
        json_key(out, "arrivals");
        json_text(out, c->poisson ? STR("poisson") : STR("constant"));
        json_key(out, "rate_wanted");
        buf_addf(out, "%.10g", c->rate);
    }
    count(out, "connections", c->connections);
    count(out, "threads", c->threads);
}

void bench_report_json(struct buf *out, const struct bench_report *r)
{
    const struct result *m = r->result;

    json_comma(out);
    buf_addc(out, '{');
    conf_json(out, r->conf);
    number(out, "seconds", (double)m->measured_ns / NS_PER_S, 3);
    count(out, "requests", m->requests);
    number(out, "rate", result_rate(m), 3);
    count(out, "failed", m->failed);
    count(out, "unfinished", m->unfinished);
    failures_json(out, m);
    count(out, "bytes_in", m->bytes_in);
    count(out, "bytes_out", m->bytes_out);
    json_key(out, "cpu_seconds");
    buf_addc(out, '{');
    number(out, "user", (double)m->cpu_user_us / 1e6, 6);
    number(out, "system", (double)m->cpu_system_us / 1e6, 6);
    buf_addc(out, '}');
    latency_json(out, &m->latency);
    kinds_json(out, r);
    if (m->trouble[0]) {
        json_key(out, "trouble");
        json_text(out, str_of(m->trouble));
    }
    buf_addc(out, '}');
}

/* 1234567 → "1,234,567" */
static void grouped(struct buf *out, u64 n)
{
    char digits[24];
    int len = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)n);

    for (int i = 0; i < len; i++) {
        buf_addc(out, digits[i]);
        if ((len - i) % 3 == 1 && i + 1 < len)
            buf_addc(out, ',');
    }
}

/* Four significant digits in the unit that suits: "312.4 us", "1.235 ms". */
static void duration(struct buf *out, double ns, int width)
{
    const char *unit = ns < 1e6 ? "us" : ns < 1e9 ? "ms" : "s";
    double value = ns / (ns < 1e6 ? 1e3 : ns < 1e9 ? 1e6 : 1e9);
    int decimals = value < 10 ? 3 : value < 100 ? 2 : value < 1000 ? 1 : 0;

    buf_addf(out, "%*.*f %-2s", width, decimals, value, unit);
}

static void megabytes(struct buf *out, u64 bytes)
{
    buf_addf(out, "%.1f MB", (double)bytes / 1e6);
}

static void failures_text(struct buf *out, const struct result *m)
{
    const char *before = " (";

    buf_add(out, STR("  failed    "));
    grouped(out, m->failed);
    for (u32 i = 0; i < RESULT_FAILURES; i++) {
        if (m->failures[i] == 0)
            continue;
        buf_addf(out, "%s%s ", before, result_failure_name[i]);
        grouped(out, m->failures[i]);
        before = ", ";
    }
    if (m->failed)
        buf_addf(out, ")\n            the first one: %s", m->trouble);
    buf_addc(out, '\n');
    if (m->unfinished) {
        buf_add(out, STR("  given up  "));
        grouped(out, m->unfinished);
        buf_add(out, STR(" were without an answer when it was interrupted\n"));
    }
}

static void latency_text(struct buf *out, const struct hdr *h)
{
    buf_add(out, STR("  latency   mean "));
    duration(out, hdr_mean(h), 0);
    buf_add(out, STR("  stddev "));
    duration(out, hdr_stddev(h), 0);
    buf_add(out, STR("  min "));
    duration(out, (double)h->min_ns, 0);
    buf_addc(out, '\n');
    for (u32 i = 0; i < ARRAY_LEN(quantiles); i++) {
        buf_addf(out, "    %-8s", quantiles[i].title);
        duration(out, (double)hdr_quantile(h, quantiles[i].q), 7);
        buf_addc(out, '\n');
    }
    buf_addf(out, "    %-8s", "max");
    duration(out, (double)h->max_ns, 7);
    buf_addc(out, '\n');
}

static void kinds_text(struct buf *out, const struct bench_report *r)
{
    buf_addf(out, "  %-20s %10s %8s %10s %10s %10s\n", "kind", "requests", "failed", "p50", "p99",
             "max");
    for (u32 i = 0; i < r->result->kinds_n; i++) {
        const struct result_kind *k = &r->result->kinds[i];

        buf_addf(out, "  %-20s %10llu %8llu ", r->kind_names[i], (unsigned long long)k->requests,
                 (unsigned long long)k->failed);
        duration(out, (double)hdr_quantile(&k->latency, 0.5), 7);
        buf_addc(out, ' ');
        duration(out, (double)hdr_quantile(&k->latency, 0.99), 7);
        buf_addc(out, ' ');
        duration(out, (double)k->latency.max_ns, 7);
        buf_addc(out, '\n');
    }
}

void bench_report_text(struct buf *out, const struct bench_report *r)
{
    const struct engine_conf *c = r->conf;
    const struct result *m = r->result;

    buf_addf(out, "%s: ", c->destination->url);
    if (c->rate > 0)
        buf_addf(out, "%.10g/s %s, ", c->rate, c->poisson ? "Poisson" : "constant");
    else
        buf_add(out, STR("full speed, "));
    buf_addf(out, "%u connections, %.1f s\n\n", c->connections, (double)m->measured_ns / NS_PER_S);
    buf_add(out, STR("  requests  "));
    grouped(out, m->requests);
    buf_addf(out, ", %.1f/s answered well\n", result_rate(m));
    failures_text(out, m);
    buf_add(out, STR("  bytes     "));
    megabytes(out, m->bytes_in);
    buf_add(out, STR(" in, "));
    megabytes(out, m->bytes_out);
    buf_addf(out, " out; this program's CPU: %.2f s user, %.2f s system\n",
             (double)m->cpu_user_us / 1e6, (double)m->cpu_system_us / 1e6);
    if (m->latency.total)
        latency_text(out, &m->latency);
    if (m->kinds_n > 1)
        kinds_text(out, r);
}

void bench_ratios_json(struct buf *out, const struct ratio ratios[BENCH_MEASURES])
{
    json_key(out, "ratio");
    buf_addc(out, '{');
    for (u32 i = 0; i < BENCH_MEASURES; i++) {
        const struct ratio *r = &ratios[i];

        json_key(out, measure_name[i]);
        if (!r->has_value) {
            json_null(out);
            continue;
        }
        buf_addc(out, '{');
        number(out, "value", r->value, 4);
        json_key(out, "low");
        r->has_interval ? buf_addf(out, "%.4f", r->low) : json_null(out);
        json_key(out, "high");
        r->has_interval ? buf_addf(out, "%.4f", r->high) : json_null(out);
        buf_addc(out, '}');
    }
    buf_addc(out, '}');
}

void bench_ratios_text(struct buf *out, const struct ratio ratios[BENCH_MEASURES], u32 rounds)
{
    buf_addf(out, "second / first, %u rounds in turns:\n", rounds);
    for (u32 i = 0; i < BENCH_MEASURES; i++) {
        const struct ratio *r = &ratios[i];

        buf_addf(out, "  %-6s", measure_name[i]);
        if (r->has_interval)
            buf_addf(out, "%.3f, 95 %% between %.3f and %.3f\n", r->value, r->low, r->high);
        else if (r->has_value)
            buf_addf(out, "%.3f (one round tells no interval)\n", r->value);
        else
            buf_add(out, STR("not known\n"));
    }
}
