/* test/unit/proxy_ruleset_test.c -- what holds where, and for how long */
#include "proxy/ruleset.h"

#include "tap.h"

static struct str logs[4];
static u32 logs_n;

static u32 access_log(struct ruleset_host *host, const struct settings *s)
{
    struct str path = s->request.access_log;

    (void)host;
    for (u32 i = 0; path.len && i < logs_n; i++)
        if (str_eq(logs[i], path))
            return i;
    if (path.len == 0 || logs_n == ARRAY_LEN(logs))
        return RULESET_NO_LOG;
    logs[logs_n] = path;
    return logs_n++;
}

static struct ruleset_host host = { .access_log = access_log };

static struct ruleset *made(const struct ruleset *present, struct str flags)
{
    struct ruleset *rs = NULL;
    struct problem p = { 0 };

    if (ruleset_read(&rs, present, flags, &p))
        printf("# %s\n", p.text);
    return rs;
}

/* The first one, which has nothing but the defaults. */
static struct ruleset *first(void)
{
    struct settings *app = calloc(1, sizeof(*app));
    struct ruleset *rs = NULL;
    struct problem p;

    logs_n = 0;
    CHECK_EQ(settings_init(app), 0);
    CHECK_EQ(settings_put(app, &app->runtime_dir, STR("/run/x")), 0);
    CHECK_EQ(ruleset_new(&rs, app, 1, &host, &p), 0);
    return rs;
}

static struct endpoint at(const char *text)
{
    struct endpoint e = { 0 };
    struct problem p;

    CHECK_EQ(endpoint_parse(str_of(text), &e, &p), 0);
    return e;
}

static const struct door *door(struct ruleset *rs, u32 listener, u32 app, const char *text)
{
    struct endpoint bound = at(text);

    CHECK_EQ(ruleset_door(rs, listener, app, &bound), 0);
    return rs->door[listener];
}

static const struct settings_request *of(const struct rule_way *way, const char *path)
{
    const struct rule *rule = NULL;

    CHECK_EQ(ruleset_rule(way, STR("x"), str_of(path), &rule), ROUTER_FOUND);
    return &rule->is;
}

static void the_nearest_place_wins(void)
{
    struct ruleset *one = first();
    struct ruleset *rs = made(
        one,
        STR("--max-body=1K\0--slow=1s\0"
            "--listeners=:80 max-body:1=2K slow:2=2s;:90 max-connections:0=7 idle-timeout:0=5s\0"
            "--routes=:80 * /a keep 0 max-body:3=3K;:80 * /b keep 1\0"
            "--paths=* * /a/up keep - max-body:4=4K queue-max:4=5\0"
            "--\0--max-body=9K\0"));
    const struct door *d, *own;

    CHECK_EQ(rs->apps, 2);
    d = door(rs, 0, SHM_APPS_MAX, ":80");
    CHECK(d->router != NULL);
    CHECK_EQ(of(&d->way[0], "/a")->max_body_bytes, 3 << 10);      /* the route */
    CHECK_EQ(of(&d->way[0], "/a/up/x")->max_body_bytes, 3 << 10); /* it wins over the path … */
    CHECK_EQ(of(&d->way[0], "/a/up/x")->queue_max, 5);            /* … which says this alone */
    CHECK_EQ(of(&d->way[0], "/a")->slow_ns, 2 * NS_PER_S);        /* the listener */
    CHECK_EQ(of(&d->way[1], "/b")->max_body_bytes, 2 << 10);      /* it wins over the app */
    own = door(rs, 1, 0, "127.0.0.1:90");
    CHECK(own->router == NULL);
    CHECK_EQ(of(own->way, "/")->max_body_bytes, 1 << 10);
    CHECK_EQ(of(own->way, "/a/up")->max_body_bytes, 4 << 10);
    CHECK_EQ(own->connections_max, 7);
    CHECK_EQ(own->settings.idle_timeout_ns, 5 * NS_PER_S);
    CHECK_EQ(d->connections_max, 0);
    own = door(rs, 2, 1, "127.0.0.1:91");
    CHECK_EQ(of(own->way, "/a/up")->max_body_bytes, 9 << 10);
    CHECK_EQ(own->rule->is.max_body_bytes, 9 << 10);
    ruleset_free(rs);
    ruleset_free(one);
}

static void this_very_address_comes_before_one_of_all(void)
{
    struct ruleset *one = first();
    struct ruleset *rs = made(one, STR("--listeners=:80 slow:1=2s;127.0.0.1:80 slow:2=3s;"
                                       "unix:/s slow:3=4s\0"));

    CHECK_EQ(door(rs, 0, 0, "127.0.0.1:80")->rule->is.slow_ns, 3 * NS_PER_S);
    CHECK_EQ(door(rs, 1, 0, "127.0.0.2:80")->rule->is.slow_ns, 2 * NS_PER_S);
    CHECK_EQ(door(rs, 2, 0, "0.0.0.0:80")->rule->is.slow_ns, 2 * NS_PER_S);
    CHECK_EQ(door(rs, 3, 0, "unix:/s")->rule->is.slow_ns, 4 * NS_PER_S);
    CHECK_EQ(door(rs, 4, 0, "unix:/other")->rule->is.slow_ns, NS_PER_S);
    ruleset_free(rs);
    ruleset_free(one);
}

