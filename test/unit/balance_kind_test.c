/* test/unit/balance_kind_test.c -- kinds of requests, and how long each kind blocks a loop */
#include "balance/kind.h"

#include "tap.h"

#define MS 1000000ull

static struct shm_kinds table;
static struct kind_routes routes;
static struct kind_cache cache;
static struct kinds kinds;
static u64 now_ns;

static void begin(void)
{
    memset(&table, 0, sizeof(table));
    memset(&routes, 0, sizeof(routes));
    memset(&cache, 0, sizeof(cache));
    table.hash_key[0] = 7;
    kinds_init(&kinds, &table, &routes, 0);
    now_ns = 1000 * MS;
}

static struct kind_request get(const char *path, u64 body_bytes)
{
    return (struct kind_request){ STR("GET"), str_of(path), body_bytes };
}

static u64 expected(const char *path, u64 body_bytes)
{
    struct kind_request request = get(path, body_bytes);
    struct kind kind;

    kind_of(&kinds, &cache, &request, &kind);
    return kind.block_ns;
}

static void happens(const char *path, u64 body_bytes, const char *route, u64 block_ns)
{
    struct kind_request request = get(path, body_bytes);
    struct kind kind;
    u64 ns;

    kind_of(&kinds, &cache, &request, &kind);
    now_ns += MS;
    (void)kind_learn(&kinds, &kind, &request,
                     &(struct kind_outcome){ .route = str_of(route), .block_ns = block_ns }, now_ns,
                     &ns);
}

static const struct shm_kind *named(const char *text)
{
    for (u32 i = 0; i < SHM_KINDS_MAX; i++)
        if (table.kind[i].key && strcmp(table.kind[i].text, text) == 0)
            return &table.kind[i];
    return NULL;
}

static void a_kind_is_known_after_a_few(void)
{
    begin();
    CHECK_EQ(expected("/slow", 0), 0);
    for (int i = 0; i < KIND_KNOWN_MIN; i++) {
        CHECK_EQ(expected("/slow", 0), 0);
        happens("/slow", 0, "/slow", 100 * MS);
    }
    CHECK_EQ(expected("/slow", 0), 100 * MS);
    CHECK_EQ(expected("/fast", 0), 0);
}

static void identifiers_in_a_path_are_left_out(void)
{
    begin();
    for (int i = 0; i < 5; i++)
        happens("/users/42/report", 0, "", 50 * MS);
    CHECK_EQ(expected("/users/43/report?x=1", 0), 50 * MS);
    CHECK_EQ(expected("/users/0190f3c1-7a2b-7c3d-8e4f-5a6b7c8d9e0f/report", 0), 50 * MS);
    CHECK_EQ(expected("/users/507f1f77bcf86cd799439011/report", 0), 50 * MS);
    CHECK_EQ(expected("/users/me/report", 0), 0);
    CHECK(named("GET /users/:id/report") != NULL);
}

static void a_route_that_was_told_holds_for_paths_not_seen_before(void)
{
    begin();
    for (int i = 0; i < 5; i++)
        happens("/users/alice/report", 0, "/users/:name/report", 50 * MS);
    CHECK_EQ(expected("/users/bob/report", 0), 50 * MS);
    CHECK_EQ(expected("/users/bob/profile", 0), 0);
    CHECK(named("GET /users/:name/report") != NULL);
}

static void a_route_written_out_comes_before_one_with_variables(void)
{
    begin();
    for (int i = 0; i < 5; i++) {
        happens("/users/alice", 0, "/users/:name", 50 * MS);
        happens("/users/me", 0, "/users/me", 0);
    }
    CHECK_EQ(expected("/users/bob", 0), 50 * MS);
    CHECK_EQ(expected("/users/me", 0), 0);
}

static void without_routes_paths_that_differ_in_the_last_part_are_taken_together(void)
{
    char path[32];

    begin();
    for (int i = 0; i < 20; i++) {
        snprintf(path, sizeof(path), "/thumb/p%c%c", 'a' + i, 'z' - i);
        happens(path, 0, "", 30 * MS);
    }
    CHECK(expected("/thumb/never", 0) > 29 * MS);
}

static void what_a_request_carries_tells_it_apart_when_its_kind_is_mixed(void)
{
    begin();
    for (int i = 0; i < 200; i++) {
        happens("/export?format=pdf", 0, "/export", 80 * MS);
        happens("/export?format=csv", 0, "/export", 0);
        happens("/export?format=csv", 0, "/export", 0);
    }
    CHECK(expected("/export?format=pdf", 0) > 60 * MS);
    CHECK(expected("/export?format=csv", 0) < 5 * MS);
    begin();
    for (int i = 0; i < 200; i++) {
        happens("/parse", 20000000, "/parse", 80 * MS);
        happens("/parse", 1000, "/parse", 0);
    }
    CHECK(expected("/parse", 30000000) > 60 * MS);
    CHECK(expected("/parse", 900) < 5 * MS);
}

