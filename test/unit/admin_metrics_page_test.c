#include "admin/site.h"
#include "admin_fixture.h"
#include "prom_check.h"

static struct shm *shm;
static struct sampler *sampler;
static struct buf out;
static struct prom prom;

static void begin(void)
{
    free(shm);
    sampler_free(sampler);
    shm = fixture_shm();
    assert(sampler_new(&sampler) == 0);
}

static struct page_source source(void)
{
    return (struct page_source){ .shm = shm,
                                 .sampler = sampler,
                                 .now_ns = FIXTURE_NOW,
                                 .prom_client = true,
                                 .opentelemetry = true };
}

static void scrape(const struct page_source *src)
{
    buf_clear(&out);
    out.bytes_max = SITE_BODY_BYTES_MAX;
    page_metrics(&out, src);
    CHECK(!out.failed);
    free(prom.sample);
    prom = prom_read(buf_str(&out));
}

static void scrape_all(void)
{
    struct page_source src = source();

    scrape(&src);
}

static bool has(const char *name, const char *labels)
{
    bool yes = prom_find(&prom, name, labels) != NULL;

    if (!yes)
        printf("# missing: %s{%s}\n", name, labels);
    return yes;
}

static void the_page_is_strictly_valid(void)
{
    begin();
    scrape_all();
    CHECK(prom.error == NULL);
    CHECK(prom.count > 300);
}

/* METRICS.md, prom-client 15. */
static void every_name_of_prom_client_is_there_with_its_labels(void)
{
    static const char *const plain[] = {
        "process_cpu_user_seconds_total",
        "process_cpu_system_seconds_total",
        "process_cpu_seconds_total",
        "process_start_time_seconds",
        "process_resident_memory_bytes",
        "process_virtual_memory_bytes",
        "process_open_fds",
        "process_max_fds",
        "nodejs_eventloop_lag_seconds",
        "nodejs_eventloop_lag_min_seconds",
        "nodejs_eventloop_lag_max_seconds",
        "nodejs_eventloop_lag_mean_seconds",
        "nodejs_eventloop_lag_stddev_seconds",
        "nodejs_eventloop_lag_p50_seconds",
        "nodejs_eventloop_lag_p90_seconds",
        "nodejs_eventloop_lag_p99_seconds",
        "nodejs_active_resources_total",
        "nodejs_active_handles_total",
        "nodejs_active_requests_total",
        "nodejs_heap_size_total_bytes",
        "nodejs_heap_size_used_bytes",
        "nodejs_external_memory_bytes",
    };
    static const char *const spaces[] = { "read_only",
                                          "new",
                                          "old",
                                          "code",
                                          "shared",
                                          "new_large_object",
                                          "large_object",
                                          "code_large_object",
                                          "shared_large_object" };
    static const char *const kinds[] = { "major", "minor", "incremental", "weakcb" };
    char labels[128];

    begin();
    scrape_all();
    for (u32 i = 0; i < ARRAY_LEN(plain); i++) {
        CHECK(has(plain[i], "worker=\"1\""));
        CHECK(has(plain[i], "worker=\"2\""));
        CHECK(has(plain[i], "worker=\"2.1\""));
    }
    for (u32 i = 0; i < ARRAY_LEN(spaces); i++) {
        snprintf(labels, sizeof(labels), "worker=\"1\",space=\"%s\"", spaces[i]);
        CHECK(has("nodejs_heap_space_size_total_bytes", labels));
        CHECK(has("nodejs_heap_space_size_used_bytes", labels));
        CHECK(has("nodejs_heap_space_size_available_bytes", labels));
    }
    for (u32 i = 0; i < ARRAY_LEN(kinds); i++) {
        static const char *const le[] = { "0.001", "0.01", "0.1", "1", "2", "5", "+Inf" };

        for (u32 j = 0; j < ARRAY_LEN(le); j++) {
            snprintf(labels, sizeof(labels), "worker=\"1\",kind=\"%s\",le=\"%s\"", kinds[i], le[j]);
            CHECK(has("nodejs_gc_duration_seconds_bucket", labels));
        }
    }
    CHECK(has("nodejs_active_resources", "worker=\"1\",type=\"TCPSocketWrap\""));
    CHECK(has("nodejs_active_handles", "worker=\"1\",type=\"Timeout\""));
    CHECK(has("nodejs_active_requests", "worker=\"1\",type=\"FSReqCallback\""));
    CHECK(has("nodejs_version_info",
              "worker=\"1\",version=\"v20.20.2\",major=\"20\",minor=\"20\",patch=\"2\""));
    CHECK(has("http_requests_total", "method=\"GET\",route=\"/cart/:id\",status_code=\"200\""));
    for (const char *const *le =
             (const char *const[]){ "0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1",
                                    "2.5", "5", "10", "+Inf", NULL };
         *le; le++) {
        snprintf(labels, sizeof(labels),
                 "method=\"POST\",route=\"/cart\",status_code=\"503\",le=\"%s\"", *le);
        CHECK(has("http_request_duration_seconds_bucket", labels));
    }
}

