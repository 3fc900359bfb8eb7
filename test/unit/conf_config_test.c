/* test/unit/conf_config_test.c -- what a file of settings says */
#include "conf/config.h"

#include "tap.h"

struct fixture {
    struct settings settings;
    struct config_app app;
    struct findings findings;
    struct config_from from;
};

static void fixture_done(struct fixture *f)
{
    settings_done(&f->settings);
    config_app_done(&f->app);
    findings_done(&f->findings);
}

static void fixture_init(struct fixture *f)
{
    *f = (struct fixture){ .from = { .file = "fettle.json", .folder = STR("/srv/shop") } };
    CHECK_EQ(settings_init(&f->settings), 0);
}

/* Reads JSON in which ' stands for ". */
static void read_text(struct fixture *f, const char *text)
{
    AUTO(json_value_freep) struct json_value *root = NULL;
    AUTO(freep) char *json = strdup(text);
    struct problem p;

    for (char *c = json; *c; c++)
        *c = *c == '\'' ? '"' : *c;
    if (json_value_parse(&root, str_of(json), "fettle.json", &p)) {
        CHECK(!"the test's own JSON is right");
        printf("# %s\n", p.text);
        return;
    }
    CHECK_EQ(config_read(root, &f->from, &f->settings, &f->app, &f->findings), 0);
}

/* Whether reading it finds just one mistake, on this line, that begins with this text. */
static bool says(const char *json, u32 line, const char *text)
{
    AUTO(fixture_done) struct fixture f;
    const struct problem *p;
    bool ok;

    fixture_init(&f);
    read_text(&f, json);
    p = f.findings.count ? &f.findings.list[0].problem : NULL;
    ok = p && f.findings.count == 1 && f.findings.of[FINDING_MISTAKE] == 1 && p->line == line &&
         str_starts(str_of(p->text), str_of(text)) && strcmp(p->file, "fettle.json") == 0;
    for (u32 i = 0; !ok && i < f.findings.count; i++)
        printf("# %u: %s\n", f.findings.list[i].problem.line, f.findings.list[i].problem.text);
    if (!p)
        printf("# nothing was found in %s\n", json);
    return ok;
}

static const struct settings_origin *origin(const struct fixture *f, const char *name)
{
    return settings_origin_of(&f->settings, settings_row_find(str_of(name), NULL));
}

static void every_type_of_value_is_read(void)
{
    AUTO(fixture_done) struct fixture f;

    fixture_init(&f);
    read_text(&f, "{'workers': 4, 'port': 'app', 'max-memory': '512MB', 'max-head': 32768,\n"
                  "'drain': '20s', 'max-block': false, 'warn-block': 0, 'kill-after': 0,\n"
                  "'metrics-prom-client': false, 'access-log': false, 'admin': 9000,\n"
                  "'trust-proxy': ['10.0.0.0/8', 'unix'], 'balance': 'hash:cookie=sid',\n"
                  "'log': 'json', 'node-args': ['--a', 'b c'], 'name': 'x', '$schema': 'y'}");
    CHECK_EQ(f.findings.count, 0);
    CHECK_EQ(f.settings.workers.most, 4);
    CHECK_EQ(f.settings.max_memory_bytes, 512ull << 20);
    CHECK_EQ(f.settings.max_head_bytes, 32768);
    CHECK_EQ(f.settings.drain_ns, 20 * NS_PER_S);
    CHECK_EQ(f.settings.max_block_ns, 0);
    CHECK_EQ(f.settings.kill_after_ns, 0);
    CHECK(!f.settings.metrics_prom_client);
    CHECK_EQ(f.settings.request.access_log.len, 0);
    CHECK_EQ(f.settings.admin.addr.port, 9000);
    CHECK_EQ(f.settings.trust_proxy.count, 2);
    CHECK_EQ(f.settings.request.balance.by, SETTINGS_BALANCE_HASH_COOKIE);
    CHECK_EQ(f.settings.log, SETTINGS_LOG_JSON);
    CHECK_STR(f.settings.node_args, "--a 'b c'");
    CHECK_EQ(origin(&f, "drain")->line, 2);
    CHECK_EQ(origin(&f, "drain")->source, SETTINGS_FILE);
    CHECK_STR(origin(&f, "drain")->file, "fettle.json");
}

