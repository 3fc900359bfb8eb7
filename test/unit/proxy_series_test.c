/* test/unit/proxy_series_test.c -- how long requests take, in shared memory */
#include "proxy/series.h"

#include "tap.h"

enum { THREADS = 4, READABLE = 2 };

static struct shm *shm;
static struct proxy *proxy;

/* A proxy that has just come up. */
static void proxy_begin(void)
{
    free(proxy);
    proxy = calloc(1, sizeof(*proxy));
    assert(proxy);
    proxy->shm = shm;
    series_init(proxy);
}

static void begin(void)
{
    free(shm);
    shm = calloc(1, sizeof(*shm));
    assert(shm);
    proxy_begin();
}

static struct shm_series *find(u32 app, struct str method, struct str route, u32 status)
{
    return series_find(shm, &(struct series_key){
                                .app = app, .method = method, .route = route, .status = status });
}

static u32 used(void)
{
    u32 n = 0;

    for (u32 i = 0; i < SHM_SERIES_MAX; i++)
        n += shm->series[i].state == READABLE;
    return n;
}

static u64 counted(void)
{
    u64 n = 0;

    for (u32 i = 0; i < SHM_SERIES_MAX; i++)
        n += shm->series[i].count;
    return n;
}

static void apps_have_series_of_their_own(void)
{
    struct shm_series *a, *b;

    begin();
    a = find(0, STR("GET"), STR("/x"), 200);
    b = find(1, STR("GET"), STR("/x"), 200);
    CHECK(a != b);
    CHECK_EQ(b->app, 1);
    CHECK(find(0, STR("GET"), STR("/x"), 200) == a);
}

static void the_first_series_is_for_the_others(void)
{
    begin();
    CHECK_EQ(shm->series[0].state, READABLE);
    CHECK_STR(str_make(shm->series[0].route, shm->series[0].route_len), "(other)");
    proxy_begin();
    CHECK_EQ(used(), 1);
}

static void one_key_has_one_series(void)
{
    struct shm_series *a, *b;

    begin();
    a = find(0, STR("GET"), STR("/users/:id"), 200);
    b = find(0, STR("GET"), STR("/users/:id"), 200);
    CHECK(a == b && a != &shm->series[0]);
    CHECK(find(0, STR("POST"), STR("/users/:id"), 200) != a);
    CHECK(find(0, STR("GET"), STR("/users/:id"), 404) != a);
    CHECK(find(0, STR("GET"), STR("/users"), 200) != a);
    CHECK_STR(str_make(a->route, a->route_len), "/users/:id");
    CHECK_STR(str_of(a->method), "GET");
    CHECK_EQ(a->status, 200);
    CHECK_EQ(used(), 5);
}

static void series_outlive_the_proxy(void)
{
    struct shm_series *a;

    begin();
    a = find(0, STR("GET"), STR("/a"), 200);
    series_add(a, NS_PER_MS);
    proxy_begin();
    CHECK(find(0, STR("GET"), STR("/a"), 200) == a);
    CHECK_EQ(a->count, 1);
}

static void a_new_proxy_knows_who_names_routes_and_which_paths_stand_for_some(void)
{
    char out[SHM_ROUTE_MAX];

    begin();
    find(0, STR("GET"), STR("/users/:id"), 200);
    find(1, STR("GET"), (struct str){ 0 }, 404);
    series_find(shm, &(struct series_key){ .app = 1,
                                           .method = STR("GET"),
                                           .route = STR("/files/:id"),
                                           .status = 200,
                                           .is_path = true });
    shm->proxy_restarts = 1;
    proxy_begin();
    CHECK(proxy->names_routes[0]);
    CHECK(!proxy->names_routes[1]);
    CHECK_STR(pathset_find(&proxy->paths, 1, STR("/files/:id"), false, out), "/files/:id");
    CHECK_STR(pathset_find(&proxy->paths, 0, STR("/files/:id"), false, out), "");
}

static void a_path_and_a_route_of_the_same_text_are_two_series(void)
{
    struct shm_series *path;

    begin();
    path = series_find(
        shm, &(struct series_key){
                 .method = STR("GET"), .route = STR("/a"), .status = 200, .is_path = true });
    CHECK(path != find(0, STR("GET"), STR("/a"), 200));
    CHECK_EQ(path->is_path, 1);
}