static void every_name_of_opentelemetry_is_there_with_its_labels(void)
{
    static const char *const plain[] = {
        "nodejs_eventloop_delay_min_seconds",
        "nodejs_eventloop_delay_max_seconds",
        "nodejs_eventloop_delay_mean_seconds",
        "nodejs_eventloop_delay_stddev_seconds",
        "nodejs_eventloop_delay_p50_seconds",
        "nodejs_eventloop_delay_p90_seconds",
        "nodejs_eventloop_delay_p99_seconds",
        "nodejs_eventloop_utilization_ratio",
        "process_memory_usage_bytes",
        "process_memory_virtual_bytes",
        "process_thread_count",
        "process_unix_file_descriptor_count",
        "process_uptime_seconds",
    };

    begin();
    scrape_all();
    for (u32 i = 0; i < ARRAY_LEN(plain); i++)
        CHECK(has(plain[i], "worker=\"2\""));
    CHECK(has("nodejs_eventloop_time_seconds_total",
              "worker=\"1\",nodejs_eventloop_state=\"active\""));
    CHECK(
        has("nodejs_eventloop_time_seconds_total", "worker=\"1\",nodejs_eventloop_state=\"idle\""));
    CHECK(has("process_cpu_time_seconds_total", "worker=\"1\",cpu_mode=\"user\""));
    CHECK(has("process_cpu_utilization_ratio", "worker=\"1\",cpu_mode=\"system\""));
    CHECK(has("v8js_gc_duration_seconds_bucket", "worker=\"1\",v8js_gc_type=\"major\",le=\"0.1\""));
    CHECK(has("v8js_memory_heap_used_bytes",
              "worker=\"1\",v8js_heap_space_name=\"new_large_object_space\""));
    CHECK(has("v8js_memory_heap_space_size_bytes",
              "worker=\"1\",v8js_heap_space_name=\"old_space\""));
    CHECK(has("v8js_memory_heap_space_available_size_bytes",
              "worker=\"1\",v8js_heap_space_name=\"old_space\""));
    CHECK(has("v8js_memory_heap_space_physical_size_bytes",
              "worker=\"1\",v8js_heap_space_name=\"old_space\""));
    CHECK(has("v8js_resource_active", "worker=\"1\",v8js_resource_type=\"Timeout\""));
    CHECK(has("http_server_active_requests", "url_scheme=\"http\""));
    CHECK(has("http_server_request_duration_seconds_bucket",
              "http_request_method=\"GET\",url_scheme=\"http\",http_route=\"/cart/:id\","
              "http_response_status_code=\"200\",network_protocol_name=\"http\",le=\"0.075\""));
    CHECK(has("http_server_request_duration_seconds_count",
              "http_response_status_code=\"503\",error_type=\"503\""));
    CHECK(!prom_find(&prom, "http_server_request_duration_seconds_count",
                     "http_response_status_code=\"200\",error_type=\"200\""));
}