static void a_kind_that_changes_is_followed(void)
{
    int n = 0;

    begin();
    for (int i = 0; i < 1000; i++)
        happens("/a", 0, "/a", 0);
    while (expected("/a", 0) < 10 * MS && n++ < 100)
        happens("/a", 0, "/a", 100 * MS);
    CHECK(n <= 3);
    for (int i = 0; i < 100; i++)
        happens("/a", 0, "/a", 100 * MS);
    for (n = 0; expected("/a", 0) >= 10 * MS && n < 1000; n++)
        happens("/a", 0, "/a", 0);
    CHECK(n <= 50);
}

/* A scanner asks for whatever it can think of. */
static void hostile_paths_push_out_each_other_and_not_what_is_used(void)
{
    char path[300];

    begin();
    for (int i = 0; i < 20; i++)
        happens("/slow", 0, "/slow", 100 * MS);
    for (u32 i = 0; i < 100000; i++) {
        snprintf(path, sizeof(path), "/x%x/y%x?%x=%x", i * 2654435761u, i, i, i);
        happens(path, i, "", 0);
        if (i % 1000 == 0)
            happens("/slow", 0, "/slow", 100 * MS);
    }
    CHECK_EQ(expected("/slow", 0), 100 * MS);
    CHECK_EQ(routes.n, 0);
    memset(path, 'a', sizeof(path) - 1);
    path[0] = '/';
    path[sizeof(path) - 1] = 0;
    happens(path, 0, "", 0);
}

static void routes_match_paths_as_routers_do(void)
{
    static const struct {
        const char *route, *path;
        bool matches;
    } cases[] = {
        { "/users/:id", "/users/7", true },
        { "/users/:id", "/users/", false },
        { "/users/:id", "/users/7/x", false },
        { "/users/:id/x", "/users/7/x", true },
        { "/files/*", "/files/a/b", true },
        { "/files/*path", "/files/a", true },
        { "/files/*", "/files/", false },
        { "/{v}/a", "/1/a", true },
        { "/a?b/:c", "/ab/1", false },
        { "/^\\/x$/", "/x", false },
        { "*", "/anything", true },
    };

    for (u32 i = 0; i < ARRAY_LEN(cases); i++)
        CHECK_EQ(kind_route_matches(str_of(cases[i].route), str_of(cases[i].path)),
                 cases[i].matches);
}

static void apps_learn_nothing_of_each_other(void)
{
    struct kind_routes fresh = { 0 };
    struct kinds first, second;

    begin();
    first = kinds;
    kinds_init(&second, &table, &fresh, 1);
    for (int i = 0; i < 40; i++) /* long enough to be remembered as a path */
        happens("/slow", 0, "/slow", 100 * MS);
    kinds = second;
    CHECK_EQ(expected("/slow", 0), 0);
    for (int i = 0; i < 40; i++)
        happens("/slow", 0, "/slow", 2 * MS);
    CHECK_EQ(expected("/slow", 0), 2 * MS);
    kinds = first;
    CHECK_EQ(expected("/slow", 0), 100 * MS);
}

static void a_proxy_that_comes_back_goes_on_with_what_was_known(void)
{
    struct kinds again;
    struct kind_routes fresh = { 0 };

    begin();
    for (int i = 0; i < 5; i++)
        happens("/slow", 0, "/slow", 100 * MS);
    table.kind[5].key = 1; /* its predecessor died while it wrote here */
    kinds_init(&again, &table, &fresh, 0);
    CHECK_EQ(table.kind[5].key, 0);
    kinds = again;
    CHECK_EQ(expected("/slow", 0), 100 * MS);
}

int main(void)
{
    TEST(a_kind_is_known_after_a_few);
    TEST(identifiers_in_a_path_are_left_out);
    TEST(a_route_that_was_told_holds_for_paths_not_seen_before);
    TEST(a_route_written_out_comes_before_one_with_variables);
    TEST(without_routes_paths_that_differ_in_the_last_part_are_taken_together);
    TEST(what_a_request_carries_tells_it_apart_when_its_kind_is_mixed);
    TEST(a_kind_that_changes_is_followed);
    TEST(hostile_paths_push_out_each_other_and_not_what_is_used);
    TEST(routes_match_paths_as_routers_do);
    TEST(apps_learn_nothing_of_each_other);
    TEST(a_proxy_that_comes_back_goes_on_with_what_was_known);
    return tap_done();
}
