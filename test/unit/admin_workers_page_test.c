#include "admin_fixture.h"

#include <jansson.h>

static struct shm *shm;
static struct sampler *sampler;
static struct buf out;
static json_t *json;

static void begin(void)
{
    free(shm);
    sampler_free(sampler);
    shm = fixture_shm();
    assert(sampler_new(&sampler) == 0);
}

static void page(void (*fn)(struct buf *, const struct page_source *))
{
    struct page_source src = { .shm = shm, .sampler = sampler, .now_ns = FIXTURE_NOW };
    json_error_t error;

    buf_clear(&out);
    fn(&out, &src);
    json_decref(json);
    json = json_loadb(out.ptr, out.len, JSON_REJECT_DUPLICATES, &error);
    CHECK(json != NULL);
    if (!json)
        printf("# %s at %d\n", error.text, error.position);
}

static json_int_t whole(const json_t *o, const char *key)
{
    const json_t *v = json_object_get(o, key);

    if (!json_is_integer(v))
        printf("# not a whole number: %s\n", key);
    return json_is_integer(v) ? json_integer_value(v) : -1;
}

static struct str text(const json_t *o, const char *key)
{
    return str_of(json_string_value(json_object_get(o, key)));
}

static void the_list_has_every_process_and_member(void)
{
    static const char *const numbers[] = {
        "worker",           "pid",
        "generation",       "restarts",
        "uptime_ms",        "busy_ms",
        "rss_bytes",        "heap_used_bytes",
        "heap_total_bytes", "heap_limit_bytes",
        "external_bytes",   "array_buffers_bytes",
        "active_handles",   "active_requests",
        "open_fds",         "in_flight",
        "streams",          "requests",
        "failures",
    };
    const json_t *w;

    begin();
    page(page_workers);
    CHECK(json_is_array(json));
    CHECK_EQ(json_array_size(json), 3);
    for (u32 i = 0; i < json_array_size(json); i++)
        for (u32 j = 0; j < ARRAY_LEN(numbers); j++)
            CHECK(whole(json_array_get(json, i), numbers[j]) >= 0);
    w = json_array_get(json, 0);
    CHECK_STR(text(w, "id"), "1");
    CHECK_STR(text(w, "state"), "ready");
    CHECK_STR(text(w, "node_version"), "v20.20.2");
    CHECK(json_is_true(json_object_get(w, "is_main")));
    CHECK_EQ(whole(w, "heap_used_bytes"), 20 << 20);
    CHECK_EQ(whole(w, "in_flight"), 3);
    CHECK_EQ(whole(w, "uptime_ms"), 100000);
    CHECK_EQ(whole(w, "busy_ms"), 0);
    CHECK(json_number_value(json_object_get(w, "utilization")) == 0.1);
    CHECK(json_number_value(json_object_get(w, "cpu_seconds")) == 3);
    CHECK(json_is_number(json_object_get(json_object_get(w, "lag_ms"), "p99")));
    CHECK_EQ(whole(json_object_get(json_object_get(w, "gc"), "major"), "count"), 10);
    CHECK_STR(str_of(json_string_value(json_array_get(json_object_get(w, "listening"), 0))),
              "0.0.0.0:3000");
    CHECK_STR(text(json_array_get(json, 2), "id"), "2.1");
    CHECK(json_is_false(json_object_get(json_array_get(json, 2), "is_main")));
}

static void a_blocked_worker_says_for_how_long(void)
{
    begin();
    shm->slot[1].loop.waits_since_ns = 0;
    shm->slot[1].loop.busy_since_ns = FIXTURE_NOW - 2345 * MS;
    page(page_workers);
    CHECK_EQ(whole(json_array_get(json, 1), "busy_ms"), 2345);
    CHECK(json_number_value(
              json_object_get(json_object_get(json_array_get(json, 1), "lag_ms"), "max")) >= 2345);
}

static void garbage_gives_valid_json(void)
{
    u64 seed = 5;

    for (int round = 0; round < 4; round++) {
        begin();
        for (u8 *p = (u8 *)shm->app; p < (u8 *)(shm + 1); p++) {
            seed = seed * 6364136223846793005ull + 1442695040888963407ull;
            *p = (u8)(seed >> 56);
        }
        shm->slots_used = SHM_SLOTS_MAX;
        for (u32 i = 0; i < SHM_SLOTS_MAX; i++)
            shm->slot[i].state = i % 8;
        sampler_tick(sampler, shm, FIXTURE_NOW - NS_PER_S);
        page(page_workers);
        page(page_history);
        page(page_app);
    }
}

static void nobody_running_is_an_empty_list(void)
{
    begin();
    memset(shm->slot, 0, sizeof(shm->slot));
    page(page_workers);
    CHECK_EQ(json_array_size(json), 0);
    page(page_history);
    CHECK_EQ(json_array_size(json), 0);
}