/* Grafana 11159 and Grafana Cloud's Node set: the names their panels query. */
static void the_dashboards_queries_find_something(void)
{
    static const char *const names[] = {
        "nodejs_version_info",
        "process_cpu_user_seconds_total",
        "process_cpu_system_seconds_total",
        "process_cpu_seconds_total",
        "nodejs_eventloop_lag_seconds",
        "process_resident_memory_bytes",
        "nodejs_heap_size_total_bytes",
        "nodejs_heap_size_used_bytes",
        "nodejs_external_memory_bytes",
        "nodejs_active_handles_total",
        "nodejs_active_requests_total",
        "nodejs_heap_space_size_total_bytes",
        "nodejs_heap_space_size_used_bytes",
        "nodejs_heap_space_size_available_bytes",
        "process_start_time_seconds",
        "nodejs_eventloop_lag_p99_seconds",
        "nodejs_gc_duration_seconds_sum",
        "nodejs_gc_duration_seconds_count",
        "process_open_fds",
        "process_max_fds",
    };

    begin();
    scrape_all();
    for (u32 i = 0; i < ARRAY_LEN(names); i++)
        CHECK(has(names[i], ""));
}

static void values_are_what_the_memory_says(void)
{
    begin();
    scrape_all();
    CHECK(prom_value(&prom, "process_cpu_seconds_total", "worker=\"1\"") == 3);
    CHECK(prom_value(&prom, "process_start_time_seconds", "worker=\"1\"") == 1700000100);
    CHECK(prom_value(&prom, "nodejs_heap_size_used_bytes", "worker=\"1\"") == 20 << 20);
    CHECK(prom_value(&prom, "nodejs_active_handles_total", "worker=\"1\"") == 6);
    CHECK(prom_value(&prom, "nodejs_active_requests_total", "worker=\"1\"") == 1);
    CHECK(prom_value(&prom, "nodejs_active_resources_total", "worker=\"1\"") == 7);
    CHECK(prom_value(&prom, "nodejs_gc_duration_seconds_bucket",
                     "worker=\"1\",kind=\"major\",le=\"0.01\"") == 9);
    CHECK(prom_value(&prom, "nodejs_gc_duration_seconds_count", "worker=\"1\",kind=\"major\"") ==
          10);
    CHECK(prom_value(&prom, "http_requests_total", "route=\"/cart\"") == 3);
    CHECK(prom_value(&prom, "http_request_duration_seconds_bucket",
                     "route=\"/cart\",le=\"0.005\"") == 2);
    CHECK(prom_value(&prom, "http_request_duration_seconds_sum", "route=\"/cart\"") == 0.015);
    CHECK(prom_value(&prom, "fettle_worker_loop_busy_seconds_total", "worker=\"1\"") == 10);
    CHECK(prom_value(&prom, "fettle_worker_state", "worker=\"1\",state=\"ready\"") == 1);
    CHECK(prom_value(&prom, "fettle_worker_state", "worker=\"1\",state=\"dead\"") == 0);
    CHECK(prom_value(&prom, "fettle_proxy_refused_total", "reason=\"queue_full\"") == 4);
    CHECK(prom_value(&prom, "fettle_proxy_queue_wait_seconds_total", "") == 1.5);
    CHECK(prom_value(&prom, "fettle_process_restarts_total", "process=\"proxy\"") == 1);
    CHECK(prom_value(&prom, "fettle_ready", "") == 1);
    CHECK(prom_value(&prom, "http_server_active_requests", "") == 6);
}

static void an_idle_loop_reads_ten_milliseconds(void)
{
    begin();
    for (u32 i = 0; i < 3; i++)
        memset(&shm->slot[i].loop.delay_count, 0, sizeof(shm->slot[i].loop.delay_count));
    scrape_all();
    CHECK(prom_value(&prom, "nodejs_eventloop_lag_min_seconds", "worker=\"1\"") == 0.01);
    CHECK(prom_value(&prom, "nodejs_eventloop_lag_mean_seconds", "worker=\"1\"") == 0.01);
    CHECK(prom_value(&prom, "nodejs_eventloop_lag_p50_seconds", "worker=\"1\"") == 0.01);
    CHECK(prom_value(&prom, "nodejs_eventloop_lag_seconds", "worker=\"1\"") == 0);
}