static void a_path_that_can_be_read_in_two_ways_has_no_rule(void)
{
    struct ruleset *one = first();
    struct ruleset *rs = made(one, STR("--paths=* * /up keep - max-body:0=1K\0"));
    const struct door *d = door(rs, 0, 0, ":80");
    const struct rule *rule;

    CHECK_EQ(ruleset_rule(d->way, STR("x"), STR("/x%2f..%2fup"), &rule), ROUTER_AMBIGUOUS);
    CHECK_EQ(ruleset_rule(d->way, STR("x"), STR("/%75p"), &rule), ROUTER_FOUND);
    CHECK_EQ(rule->is.max_body_bytes, 1024);
    CHECK_EQ(ruleset_rule(d->way, STR("x"), STR("*"), &rule), ROUTER_FOUND);
    ruleset_free(rs);
    ruleset_free(one);
}

static void access_logs_may_differ(void)
{
    struct ruleset *one = first();
    struct ruleset *rs =
        made(one, STR("--access-log=/a\0--paths=* * /health keep - access-log:0=off;"
                      "* * /pay keep - access-log:0=/b\0"));
    const struct door *d = door(rs, 0, 0, ":80");
    const struct rule *rule;

    CHECK_EQ(ruleset_rule(d->way, STR("x"), STR("/"), &rule), ROUTER_FOUND);
    CHECK_STR(logs[rule->access], "/a");
    CHECK_EQ(ruleset_rule(d->way, STR("x"), STR("/pay/1"), &rule), ROUTER_FOUND);
    CHECK_STR(logs[rule->access], "/b");
    CHECK_EQ(ruleset_rule(d->way, STR("x"), STR("/health"), &rule), ROUTER_FOUND);
    CHECK_EQ(rule->access, RULESET_NO_LOG);
    ruleset_free(rs);
    ruleset_free(one);
}

static void a_listener_needs_no_more_room_than_was_made(void)
{
    struct ruleset *one = first();
    struct ruleset *rs =
        made(one, STR("--listeners=:80 max-head:0=64K max-fields:0=300;:81 max-head:0=1K\0"));
    u64 head;
    u32 fields;

    ruleset_room(rs, &head, &fields);
    CHECK_EQ(head, 64 << 10);
    CHECK_EQ(fields, 300);
    host.max_head_bytes = 32 << 10;
    host.max_fields = 200;
    CHECK_EQ(door(rs, 0, 0, ":80")->settings.max_head_bytes, 32 << 10);
    CHECK_EQ(door(rs, 0, 0, ":80")->settings.max_fields, 200);
    CHECK_EQ(door(rs, 1, 0, ":81")->settings.max_head_bytes, 1 << 10);
    host.max_head_bytes = host.max_fields = 0;
    ruleset_free(rs);
    ruleset_free(one);
}

static void the_shortest_time_out_says_how_often_to_look(void)
{
    struct ruleset *one = first();
    struct ruleset *rs = made(one, STR("--paths=* * /up keep - upstream-timeout:0=200ms\0"));

    (void)door(rs, 0, 0, ":80");
    CHECK_EQ(rs->tick_ns, 50 * NS_PER_MS);
    ruleset_free(rs);
    ruleset_free(one);
}

static void old_ones_go_when_nobody_holds_them(void)
{
    struct ruleset *rs = first(), *old;
    u64 now_ns = NS_PER_S;

    rs->made_ns = now_ns;
    old = rs;
    ruleset_hold(old, 3);
    for (u32 i = 0; i < 10; i++) { /* many reloads */
        struct ruleset *next = made(rs, STR("--max-body=1K\0--threads=9\0"));

        CHECK_EQ(next->app[0].threads, old->app[0].threads);
        CHECK_STR(next->app[0].runtime_dir, "/run/x");
        now_ns += 20 * NS_PER_S;
        next->made_ns = now_ns;
        next->older = rs;
        rs = next;
        ruleset_prune(rs, now_ns);
        CHECK(rs->older != NULL); /* which somebody may just be looking at */
    }
    CHECK(rs->older->older == old); /* a request holds it */
    ruleset_release(old, 3);
    ruleset_prune(rs, now_ns + 20 * NS_PER_S);
    CHECK(rs->older == NULL);
    ruleset_free(rs);
}

static void nonsense_changes_nothing(void)
{
    struct ruleset *one = first(), *rs = NULL;
    struct problem p = { 0 };

    CHECK_EQ(ruleset_read(&rs, one, STR("--max-body=many\0"), &p), -EINVAL);
    CHECK_EQ(ruleset_read(&rs, one, str_make("--max-body=1K", 13), &p), -EINVAL);
    CHECK_EQ(ruleset_read(&rs, one, STR("--routes=80 x\0"), &p), -EINVAL);
    CHECK_EQ(ruleset_read(&rs, one, STR("--listeners=80 max-body=1K\0"), &p), -EINVAL);
    CHECK(rs == NULL);
    ruleset_free(one);
}

int main(void)
{
    TEST(the_nearest_place_wins);
    TEST(this_very_address_comes_before_one_of_all);
    TEST(a_path_that_can_be_read_in_two_ways_has_no_rule);
    TEST(access_logs_may_differ);
    TEST(a_listener_needs_no_more_room_than_was_made);
    TEST(the_shortest_time_out_says_how_often_to_look);
    TEST(old_ones_go_when_nobody_holds_them);
    TEST(nonsense_changes_nothing);
    return tap_done();
}
