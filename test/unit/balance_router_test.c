/* test/unit/balance_router_test.c */
#include "balance/router.h"

#include "tap.h"

enum { ROOT = 1, API, API_V2, SHOP, SHOP_ADMIN, BELOW, DEEP, STRIPPED };
enum { NOBODY = 100, AMBIGUOUS };

static struct router_route routes[16];
static struct router router = { .route = routes };

static void route(const char *host, const char *path, u32 app)
{
    routes[router.n++] = (struct router_route){
        .host = str_of(host), .path = str_of(path), .app = app, .strip = app == STRIPPED
    };
}

static void begin(void)
{
    router.n = 0;
    route("", "", ROOT);
    route("", "/api", API);
    route("*.example.org", "", BELOW);
    route("", "/api/v2", API_V2);
    route("shop.example", "", SHOP);
    route("*.deep.example.org", "", DEEP);
    route("shop.example", "/admin", SHOP_ADMIN);
    route("strip.example", "/in", STRIPPED);
    router_sort(&router);
}

static u32 to(const char *host, const char *path)
{
    const struct router_route *r = NULL;

    switch (router_find(&router, str_of(host), str_of(path), &r)) {
    case ROUTER_FOUND:
        return r->app;
    case ROUTER_NOBODY:
        return NOBODY;
    case ROUTER_AMBIGUOUS:
        break;
    }
    return AMBIGUOUS;
}

static void the_longest_prefix_wins_and_ends_with_a_segment(void)
{
    begin();
    CHECK_EQ(to("x", "/"), ROOT);
    CHECK_EQ(to("x", "/api"), API);
    CHECK_EQ(to("x", "/api/"), API);
    CHECK_EQ(to("x", "/api?a=/api/v2"), API);
    CHECK_EQ(to("x", "/api/v2"), API_V2);
    CHECK_EQ(to("x", "/api/v2/x"), API_V2);
    CHECK_EQ(to("x", "/api/v20"), API);
    CHECK_EQ(to("x", "/apis"), ROOT);
    CHECK_EQ(to("x", "/api.json"), ROOT);
    CHECK_EQ(to("x", "/API"), ROOT); /* paths have case */
    CHECK_EQ(to("x", "*"), ROOT);
    CHECK_EQ(to("x", ""), ROOT);
    CHECK_EQ(to("", "/api"), API);
}

static void the_host_comes_before_the_path(void)
{
    begin();
    CHECK_EQ(to("shop.example", "/"), SHOP);
    CHECK_EQ(to("shop.example", "/api"), SHOP);
    CHECK_EQ(to("SHOP.Example:8080", "/admin/x"), SHOP_ADMIN);
    CHECK_EQ(to("shop.example.", "/admin"), SHOP_ADMIN);
    CHECK_EQ(to("shop.example.:80", "/admin"), SHOP_ADMIN);
    CHECK_EQ(to("notshop.example", "/admin"), ROOT);
    CHECK_EQ(to("a.example.org", "/"), BELOW);
    CHECK_EQ(to("a.b.EXAMPLE.org:1", "/api"), BELOW);
    CHECK_EQ(to("a.deep.example.org", "/"), DEEP);
    CHECK_EQ(to("example.org", "/"), ROOT);
    CHECK_EQ(to(".example.org", "/"), ROOT);
    CHECK_EQ(to("[::1]:80", "/api"), API);
    /* Where a host has no route for the path, the next ones are asked. */
    CHECK_EQ(to("strip.example", "/api"), API);
}

static void nobody_is_asked_for_what_has_no_route(void)
{
    router.n = 0;
    route("shop.example", "/api", API);
    router_sort(&router);
    CHECK_EQ(to("shop.example", "/"), NOBODY);
    CHECK_EQ(to("other.example", "/api"), NOBODY);
    CHECK_EQ(to("shop.example", "/%2e/x"), NOBODY);
    router.n = 0;
    CHECK_EQ(to("x", "/"), NOBODY);
}

static void no_spelling_gets_past_a_prefix(void)
{
    begin();
    CHECK_EQ(to("shop.example", "/%61dmin"), SHOP_ADMIN);
    CHECK_EQ(to("shop.example", "/%61%64%6D%69%6e/x"), SHOP_ADMIN);
    CHECK_EQ(to("shop.example", "/./admin"), SHOP_ADMIN);
    CHECK_EQ(to("shop.example", "/x/../admin"), SHOP_ADMIN);
    CHECK_EQ(to("shop.example", "/x/%2e%2E/admin"), SHOP_ADMIN);
    CHECK_EQ(to("shop.example", "/../../admin"), SHOP_ADMIN);
    CHECK_EQ(to("shop.example", "/x/y/.././../admin"), SHOP_ADMIN);
    CHECK_EQ(to("shop.example", "/admin/../x"), SHOP);
    CHECK_EQ(to("shop.example", "/admin/.."), SHOP);
    CHECK_EQ(to("shop.example", "/x/../admin/."), SHOP_ADMIN);
    CHECK_EQ(to("shop.example", "/admin/x/.."), SHOP_ADMIN);
    CHECK_EQ(to("shop.example", "/...admin"), SHOP);
    CHECK_EQ(to("shop.example", "/x/.../admin"), SHOP);
    CHECK_EQ(to("shop.example", "/.admin"), SHOP);
}