static void a_loop_that_is_blocked_shows_it_while_it_is(void)
{
    begin();
    shm->slot[0].loop.waits_since_ns = 0;
    shm->slot[0].loop.busy_since_ns = FIXTURE_NOW - 4 * NS_PER_S;
    scrape_all();
    CHECK(prom_value(&prom, "nodejs_eventloop_lag_seconds", "worker=\"1\"") == 4);
    CHECK(prom_value(&prom, "nodejs_eventloop_lag_max_seconds", "worker=\"1\"") >= 4);
    CHECK(prom_value(&prom, "fettle_worker_loop_running_seconds", "worker=\"1\"") == 4);
    CHECK(prom_value(&prom, "fettle_worker_loop_running_seconds", "worker=\"2\"") == 0);
    CHECK(prom_value(&prom, "fettle_worker_loop_busy_seconds_total", "worker=\"1\"") == 14);
}

static void each_family_can_be_left_out(void)
{
    struct page_source src = source();

    begin();
    src = source();
    src.prom_client = false;
    scrape(&src);
    CHECK(!prom_find(&prom, "nodejs_eventloop_lag_seconds", ""));
    CHECK(has("nodejs_eventloop_utilization_ratio", ""));
    src.prom_client = true;
    src.opentelemetry = false;
    scrape(&src);
    CHECK(!prom_find(&prom, "nodejs_eventloop_utilization_ratio", ""));
    CHECK(!prom_find(&prom, "http_server_request_duration_seconds_count", ""));
    CHECK(has("nodejs_eventloop_lag_seconds", ""));
    src.prom_client = false;
    scrape(&src);
    CHECK(prom.error == NULL);
    CHECK(has("fettle_worker_in_flight", "worker=\"1\""));
}

static void a_worker_that_has_told_nothing_has_no_heap(void)
{
    begin();
    memset(&shm->slot[0].agent, 0, sizeof(shm->slot[0].agent));
    memset(&shm->slot[0].loop, 0, sizeof(shm->slot[0].loop));
    shm->slot[0].node_version[0] = '\0';
    scrape_all();
    CHECK(prom.error == NULL);
    CHECK(!prom_find(&prom, "nodejs_heap_size_used_bytes", "worker=\"1\""));
    CHECK(!prom_find(&prom, "nodejs_eventloop_lag_seconds", "worker=\"1\""));
    CHECK(!prom_find(&prom, "nodejs_version_info", "worker=\"1\""));
    CHECK(has("process_resident_memory_bytes", "worker=\"1\""));
}

static void an_app_without_workers_has_a_valid_page(void)
{
    begin();
    memset(shm->slot, 0, sizeof(shm->slot));
    memset(shm->series, 0, sizeof(shm->series));
    scrape_all();
    CHECK(prom.error == NULL);
    CHECK(prom_value(&prom, "fettle_ready", "") == 0);
}