static void a_range_is_a_number_a_text_or_an_object(void)
{
    static const char *const wrong[] = {
        "{'workers': {'least': 2}}",
        "{'workers': {'least': 2, 'most': 8, 'x': 1}}",
        "{'workers': {'least': '2', 'most': 8}}",
        "{'workers': {'least': 2, 'most': -8}}",
        "{'workers': {}}",
        "{'workers': [2, 8]}",
        "{'workers': '4'}",
    };

    {
        AUTO(fixture_done) struct fixture f;

        fixture_init(&f);
        read_text(&f, "{'workers': {'most': 8, 'least': 2}}");
        CHECK_EQ(f.findings.count, 0);
        CHECK_EQ(f.settings.workers.least, 2);
        CHECK_EQ(f.settings.workers.most, 8);
    }
    {
        AUTO(fixture_done) struct fixture f;

        fixture_init(&f);
        read_text(&f, "{'workers': '3-5'}");
        CHECK_EQ(f.findings.count, 0);
        CHECK_EQ(f.settings.workers.least, 3);
        CHECK_EQ(f.settings.workers.most, 5);
    }
    for (u32 i = 0; i < ARRAY_LEN(wrong); i++) {
        AUTO(fixture_done) struct fixture f;

        fixture_init(&f);
        read_text(&f, wrong[i]);
        CHECK_EQ(f.findings.count, 1);
        CHECK(strstr(f.findings.list[0].problem.text, "write a number, \"auto\", \"2-8\", or {"));
    }
}

static void what_is_to_be_run_is_read(void)
{
    AUTO(fixture_done) struct fixture f;

    fixture_init(&f);
    read_text(&f, "{'run': 'npm:serve', 'args': ['-a', 'b c'],\n"
                  " 'env': {'A': 'x=y', 'PORT': 3000, 'B': true, 'C': ''}}");
    CHECK_EQ(f.findings.count, 0);
    CHECK_STR(str_of(f.app.run.ptr), "npm:serve");
    CHECK_EQ(f.app.args.count, 2);
    CHECK_STR(strings_at(&f.app.args, 1), "b c");
    CHECK_EQ(f.app.env.count, 4);
    CHECK_STR(strings_at(&f.app.env, 0), "A=x=y");
    CHECK_STR(strings_at(&f.app.env, 1), "PORT=3000");
    CHECK_STR(strings_at(&f.app.env, 2), "B=true");
    CHECK_STR(strings_at(&f.app.env, 3), "C=");
}

static void paths_relate_to_the_folder_of_the_file(void)
{
    AUTO(fixture_done) struct fixture f;

    fixture_init(&f);
    read_text(&f, "{'cwd': './app', 'access-log': 'log/a', 'node': 'node20', 'runtime-dir': '/r'}");
    CHECK_STR(f.settings.cwd, "/srv/shop/app");
    CHECK_STR(f.settings.request.access_log, "/srv/shop/log/a");
    CHECK_STR(f.settings.node, "node20");
    CHECK_STR(f.settings.runtime_dir, "/r");
    read_text(&f, "{'node': 'bin/node', 'access-log': '-'}");
    CHECK_STR(f.settings.node, "/srv/shop/bin/node");
    CHECK_STR(f.settings.request.access_log, "-");
}

static void what_an_app_says_wins_over_what_holds_for_all(void)
{
    AUTO(fixture_done) struct fixture f;

    fixture_init(&f);
    read_text(&f, "{'apps': {'shop': {'workers': 3, 'trust-proxy': ['unix'], 'env': {'A': '2'}}},\n"
                  "'workers': 2, 'drain': '3s', 'trust-proxy': ['loopback'], 'env': {'A': '1'}}");
    CHECK_EQ(f.findings.count, 0);
    CHECK_EQ(f.settings.workers.most, 3);
    CHECK_EQ(f.settings.drain_ns, 3 * NS_PER_S);
    CHECK_EQ(f.settings.trust_proxy.count, 1);
    CHECK_STR(f.settings.name, "shop");
    CHECK_STR(buf_str(&f.app.name), "shop");
    CHECK_STR(strings_at(&f.app.env, 1), "A=2");
    CHECK_EQ(origin(&f, "workers")->source, SETTINGS_FILE_APP);
    CHECK_STR(origin(&f, "workers")->key, "apps.shop.workers");
}