static void the_history_has_a_column_for_each_figure(void)
{
    const json_t *w;

    begin();
    for (u64 i = 0; i < 5; i++)
        sampler_tick(sampler, shm, FIXTURE_NOW - (5 - i) * NS_PER_S);
    page(page_history);
    w = json_array_get(json, 0);
    CHECK_STR(text(w, "id"), "1");
    for (const char *const *key =
             (const char *const[]){ "at_ms", "utilization", "cpu", "lag_p99_ms", "rss_bytes",
                                    "heap_used_bytes", "in_flight", "requests", NULL };
         *key; key++)
        CHECK_EQ(json_array_size(json_object_get(w, *key)), 5);
    CHECK(json_integer_value(json_array_get(json_object_get(w, "at_ms"), 4)) ==
          1700000000000 + 199000);
}

static void the_app_is_described(void)
{
    const json_t *proxy;

    begin();
    page(page_app);
    CHECK_STR(text(json, "name"), "shop");
    CHECK_STR(text(json, "started"), "2023-11-14T22:13:20Z");
    CHECK_EQ(whole(json, "uptime_ms"), 200000);
    CHECK_EQ(whole(json, "workers_ready"), 2);
    CHECK(json_is_true(json_object_get(json, "ready")));
    CHECK_STR(text(json_array_get(json_object_get(json, "listeners"), 0), "address"),
              "0.0.0.0:3000");
    proxy = json_object_get(json, "proxy");
    CHECK_EQ(whole(proxy, "connections"), 7);
    CHECK_EQ(whole(proxy, "restarts"), 1);
    CHECK_EQ(whole(json_object_get(proxy, "refused"), "queue_full"), 4);
    CHECK_EQ(whole(json_object_get(proxy, "queue"), "length"), 1);
    CHECK(json_number_value(json_object_get(json_object_get(proxy, "queue"), "wait_seconds")) ==
          1.5);
}

static void readiness_says_why_not(void)
{
    begin();
    CHECK(page_unready(shm) == NULL);
    shm->draining = 1;
    CHECK_STR(str_of(page_unready(shm)), "fettle is stopping");
    shm->draining = 0;
    for (u32 i = 0; i < 3; i++)
        shm->slot[i].state = SHM_STARTING;
    CHECK_STR(str_of(page_unready(shm)), "no worker is ready");
}

static void lanes_say_what_was_learned_the_longest_first(void)
{
    const json_t *kinds, *workers;

    begin();
    page(page_lanes);
    CHECK(json_is_false(json_object_get(json, "active")));
    CHECK(json_is_null(json_object_get(json, "slow_from_ms")));
    CHECK_EQ(json_array_size(json_object_get(json, "kinds")), 0);
    shm->lanes[0].slow_ns = 16 * NS_PER_MS;
    shm->lanes[0].kept = 1;
    shm->lanes[0].requests[1] = 12;
    shm->kinds.kind[9] = (struct shm_kind){ .key = 77, .count = 500, .text = "GET /fast" };
    shm->kinds.kind[300] = (struct shm_kind){
        .key = 78, .count = 12, .block_ns = 100 * NS_PER_MS, .text = "GET /\"slow\""
    };
    shm->kinds.kind[301] = (struct shm_kind){ .key = 1, .text = "half-written" };
    memset(shm->kinds.kind[302].text, 'x', SHM_KIND_TEXT_MAX); /* its writer died: no end */
    shm->kinds.kind[302].key = 79;
    page(page_lanes);
    CHECK(json_is_true(json_object_get(json, "active")));
    CHECK_EQ(whole(json, "workers_kept"), 1);
    CHECK_EQ(whole(json, "requests_slow"), 12);
    kinds = json_object_get(json, "kinds");
    CHECK_EQ(json_array_size(kinds), 3);
    CHECK(str_eq(text(json_array_get(kinds, 0), "kind"), STR("GET /\"slow\"")));
    CHECK(str_eq(text(json_array_get(kinds, 0), "lane"), STR("slow")));
    CHECK(str_eq(text(json_array_get(kinds, 1), "kind"), STR("GET /fast")));
    CHECK(str_eq(text(json_array_get(kinds, 1), "lane"), STR("fast")));
    workers = json_object_get(json, "workers");
    CHECK(json_array_size(workers) > 0);
}

int main(void)
{
    TEST(lanes_say_what_was_learned_the_longest_first);
    TEST(the_list_has_every_process_and_member);
    TEST(a_blocked_worker_says_for_how_long);
    TEST(garbage_gives_valid_json);
    TEST(nobody_running_is_an_empty_list);
    TEST(the_history_has_a_column_for_each_figure);
    TEST(the_app_is_described);
    TEST(readiness_says_why_not);
    json_decref(json);
    free(shm);
    sampler_free(sampler);
    buf_done(&out);
    return tap_done();
}
