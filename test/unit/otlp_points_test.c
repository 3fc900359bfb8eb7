/* test/unit/otlp_points_test.c -- samples as OTLP metrics: names, sums, what was added */
#include "otlp/points.h"

#include "otlp/exporter.h"
#include "otlp/protobuf.h"
#include "otlp/semantic.h"
#include "tap.h"

static struct identity identity;
static const struct points_worker worker = { .id = { "1", 1 }, .pid = 42, .started_ns = 1000 };
static struct points_now now = {
    .started_ns = 500, .only_app = { "shop", 4 }, .worker = &worker, .workers = 1
};

/* The first field with these numbers, one within the other. */
static bool find(struct str bytes, const u32 *path, struct protobuf_field *out)
{
    while (protobuf_next(&bytes, out))
        if (out->number == *path)
            return path[1] == 0 || find(out->bytes, path + 1, out);
    return false;
}
#define FIND(b, ...) find(buf_str(b), (const u32[]){ __VA_ARGS__, 0 }, &f)

static struct protobuf_field f;

static u64 fixed(void)
{
    u64 n = 0;

    memcpy(&n, f.bytes.ptr, min(f.bytes.len, sizeof(n)));
    return n;
}

/* One counter with this value at this time, encoded. False: nothing was told. */
static bool count(struct points *p, u64 at_ns, u64 n, struct buf *out)
{
    struct text text = { 0 };
    struct batch *b;
    bool told;

    now.time_ns = at_ns;
    text.sink = points_begin(p, &now);
    text_family(&text, "fettle_worker_requests_total", TEXT_COUNTER, "Requests.");
    text_u64(&text, LABELS({ "worker", STR("1") }, { "kind", STR("x") }), n);
    b = points_end(p);
    CHECK(b != NULL);
    told = b->items > 0;
    buf_clear(out);
    batch_encode(b, 0, b->items, out);
    batch_free(b);
    return told;
}

enum { RESOURCES = 1, SCOPES = 2, METRICS = 2, SUM = 7, POINTS = 1 };
#define POINT RESOURCES, SCOPES, METRICS, SUM, POINTS

static void a_cumulative_sum_counts_from_the_start_of_its_worker(void)
{
    AUTO(buf_done) struct buf b = { 0 };
    struct points *p;

    CHECK_EQ(points_new(&p, &identity, false, false), 0);
    CHECK(count(p, 2000, 5, &b));
    CHECK(FIND(&b, POINT, 6) && fixed() == 5);
    CHECK(FIND(&b, POINT, 2) && fixed() == 1000);
    CHECK(FIND(&b, POINT, 3) && fixed() == 2000);
    CHECK(FIND(&b, RESOURCES, SCOPES, METRICS, SUM, 2) && f.n == 2);
    CHECK(FIND(&b, RESOURCES, SCOPES, METRICS, SUM, 3) && f.n == 1);
    CHECK(FIND(&b, RESOURCES, SCOPES, METRICS, 1));
    CHECK_STR(f.bytes, "fettle.worker_requests");
    CHECK(count(p, 3000, 9, &b));
    CHECK(FIND(&b, POINT, 6) && fixed() == 9);
    CHECK(count(p, 4000, 2, &b)); /* the worker began anew */
    CHECK(FIND(&b, POINT, 6) && fixed() == 2);
    CHECK(FIND(&b, POINT, 2) && fixed() == 3000);
    points_free(p);
}

static void a_delta_is_what_was_added_since_the_last_time(void)
{
    AUTO(buf_done) struct buf b = { 0 };
    struct points *p;

    CHECK_EQ(points_new(&p, &identity, true, false), 0);
    CHECK(count(p, 2000, 5, &b));
    CHECK(FIND(&b, POINT, 6) && fixed() == 5);
    CHECK(count(p, 3000, 9, &b));
    CHECK(FIND(&b, POINT, 6) && fixed() == 4);
    CHECK(FIND(&b, POINT, 2) && fixed() == 2000);
    CHECK(FIND(&b, RESOURCES, SCOPES, METRICS, SUM, 2) && f.n == 1);
    CHECK(!count(p, 4000, 9, &b)); /* nothing was added */
    CHECK(count(p, 5000, 3, &b));
    CHECK(FIND(&b, POINT, 6) && fixed() == 3);
    points_free(p);
}

static void a_monitor_that_came_back_does_not_tell_deltas_twice(void)
{
    AUTO(buf_done) struct buf b = { 0 };
    struct points *p;

    CHECK_EQ(points_new(&p, &identity, true, true), 0);
    CHECK(!count(p, 2000, 5, &b));
    CHECK(count(p, 3000, 6, &b));
    CHECK(FIND(&b, POINT, 6) && fixed() == 1);
    points_free(p);
}