static void of_several_apps_one_is_taken_and_all_are_checked(void)
{
    static const char several[] =
        "{'apps': {'shop': {'workers': 3, 'run': 'a'}, 'jobs': {'workers': 2, 'run': 'b'}}}";
    AUTO(fixture_done) struct fixture f;
    AUTO(fixture_done) struct fixture g;

    fixture_init(&f);
    read_text(&f, several);
    CHECK(f.app.choose && !f.app.found);
    CHECK_STR(buf_str(&f.app.names), "shop, jobs");
    CHECK_EQ(f.app.run.len, 0);
    CHECK_EQ(f.settings.workers.most, 0);
    fixture_init(&g);
    g.from.app = STR("jobs");
    read_text(&g, several);
    CHECK(!g.app.choose && g.app.found);
    CHECK_EQ(g.settings.workers.most, 2);
    CHECK_STR(str_of(g.app.run.ptr), "b");
    CHECK(says("{'apps': {'a': {},\n'b': {'workers': 0}}}", 2,
               "apps.b.workers: \"0\" is out of "
               "range"));
}

static void routes_become_one_text(void)
{
    AUTO(fixture_done) struct fixture f;
    AUTO(fixture_done) struct fixture g;

    fixture_init(&f);
    read_text(&f, "{'routes': {':8080': [{'host': 'Shop.Example', 'path': '/api/', 'app': 'b'},\n"
                  "{'app': 'a', 'host': '*', 'path': '/', 'strip': true}], '9': [{'app': 'b'}]},\n"
                  "'apps': {'a': {'run': 'x'}, 'b': {'run': 'x'}}}");
    CHECK_EQ(f.findings.count, 0);
    CHECK_STR(f.settings.routes,
              ":8080 shop.example /api keep =b;:8080 * / strip =a;9 * / keep =b");
    fixture_init(&g);
    read_text(&g, "{'routes': {'[::1]:80': [{'path': '/x'}], 'unix:run/a.sock': [{}], "
                  "'unix:/b': [{}]}}");
    CHECK_EQ(g.findings.count, 0);
    CHECK_STR(g.settings.routes,
              "[::1]:80 * /x keep =;unix:/srv/shop/run/a.sock * / keep =;unix:/b * / keep =");
}

static void settings_of_places_are_kept_with_them(void)
{
    AUTO(fixture_done) struct fixture f;
    AUTO(fixture_done) struct fixture g;

    fixture_init(&f);
    f.from.app = STR("a");
    read_text(&f, "{'listeners': {':80': {'idle-timeout': '5s',\n'max-body': '2M'}},\n"
                  "'routes': {':80': [{'path': '/api', 'app': 'a', 'balance': 'hash:cookie=ab',\n"
                  "'max-body': false}]},\n"
                  "'apps': {'a': {'routes': [{'path': '/up;load', 'slow': '10s'}]}, 'b': {}}}");
    CHECK_EQ(f.findings.count, 1); /* ; cannot stand in a path */
    fixture_init(&g);
    g.from.app = STR("a");
    read_text(&g, "{'listeners': {':80': {'idle-timeout': '5s',\n'max-body': '2M'}},\n"
                  "'routes': {':80': [{'path': '/api', 'app': 'a', 'access-log': 'log/a b;%',\n"
                  "'max-body': false}]},\n"
                  "'apps': {'a': {'routes': [{'path': '/upload', 'slow': '10s'}]}, 'b': {}}}");
    CHECK_EQ(g.findings.count, 0);
    CHECK_STR(g.settings.listeners, ":80 idle-timeout:1=5s max-body:2=2M");
    CHECK_STR(g.settings.routes,
              ":80 * /api keep =a access-log:3=/srv/shop/log/a%20b%3b%25 max-body:4=off");
    CHECK_STR(g.settings.paths, "* * /upload keep - slow:5=10s");
    CHECK_STR(origin(&g, "paths")->key, "apps.a.paths");
}