/* Everything that a worker or a dead writer could leave: the page stays valid and bounded. */
static void garbage_in_the_memory_gives_a_valid_page(void)
{
    u64 seed = 99;

    for (int round = 0; round < 6; round++) {
        begin();
        for (u8 *p = (u8 *)shm->slot; p < (u8 *)(shm->slot + SHM_SLOTS_MAX); p++) {
            seed = seed * 6364136223846793005ull + 1442695040888963407ull;
            *p = (u8)(seed >> 56);
        }
        for (u8 *p = (u8 *)&shm->proxy; p < (u8 *)shm->slot; p++) {
            seed = seed * 6364136223846793005ull + 1442695040888963407ull;
            *p = (u8)(seed >> 56);
        }
        for (u32 i = 0; i < 2; i++) /* the page of all of them would be too large */
            for (u8 *p = (u8 *)&shm->measures[i]; p < (u8 *)&shm->measures[i + 1]; p++) {
                seed = seed * 6364136223846793005ull + 1442695040888963407ull;
                *p = (u8)(seed >> 56);
            }
        for (u32 i = 0; i < SHM_MEASURES_MAX; i++)
            shm->measures[1].measure[i].kind = i % SHM_MEASURE_KINDS;
        for (u32 i = 0; i < SHM_SLOTS_MAX; i++) {
            shm->slot[i].state = 1 + i % 5;
            shm->slot[i].worker = i % 7;
            shm->slot[i].is_main = i % 3 == 0;
        }
        for (u32 i = 0; i < SHM_SERIES_MAX; i++)
            shm->series[i].state = 2;
        shm->slots_used = round % 2 ? UINT32_MAX : SHM_SLOTS_MAX;
        memset(shm->app, 0xff, sizeof(shm->app));
        if (round > 2)
            sampler_tick(sampler, shm, FIXTURE_NOW - 5 * NS_PER_S);
        scrape_all();
        CHECK(prom.error == NULL);
    }
}

static void the_fullest_page_fits(void)
{
    begin();
    for (u32 i = 0; i < SHM_SLOTS_MAX; i++) {
        struct shm_slot *s = fixture_slot(shm, i, 1 + i / 2, i % 2 == 0);

        s->agent.resources = SHM_RESOURCES_MAX;
        for (u32 j = 0; j < SHM_RESOURCES_MAX; j++)
            snprintf(s->agent.resource[j].type, 32, "A.very.long.name.of.resource-%u", j % 100);
        s->agent.spaces = SHM_SPACES_MAX;
        for (u32 j = 0; j < SHM_SPACES_MAX; j++)
            snprintf(s->agent.space[j].name, 24, "long_long_%u_space", j % 100);
    }
    for (u32 i = 0; i < SHM_SERIES_MAX; i++) {
        char route[SHM_ROUTE_MAX];

        memset(route, '"', sizeof(route));
        route[snprintf(route, sizeof(route), "%u", i)] = '"';
        route[SHM_ROUTE_MAX - 1] = '\0';
        fixture_series(shm, i, "PROPPATCH", route, 500);
    }
    scrape_all();
    CHECK(prom.error == NULL);
    CHECK(out.len < SITE_BODY_BYTES_MAX / 2);
}

static void a_series_that_two_threads_made_is_one(void)
{
    begin();
    fixture_series(shm, 7, "GET", "/cart/:id", 200);
    scrape_all();
    CHECK(prom.error == NULL);
    CHECK(prom_value(&prom, "http_requests_total", "route=\"/cart/:id\"") == 6);
}

static void measure_add(u32 slot, u32 kind, const char *name, u64 count)
{
    struct shm_measures *all = &shm->measures[slot];
    struct shm_measure *m = &all->measure[all->count++];

    m->kind = kind;
    str_to_cstr(str_of(name), m->name, sizeof(m->name));
    m->count = count;
    m->sum_ns = count * 3 * MS;
    m->bucket[3] = count;
}

static void what_an_app_measures_is_there_by_worker_and_name(void)
{
    begin();
    measure_add(0, SHM_MEASURE, "check\"out", 3);
    measure_add(0, SHM_MARK, "begin", 4);
    measure_add(1, SHM_MEASURE, "check\"out", 5);
    measure_add(1, SHM_FUNCTION, "total", 6);
    measure_add(2, SHM_MEASURE, "(other)", 0);
    scrape_all();
    CHECK(prom.error == NULL);
    CHECK(prom_value(&prom, "fettle_app_measure_seconds_bucket",
                     "worker=\"1\",name=\"check\\\"out\",le=\"0.005\"") == 3);
    CHECK(prom_value(&prom, "fettle_app_measure_seconds_bucket",
                     "worker=\"1\",name=\"check\\\"out\",le=\"0.002\"") == 0);
    CHECK(prom_value(&prom, "fettle_app_measure_seconds_sum", "worker=\"2\"") == 0.015);
    CHECK(prom_value(&prom, "fettle_app_marks_total", "worker=\"1\",name=\"begin\"") == 4);
    CHECK(prom_value(&prom, "fettle_app_function_seconds_count", "worker=\"2\"") == 6);
    CHECK(!prom_find(&prom, "fettle_app_measure_seconds_count", "worker=\"2.1\""));
    CHECK(prom_value(&prom, "fettle_app_names_left_out", "") == 0);
}