static void a_route_too_long_is_cut_and_stays_one_series(void)
{
    char route[SHM_ROUTE_MAX + 50];
    struct shm_series *a;

    begin();
    memset(route, 'r', sizeof(route));
    a = find(0, STR("GET"), str_make(route, sizeof(route)), 200);
    CHECK_EQ(a->route_len, SHM_ROUTE_MAX);
    CHECK(find(0, STR("GET"), str_make(route, sizeof(route)), 200) == a);
    CHECK(find(0, STR("GET"), str_make(route, SHM_ROUTE_MAX), 200) == a);
    CHECK_EQ(used(), 2);
}

static void times_fall_into_the_bucket_whose_bound_they_do_not_pass(void)
{
    static const u64 le_us[] = SHM_SERIES_LE_US;
    struct shm_series *s;

    begin();
    s = find(0, STR("GET"), STR("/a"), 200);
    for (u32 i = 0; i < ARRAY_LEN(le_us); i++) {
        series_add(s, le_us[i] * NS_PER_US);
        CHECK_EQ(s->bucket[i], i ? 2 : 1); /* the one above of the last step, and this */
        series_add(s, le_us[i] * NS_PER_US + NS_PER_US);
        CHECK_EQ(s->bucket[i + 1], 1);
    }
    series_add(s, 0);
    series_add(s, UINT64_MAX / 2);
    CHECK_EQ(s->bucket[0], 2);
    CHECK_EQ(s->count, 2 * ARRAY_LEN(le_us) + 2);
    u64 sum = 0;
    for (u32 i = 0; i < SHM_SERIES_LE + 1; i++)
        sum += s->bucket[i];
    CHECK_EQ(sum, s->count);
}

static void what_no_longer_fits_counts_as_other(void)
{
    u32 others = 0;

    begin();
    for (u32 i = 0; i < 5000; i++) {
        char route[32];
        struct shm_series *s;

        snprintf(route, sizeof(route), "/route/%u", i);
        s = find(0, STR("GET"), str_of(route), 200);
        series_add(s, 1000);
        others += s == &shm->series[0];
    }
    CHECK(others >= 5000 - SHM_SERIES_MAX);
    CHECK(used() > SHM_SERIES_MAX * 9 / 10); /* it fills up before it gives up */
    CHECK_EQ(shm->series[0].count, others);
    CHECK_EQ(counted(), 5000);
    for (u32 i = 0; i < 200; i++) { /* the early ones are still found */
        char route[32];

        snprintf(route, sizeof(route), "/route/%u", i);
        CHECK(find(0, STR("GET"), str_of(route), 200) != &shm->series[0]);
    }
}

static void *count_many(void *arg)
{
    for (u32 i = 0; i < 20000; i++) {
        char route[32];

        snprintf(route, sizeof(route), "/route/%u", i % 300);
        series_add(find(0, i % 2 ? STR("GET") : STR("POST"), str_of(route), 200), (u64)i * 1000);
    }
    return arg;
}

/* Reads as the monitor does, all the while. */
static _Atomic bool over;
static void *read_many(void *arg)
{
    while (!over)
        for (u32 i = 0; i < SHM_SERIES_MAX; i++) {
            struct shm_series *s = &shm->series[i];

            if (atomic_load_explicit(&s->state, memory_order_acquire) != READABLE)
                continue;
            CHECK(s->route_len > 0 && s->route_len <= SHM_ROUTE_MAX);
            CHECK(s->route[0] == '/' || i == 0);
            CHECK(memchr(s->method, 0, sizeof(s->method)) != NULL);
        }
    return arg;
}

static void threads_lose_no_count(void)
{
    pthread_t writers[THREADS], reader;

    begin();
    over = false;
    CHECK(pthread_create(&reader, NULL, read_many, NULL) == 0);
    for (int i = 0; i < THREADS; i++)
        CHECK(pthread_create(&writers[i], NULL, count_many, NULL) == 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(writers[i], NULL);
    over = true;
    pthread_join(reader, NULL);
    CHECK_EQ(counted(), THREADS * 20000);
    CHECK(used() >= 301);
}

int main(void)
{
    TEST(apps_have_series_of_their_own);
    TEST(the_first_series_is_for_the_others);
    TEST(one_key_has_one_series);
    TEST(series_outlive_the_proxy);
    TEST(a_new_proxy_knows_who_names_routes_and_which_paths_stand_for_some);
    TEST(a_path_and_a_route_of_the_same_text_are_two_series);
    TEST(a_route_too_long_is_cut_and_stays_one_series);
    TEST(times_fall_into_the_bucket_whose_bound_they_do_not_pass);
    TEST(what_no_longer_fits_counts_as_other);
    TEST(threads_lose_no_count);
    free(proxy);
    free(shm);
    return tap_done();
}