static void what_cannot_be_said_for_a_place_is_named(void)
{
    CHECK(says("{'routes': {'80': [{\n'max-bdy': '1M'}]}}", 2,
               "routes.80[0].max-bdy: unknown setting of a route; did you mean \"max-body\"?"));
    CHECK(says("{'routes': {'80': [{'maxBody': '1M'}]}}", 1,
               "routes.80[0].maxBody: unknown setting; its name is written \"max-body\""));
    CHECK(says("{'routes': {'80': [{'pth': '/'}]}}", 1,
               "routes.80[0].pth: unknown setting of a route; did you mean \"path\"?"));
    CHECK(says("{'routes': {'80': [{'max-body': '1X'}]}}", 1,
               "routes.80[0].max-body: \"1X\" is not"));
    CHECK(says("{'routes': {'80': [{'max-body': true}]}}", 1,
               "routes.80[0].max-body: true stands here; write a text with its unit"));
    CHECK(says("{'routes': {'80': [{'idle-timeout': '1s'}]}}", 1,
               "routes.80[0].idle-timeout: cannot be said for a route: it is a connection's; write "
               "it into `listeners`"));
    CHECK(says("{'routes': [{'workers': 2}]}", 1,
               "routes[0].workers: cannot be said for a route: it is an app's; write it beside"));
    CHECK(says("{'listeners': {'80': {'threads': 2}}}", 1,
               "listeners.80.threads: cannot be said for a listener: it holds for all of fettle"));
    CHECK(says("{'listeners': {'80': {'config': 'x'}}}", 1, "listeners.80.config: unknown"));
    CHECK(says("{'apps': {'a': {'routes': [\n{'max-body': 1.5}]}}}", 2,
               "apps.a.routes[0].max-body: \"1.5\" is not a size"));
    CHECK(says("{'paths': 'x'}", 1, "paths: unknown setting"));
}

static void mistakes_in_routes_are_named(void)
{
    CHECK(says("{'routes': 1}", 1, "routes: a number stands here; write an object"));
    CHECK(says("{'routes': {'80x': [{}]}}", 1, "routes.80x: "));
    CHECK(says("{'routes': {'off': [{}]}}", 1, "routes.off: write an address, such as"));
    CHECK(
        says("{'routes': {'unix:/a b': [{}]}}", 1, "routes.unix:/a b: the path of the socket has"));
    CHECK(says("{'routes': {'80': []}}", 1, "routes.80: write a list of 1 to 128 routes"));
    CHECK(says("{'routes': {'80': [{},\n'x']}}", 2, "routes.80[1]: write an object"));
    CHECK(says("{'routes': {'80': [\n{'app': 'b'}]},\n'apps': {'a': {}}}", 2,
               "routes.80[0].app: there is no app \"b\" in `apps`"));
    CHECK(says("{'routes': {'80': [{}]}, 'apps': {'a': {}, 'b': {}}}", 1,
               "routes.80[0].app: is missing; name one of `apps`"));
    CHECK(says("{'routes': {'80': [{'path': '/a%20b'}]}}", 1,
               "routes.80[0].path: \"/a%20b\" is no prefix of paths"));
    CHECK(says("{'routes': {'80': [{'path': 'api'}]}}", 1,
               "routes.80[0].path: \"api\" is no prefix of paths"));
    CHECK(says("{'routes': {'80': [{'path': '/a/../b'}]}}", 1,
               "routes.80[0].path: \"/a/../b\" is no prefix of paths"));
    CHECK(says("{'routes': {'80': [{'host': 'a:80'}]}}", 1,
               "routes.80[0].host: \"a:80\" is no host"));
    CHECK(
        says("{'routes': {'80': [{'host': 'a.*'}]}}", 1, "routes.80[0].host: \"a.*\" is no host"));
    CHECK(says("{'routes': {'80': [{'strip': 1}]}}", 1, "routes.80[0].strip: write true or false"));
    CHECK(says("{'routes': {'80': [{'prefix': '/'}]}}", 1,
               "routes.80[0].prefix: unknown; a route has host, path, app, strip, and settings"));
    CHECK(says("{'apps': {'a': {'routes': {}}}}", 1,
               "apps.a.routes: an object stands here; write a list"));
    CHECK(says("{'routes': {'80': [{}, {'path': '/'}]}}", 1,
               "routes.80[1]: has the same host and path as [0] of the list"));
    CHECK(
        says("{'routes': [{'path': '/a', 'strip': true}]}", 1, "routes[0].strip: only for routes"));
    CHECK(says("{'routes': [{'path': '/a', 'app': 'b'}]}", 1, "routes[0].app: these are paths of"));
    CHECK(says("{'listeners': []}", 1, "listeners: a list stands here; write an object"));
    CHECK(says("{'listeners': {'80': 1}}", 1, "listeners.80: write an object"));
    CHECK(says("{'listeners': {':80': {}, '[::]:80': {}}}", 1,
               "listeners: [::]:80 stands there twice"));
}