static void what_two_readers_take_to_two_apps_is_ambiguous(void)
{
    begin();
    CHECK_EQ(to("shop.example", "//admin"), AMBIGUOUS);
    CHECK_EQ(to("shop.example", "/%2Fadmin"), AMBIGUOUS);
    CHECK_EQ(to("shop.example", "/\\admin"), AMBIGUOUS);
    CHECK_EQ(to("shop.example", "\\admin"), AMBIGUOUS);
    CHECK_EQ(to("shop.example", "/x%2f..%2fadmin"), AMBIGUOUS);
    CHECK_EQ(to("shop.example", "/x\\..\\admin"), AMBIGUOUS);
    CHECK_EQ(to("shop.example", "/admin%2fx"), AMBIGUOUS);
    CHECK_EQ(to("shop.example", "/admin#x"), AMBIGUOUS);
    CHECK_EQ(to("shop.example", "/admin/%5c..%5c..%5cx"), AMBIGUOUS);
    CHECK_EQ(to("shop.example", "/admin/%2e%2e%2f"), AMBIGUOUS);
    /* … and where both come to the same app it is not. */
    CHECK_EQ(to("shop.example", "/files/a%2Fb"), SHOP);
    CHECK_EQ(to("shop.example", "/admin/a%2Fb"), SHOP_ADMIN);
    CHECK_EQ(to("shop.example", "/x//y"), SHOP);
    CHECK_EQ(to("shop.example", "/100%"), SHOP);
    CHECK_EQ(to("shop.example", "/%zz%4"), SHOP);
    CHECK_EQ(to("shop.example", "/gr%C3%BC%C3%9Fe"), SHOP);
}

static void a_long_path_needs_no_normal_form_when_it_is_plain(void)
{
    static char path[2 * ROUTER_PATH_MAX];

    begin();
    memset(path, 'x', sizeof(path) - 1);
    memcpy(path, "/api/", 5);
    CHECK_EQ(to("x", path), API);
    path[ROUTER_PATH_MAX + 10] = '%';
    CHECK_EQ(to("x", path), AMBIGUOUS);
    path[ROUTER_PATH_MAX] = 0;
    path[ROUTER_PATH_MAX - 1] = '%';
    CHECK_EQ(to("x", path), API);
}

static void what_is_stripped_is_written_as_the_route_has_it(void)
{
    begin();
    CHECK_EQ(to("strip.example", "/in"), STRIPPED);
    CHECK_EQ(to("strip.example", "/in/x?y"), STRIPPED);
    CHECK_EQ(to("strip.example", "/in/a%20b%2Fc"), STRIPPED);
    CHECK_EQ(to("strip.example", "/in/%7Euser"), STRIPPED);
    CHECK_EQ(to("strip.example", "/%69n/x"), AMBIGUOUS);
    CHECK_EQ(to("strip.example", "/./in"), AMBIGUOUS);
    CHECK_EQ(to("strip.example", "/in/x/../y"), AMBIGUOUS);
    CHECK_EQ(to("strip.example", "/in/x%2f..%2f..%2fy"), AMBIGUOUS);
}

static void paths_of_routes_have_one_reading(void)
{
    CHECK(router_path_is_normal(STR("/api")) && router_path_is_normal(STR("/a/b-c_d~e.f")));
    CHECK(!router_path_is_normal(STR("")) && !router_path_is_normal(STR("/")));
    CHECK(!router_path_is_normal(STR("/api/")) && !router_path_is_normal(STR("api")));
    CHECK(!router_path_is_normal(STR("/a//b")) && !router_path_is_normal(STR("/a/../b")));
    CHECK(!router_path_is_normal(STR("/a%20b")) && !router_path_is_normal(STR("/a b")));
    CHECK(!router_path_is_normal(STR("/a?b")) && !router_path_is_normal(STR("/a\\b")));
}

int main(void)
{
    TEST(the_longest_prefix_wins_and_ends_with_a_segment);
    TEST(the_host_comes_before_the_path);
    TEST(nobody_is_asked_for_what_has_no_route);
    TEST(no_spelling_gets_past_a_prefix);
    TEST(what_two_readers_take_to_two_apps_is_ambiguous);
    TEST(a_long_path_needs_no_normal_form_when_it_is_plain);
    TEST(what_is_stripped_is_written_as_the_route_has_it);
    TEST(paths_of_routes_have_one_reading);
    return tap_done();
}