static void measures_that_do_not_fit_are_left_out_and_the_page_says_so(void)
{
    struct page_source src = source();
    char name[16];

    begin();
    src = source();
    scrape(&src);
    for (u32 i = 0; i < SHM_MEASURES_MAX; i++) {
        snprintf(name, sizeof(name), "step %u", i);
        measure_add(0, SHM_MEASURE, name, 1);
    }
    buf_clear(&out);
    out.bytes_max = 200000;
    page_metrics(&out, &src);
    CHECK(!out.failed);
    free(prom.sample);
    prom = prom_read(buf_str(&out));
    CHECK(prom.error == NULL);
    CHECK(prom_value(&prom, "fettle_app_names_left_out", "") == SHM_MEASURES_MAX);
    CHECK(!prom_find(&prom, "fettle_app_measure_seconds_count", ""));
}

/* doc/metrics.md, where the tests run in the tree: a row for each family and none beside. */
static void the_documentation_lists_every_family(void)
{
    static char doc[1 << 17];
    FILE *f = fopen("doc/metrics.md", "r");
    struct str page, rest, line;
    u32 families = 0, listed = 0;
    char row[160];

    if (!f)
        return;
    doc[fread(doc, 1, sizeof(doc) - 1, f)] = '\0';
    fclose(f);
    begin();
    shm->upstream[0].used = shm->upstream[0].active =
        1; /* families of upstreams are there with one */
    shm->upstream[0].endpoint[0].state = SHM_ENDPOINT_UP;
    scrape_all();
    for (page = buf_str(&out); page.len;) {
        line = str_cut(page, '\n', &page);
        if (!str_starts(line, STR("# TYPE ")))
            continue;
        line = str_cut(str_sub(line, 7, line.len), ' ', &rest);
        snprintf(row, sizeof(row), "\n| `%.*s` | %.*s |", STR_ARG(line), STR_ARG(rest));
        if (!strstr(doc, row))
            printf("# not in doc/metrics.md: %s\n", row + 1);
        CHECK(strstr(doc, row) != NULL);
        families++;
    }
    for (const char *at = doc; (at = strstr(at, "\n| `")); at++)
        listed++;
    CHECK_EQ(listed, families);
}

int main(void)
{
    TEST(the_page_is_strictly_valid);
    TEST(every_name_of_prom_client_is_there_with_its_labels);
    TEST(every_name_of_opentelemetry_is_there_with_its_labels);
    TEST(the_dashboards_queries_find_something);
    TEST(values_are_what_the_memory_says);
    TEST(an_idle_loop_reads_ten_milliseconds);
    TEST(a_loop_that_is_blocked_shows_it_while_it_is);
    TEST(each_family_can_be_left_out);
    TEST(a_worker_that_has_told_nothing_has_no_heap);
    TEST(an_app_without_workers_has_a_valid_page);
    TEST(garbage_in_the_memory_gives_a_valid_page);
    TEST(the_fullest_page_fits);
    TEST(a_series_that_two_threads_made_is_one);
    TEST(what_an_app_measures_is_there_by_worker_and_name);
    TEST(measures_that_do_not_fit_are_left_out_and_the_page_says_so);
    TEST(the_documentation_lists_every_family);
    free(prom.sample);
    free(shm);
    sampler_free(sampler);
    buf_done(&out);
    return tap_done();
}