static void histograms_are_told_by_bucket(void)
{
    static const u64 le_ns[] = { 5000000, 10000000 }, cumulative[] = { 1, 3, 4 };
    AUTO(buf_done) struct buf b = { 0 };
    struct text text = { 0 };
    struct points *p;
    struct batch *batch;
    u64 buckets[3];
    double d;

    CHECK_EQ(points_new(&p, &identity, false, false), 0);
    now.time_ns = 9000;
    text.sink = points_begin(p, &now);
    text_family(&text, "http_server_request_duration_seconds", TEXT_HISTOGRAM, "Duration.");
    text_histogram(&text, LABELS({ "http_response_status_code", STR("200") }), le_ns, 2, cumulative,
                   2500000000);
    batch = points_end(p);
    batch_encode(batch, 0, batch->items, &b);
    batch_free(batch);
    CHECK(FIND(&b, 1, 2, 2, 9, 1, 4) && fixed() == 4);
    CHECK(FIND(&b, 1, 2, 2, 9, 1, 6) && f.bytes.len == 24);
    memcpy(buckets, f.bytes.ptr, 24);
    CHECK(buckets[0] == 1 && buckets[1] == 2 && buckets[2] == 1);
    CHECK(FIND(&b, 1, 2, 2, 9, 1, 5));
    memcpy(&d, f.bytes.ptr, 8);
    CHECK(d == 2.5);
    CHECK(FIND(&b, 1, 2, 2, 1));
    CHECK_STR(f.bytes, "http.server.request.duration");
    CHECK(FIND(&b, 1, 2, 2, 3));
    CHECK_STR(f.bytes, "s");
    points_free(p);
}

static void many_series_come_and_go_in_bounded_memory(void)
{
    struct points *p;

    CHECK_EQ(points_new(&p, &identity, true, false), 0);
    for (u32 round = 0; round < 20; round++) {
        struct text text = { 0 };
        struct batch *b;

        now.time_ns = 10000 + round;
        text.sink = points_begin(p, &now);
        text_family(&text, "x_total", TEXT_COUNTER, "X.");
        for (u32 i = 0; i < 500; i++) {
            char name[16];

            snprintf(name, sizeof(name), "%u", round * 250 + i); /* half of them are new */
            text_u64(&text, LABELS({ "name", str_of(name) }), 1 + round);
        }
        b = points_end(p);
        CHECK(b && b->weight == 500);
        batch_free(b);
    }
    points_free(p);
}

static void names_are_those_of_the_conventions(void)
{
    struct semantic s;

    semantic_metric(&s, "v8js_memory_heap_space_available_size_bytes", TEXT_GAUGE);
    CHECK_STR(str_of(s.name), "v8js.memory.heap.space.available_size");
    CHECK(s.is_updown);
    CHECK_STR(str_of(s.unit), "By");
    semantic_metric(&s, "process_cpu_time_seconds_total", TEXT_COUNTER);
    CHECK_STR(str_of(s.name), "process.cpu.time");
    CHECK(!s.is_updown);
    semantic_metric(&s, "nodejs_eventloop_utilization_ratio", TEXT_GAUGE);
    CHECK_STR(str_of(s.name), "nodejs.eventloop.utilization");
    CHECK_STR(str_of(s.unit), "1");
    semantic_metric(&s, "fettle_proxy_connections_total", TEXT_COUNTER);
    CHECK_STR(str_of(s.name), "fettle.proxy_connections_accepted");
    semantic_metric(&s, "fettle_proxy_connections", TEXT_GAUGE);
    CHECK_STR(str_of(s.name), "fettle.proxy_connections");
    CHECK_STR(str_of(semantic_attribute("http_response_status_code")), "http.response.status_code");
    CHECK_STR(str_of(semantic_attribute("kind")), "kind");
}

static void delta_is_for_those_who_need_it(void)
{
    CHECK(exporter_wants_delta(STR("https://otlp.nr-data.net/v1/metrics")));
    CHECK(exporter_wants_delta(STR("https://otlp.eu01.nr-data.net:4318/v1/metrics")));
    CHECK(exporter_wants_delta(STR("https://api.datadoghq.com/api/v2/otlp")));
    CHECK(exporter_wants_delta(STR("https://abc.live.dynatrace.com/api/v2/otlp")));
    CHECK(!exporter_wants_delta(STR("http://127.0.0.1:4318/v1/metrics")));
    CHECK(!exporter_wants_delta(STR("https://evil.example/nr-data.net")));
    CHECK(!exporter_wants_delta(STR("")));
}

int main(void)
{
    identity_init(&identity, STR(""), STR("deployment.environment=a%20b,service.name=given"));
    TEST(a_cumulative_sum_counts_from_the_start_of_its_worker);
    TEST(a_delta_is_what_was_added_since_the_last_time);
    TEST(a_monitor_that_came_back_does_not_tell_deltas_twice);
    TEST(histograms_are_told_by_bucket);
    TEST(many_series_come_and_go_in_bounded_memory);
    TEST(names_are_those_of_the_conventions);
    TEST(delta_is_for_those_who_need_it);
    return tap_done();
}