static void the_file_wins_over_package_json_and_loses_to_all_else(void)
{
    AUTO(fixture_done) struct fixture f;
    char *env[] = { (char *)"FETTLE_DRAIN=9s", NULL };
    struct problem p;

    fixture_init(&f);
    CHECK_EQ(settings_read_env(&f.settings, env, 0, &p), 0);
    read_text(&f, "{'workers': 2, 'drain': '1s'}");
    f.from.package = true;
    f.from.file = "package.json";
    read_text(&f, "{'workers': 5, 'drain': '2s', 'slow': '3s', 'apps': {'a': {'workers': 6}}}");
    CHECK_EQ(f.settings.workers.most, 2);
    CHECK_EQ(f.settings.drain_ns, 9 * NS_PER_S);
    CHECK_EQ(f.settings.request.slow_ns, 3 * NS_PER_S);
    CHECK_STR(origin(&f, "slow")->key, "fettle.slow");
    CHECK_STR(origin(&f, "workers")->file, "fettle.json");
}

static void a_wrong_name_gets_the_right_one(void)
{
    CHECK(says("{\n'maxMemory': '1G'}", 2,
               "maxMemory: unknown setting; its name is written "
               "\"max-memory\""));
    CHECK(says("{'max_memory': '1G'}", 1,
               "max_memory: unknown setting; its name is written "
               "\"max-memory\""));
    CHECK(says("{'wokers': 1}", 1, "wokers: unknown setting; did you mean \"workers\"?"));
    CHECK(says("{'rnu': 'x'}", 1, "rnu: unknown setting; did you mean \"run\"?"));
    CHECK(says("{'frobnicate': 1}", 1, "frobnicate: unknown setting; `fettle help run`"));
    CHECK(says("{'config': 'x'}", 1, "config: says where settings are read"));
    CHECK(says("{'apps': {'a': {'maxBlock': 1}}}", 1, "apps.a.maxBlock: unknown setting; its"));
    CHECK(says("{'workers': 1,\n'workers': 2}", 2,
               "workers: stands here for the second time; the "
               "first is on line 1"));
}

