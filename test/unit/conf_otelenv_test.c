/* test/unit/conf_otelenv_test.c -- the variables that every OpenTelemetry SDK reads */
#include "conf/otelenv.h"

#include "tap.h"

#define READ(...) read_env((const char *[]){ __VA_ARGS__, NULL })
static struct settings s;
static struct problem p;
static const char *note;

static int read_env(const char **variables)
{
    char *const *env = (char *const *)(uintptr_t)variables;
    int err;

    settings_done(&s);
    s = (struct settings){ 0 };
    err = settings_init(&s);
    if (!err)
        err = otelenv_read(&s, env, &note, &p);
    if (!err)
        err = settings_read_env(&s, env, 0, &p);
    return err ? err : settings_check(&s, &p);
}

static void an_endpoint_and_its_headers_are_taken(void)
{
    CHECK_EQ(READ("OTEL_EXPORTER_OTLP_ENDPOINT=https://otlp.example.com/otlp",
                  "OTEL_EXPORTER_OTLP_HEADERS=api-key=abc,x=1", "OTEL_METRIC_EXPORT_INTERVAL=5000",
                  "OTEL_EXPORTER_OTLP_COMPRESSION=none",
                  "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE=DELTA"),
             0);
    CHECK_STR(s.otlp, "https://otlp.example.com/otlp");
    CHECK_STR(s.otlp_headers, "api-key=abc,x=1");
    CHECK(s.otlp_interval_ns == 5 * NS_PER_S && !s.otlp_gzip);
    CHECK_EQ(s.otlp_temporality, SETTINGS_TEMPORALITY_DELTA);
    CHECK(note == NULL);
}

static void fettles_own_variable_wins(void)
{
    CHECK_EQ(READ("OTEL_EXPORTER_OTLP_ENDPOINT=http://a:1", "FETTLE_OTLP=http://b:2"), 0);
    CHECK_STR(s.otlp, "http://b:2");
    CHECK_EQ(READ("OTEL_EXPORTER_OTLP_ENDPOINT=http://a:1", "FETTLE_OTLP=off"), 0);
    CHECK_STR(s.otlp, "");
}

static void a_ratio_is_a_percentage(void)
{
    CHECK_EQ(READ("OTEL_TRACES_SAMPLER=parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG=0.25"),
             0);
    CHECK_EQ(s.request.trace_sample, 25000);
    CHECK_EQ(READ("OTEL_TRACES_SAMPLER=traceidratio", "OTEL_TRACES_SAMPLER_ARG=1"), 0);
    CHECK_EQ(s.request.trace_sample, 100000);
    CHECK_EQ(READ("OTEL_TRACES_SAMPLER=parentbased_always_on"), 0);
    CHECK_EQ(s.request.trace_sample, 100000);
    CHECK_EQ(READ("OTEL_TRACES_SAMPLER=always_off"), 0);
    CHECK_EQ(s.request.trace_sample, 0);
    CHECK_EQ(READ("OTEL_TRACES_SAMPLER=traceidratio", "OTEL_TRACES_SAMPLER_ARG=1.5"), 0);
    CHECK(note && s.request.trace_sample == 1000);
    CHECK_EQ(READ("OTEL_TRACES_SAMPLER=jaeger_remote"), 0);
    CHECK(note && s.request.trace_sample == 1000);
}

static void what_only_an_sdk_can_use_is_left_alone(void)
{
    CHECK_EQ(READ("OTEL_EXPORTER_OTLP_PROTOCOL=grpc", "OTEL_EXPORTER_OTLP_ENDPOINT=http://a:4317"),
             0);
    CHECK(note && s.otlp.len == 0);
    CHECK_EQ(READ("OTEL_SDK_DISABLED=true", "OTEL_EXPORTER_OTLP_ENDPOINT=http://a:4317"), 0);
    CHECK(!note && s.otlp.len == 0);
    CHECK_EQ(READ("OTEL_TRACES_EXPORTER=none", "OTEL_EXPORTER_OTLP_ENDPOINT=http://a:4318"), 0);
    CHECK_EQ(s.otlp_signals, SETTINGS_SIGNALS_METRICS);
}

static void a_url_is_checked_and_a_password_in_it_is_not_shown(void)
{
    CHECK_EQ(READ("OTEL_EXPORTER_OTLP_ENDPOINT=otlp.example.com:4318"), -EINVAL);
    CHECK(strstr(p.text, "OTEL_EXPORTER_OTLP_ENDPOINT: \"otlp.example.com:4318\" is no URL"));
    CHECK_EQ(READ("FETTLE_OTLP=https://me:hush@example.com"), -EINVAL);
    CHECK(strstr(p.text, "otlp-headers") && !strstr(p.text, "hush"));
    CHECK_EQ(READ("FETTLE_OTLP=https://example.com/?a=b"), -EINVAL);
    CHECK_EQ(READ("FETTLE_OTLP_HEADERS=hush hush"), -EINVAL);
    CHECK(!strstr(p.text, "hush"));
    CHECK_EQ(READ("FETTLE_OTLP_HEADERS=a b=c"), -EINVAL);
    CHECK_EQ(READ("FETTLE_OTLP_HEADERS=a=b, c=d"), 0);
}

static void percentages_are_read_and_written(void)
{
    AUTO(buf_done) struct buf text = { 0 };

    CHECK_EQ(READ("FETTLE_TRACE_SAMPLE=0.25%"), 0);
    CHECK_EQ(s.request.trace_sample, 250);
    settings_text(&s, settings_row_find(STR("trace-sample"), NULL), &text);
    CHECK_STR(buf_str(&text), "0.25%");
    CHECK_EQ(READ("FETTLE_TRACE_SAMPLE=off"), 0);
    CHECK_EQ(s.request.trace_sample, 0);
    CHECK_EQ(READ("FETTLE_TRACE_SAMPLE=0%"), 0);
    CHECK_EQ(READ("FETTLE_TRACE_SAMPLE=101%"), -EINVAL);
    CHECK(strstr(p.text, "from 0.001% to 100%"));
    CHECK_EQ(READ("FETTLE_TRACE_SAMPLE=10"), -EINVAL);
}

int main(void)
{
    TEST(an_endpoint_and_its_headers_are_taken);
    TEST(fettles_own_variable_wins);
    TEST(a_ratio_is_a_percentage);
    TEST(what_only_an_sdk_can_use_is_left_alone);
    TEST(a_url_is_checked_and_a_password_in_it_is_not_shown);
    TEST(percentages_are_read_and_written);
    settings_done(&s);
    return tap_done();
}