static void a_wrong_value_says_what_would_be_right(void)
{
    CHECK(says("{'workers': '4'}", 1, "workers: \"4\" is a text; write a number, \"auto\""));
    CHECK(says("{'workers': 1.5}", 1, "workers: \"1.5\" is not a number; write one"));
    CHECK(says("{'workers': [1]}", 1, "workers: a list stands here; write a number"));
    CHECK(says("{'workers': null}", 1, "workers: null is no value; leave the key out"));
    CHECK(says("{'drain': 10}", 1,
               "drain: \"10\" is not a duration; write a number with its "
               "unit"));
    CHECK(says("{'drain': false}", 1, "drain: false stands here; write a text with its unit"));
    CHECK(says("{'max-memory': '12Q'}", 1, "max-memory: \"12Q\" is not a size"));
    CHECK(says("{'max-memory': true}", 1, "max-memory: true stands here; write a text"));
    CHECK(says("{'metrics-prom-client': 'on'}", 1,
               "metrics-prom-client: \"on\" is a text; write "
               "true or false"));
    CHECK(says("{'trust-proxy': 'unix'}", 1, "trust-proxy: \"unix\" is a text; write a list"));
    CHECK(says("{'trust-proxy': [1]}", 1,
               "trust-proxy: a list stands here; write a list of "
               "texts"));
    CHECK(says("{'name': 5}", 1, "name: a number stands here; write a text"));
    CHECK(says("{'run': ''}", 1, "run: nothing stands here; write a file"));
    CHECK(says("{'args': '-x'}", 1, "args: write a list of texts"));
    CHECK(says("{'env': ['A=1']}", 1, "env: a list stands here; write an object"));
    CHECK(says("{'env': {'A': [1]}}", 1, "env.A: a list stands here; write a text"));
    CHECK(says("{'env': {'FETTLE_X': '1'}}", 1, "env.FETTLE_X: names that begin with FETTLE_"));
    CHECK(says("{'apps': [{}]}", 1, "apps: a list stands here; write an object"));
    CHECK(says("{'apps': {}}", 1, "apps: there is no app in it"));
    CHECK(says("{'apps': {'a': 1}}", 1, "a: write an object") ||
          says("{'apps': {'a': 1}}", 1, "apps.a: write an object"));
    CHECK(says("{'run': 'x', 'apps': {'a': {}}}", 1, "run: belongs to one app"));
    CHECK(says("{'apps': {'a': {'apps': {}}}}", 1, "apps.a.apps: cannot stand inside of an app"));
    CHECK(says("[1]", 1, "a list stands here; write an object"));
}

static void a_secret_is_not_told_in_an_error(void)
{
    AUTO(fixture_done) struct fixture f;

    fixture_init(&f);
    read_text(&f, "{'admin-token': 'hunter'}");
    CHECK_EQ(f.findings.count, 1);
    CHECK(!strstr(f.findings.list[0].problem.text, "hunter"));
    read_text(&f, "{'admin-token': ['hunter22']}");
    CHECK_EQ(f.findings.count, 2);
    CHECK(!strstr(f.findings.list[1].problem.text, "hunter"));
}

static void all_mistakes_are_found_and_bounded(void)
{
    AUTO(fixture_done) struct fixture f;
    AUTO(buf_done) struct buf many = { 0 };

    fixture_init(&f);
    read_text(&f, "{'a1b2c3': 1, 'workers': 'x', 'drain': 5, 'env': 4}");
    CHECK_EQ(f.findings.of[FINDING_MISTAKE], 4);
    buf_addc(&many, '{');
    for (u32 i = 0; i < 500; i++)
        buf_addf(&many, "'zzzzzz%u\\u001b[2J': 1,", i);
    buf_add(&many, STR("'q': 1}"));
    buf_addc(&many, 0);
    read_text(&f, many.ptr);
    CHECK_EQ(f.findings.of[FINDING_MISTAKE], 505);
    CHECK_EQ(f.findings.count, FINDINGS_MAX);
    CHECK(!strchr(f.findings.list[50].problem.text, '\033'));
    buf_clear(&many);
    buf_add(&many, STR("{'env': {"));
    for (u32 i = 0; i <= CONFIG_MEMBERS_MAX; i++)
        buf_addf(&many, "%s'A%u': 1", i ? "," : "", i);
    buf_add(&many, STR("}}"));
    buf_addc(&many, 0);
    CHECK(says(many.ptr, 1, "env: there are 1001 members; at most 1000"));
}

int main(void)
{
    TEST(every_type_of_value_is_read);
    TEST(a_range_is_a_number_a_text_or_an_object);
    TEST(what_is_to_be_run_is_read);
    TEST(paths_relate_to_the_folder_of_the_file);
    TEST(what_an_app_says_wins_over_what_holds_for_all);
    TEST(of_several_apps_one_is_taken_and_all_are_checked);
    TEST(routes_become_one_text);
    TEST(settings_of_places_are_kept_with_them);
    TEST(what_cannot_be_said_for_a_place_is_named);
    TEST(mistakes_in_routes_are_named);
    TEST(the_file_wins_over_package_json_and_loses_to_all_else);
    TEST(a_wrong_name_gets_the_right_one);
    TEST(a_wrong_value_says_what_would_be_right);
    TEST(a_secret_is_not_told_in_an_error);
    TEST(all_mistakes_are_found_and_bounded);
    return tap_done();
}
