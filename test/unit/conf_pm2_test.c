/* test/unit/conf_pm2_test.c -- pm2's ecosystem files, read as they are */
#include "conf/pm2.h"

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

/* Reads JSON in which ' stands for ". */
static void read_text(struct fixture *f, const char *app, const char *env, const char *text)
{
    AUTO(json_value_freep) struct json_value *root = NULL;
    AUTO(freep) char *json = strdup(text);
    struct problem p;

    *f = (struct fixture){ .from = { .file = "ecosystem.json",
                                     .folder = STR("/srv"),
                                     .app = str_of(app),
                                     .env = str_of(env),
                                     .cpus = 8 } };
    CHECK_EQ(settings_init(&f->settings), 0);
    for (char *c = json; *c; c++)
        *c = *c == '\'' ? '"' : *c;
    if (json_value_parse(&root, str_of(json), "ecosystem.json", &p)) {
        CHECK(!"the test's own JSON is right");
        printf("# %s\n", p.text);
        return;
    }
    CHECK_EQ(pm2_read(root, &f->from, &f->settings, &f->app, &f->findings), 0);
}

static bool found(const struct fixture *f, enum finding_kind kind, const char *text)
{
    for (u32 i = 0; i < f->findings.count; i++)
        if (f->findings.list[i].kind == kind && strstr(f->findings.list[i].problem.text, text))
            return true;
    for (u32 i = 0; i < f->findings.count; i++)
        printf("# %d: %s\n", f->findings.list[i].kind, f->findings.list[i].problem.text);
    return false;
}

static void an_app_becomes_settings(void)
{
    AUTO(fixture_done) struct fixture f;

    read_text(&f, "", "",
              "{'apps': [{'name': 'shop', 'script': './bin/shop.js', 'cwd': 'shop',\n"
              "'instances': 'max', 'args': ['--port', 3000, 'a b'], 'node_args': '--expose-gc',\n"
              "'source_map_support': true, 'max_memory_restart': '300M', 'kill_timeout': 3000,\n"
              "'listen_timeout': 90000, 'log_type': 'json', 'port': 3000,\n"
              "'env': {'A': 1, 'B': {'c': [true]}, 'D': null}}]}");
    CHECK_EQ(f.findings.count, 0);
    CHECK_STR(f.settings.name, "shop");
    CHECK_STR(f.settings.cwd, "/srv/shop");
    CHECK_EQ(f.settings.workers.most, 0);
    CHECK_STR(f.settings.node_args, "--expose-gc --enable-source-maps");
    CHECK_EQ(f.settings.max_memory_bytes, 300ull << 20);
    CHECK_EQ(f.settings.kill_after_ns, 3 * NS_PER_S);
    CHECK_EQ(f.settings.start_timeout_ns, 90 * NS_PER_S);
    CHECK_EQ(f.settings.log, SETTINGS_LOG_JSON);
    CHECK_STR(str_of(f.app.run.ptr), "./bin/shop.js");
    CHECK(f.app.may_be_program);
    CHECK_EQ(f.app.args.count, 3);
    CHECK_STR(strings_at(&f.app.args, 1), "3000");
    CHECK_STR(strings_at(&f.app.args, 2), "a b");
    CHECK_EQ(f.app.env.count, 4);
    CHECK_STR(strings_at(&f.app.env, 0), "PORT=3000");
    CHECK_STR(strings_at(&f.app.env, 1), "A=1");
    CHECK_STR(strings_at(&f.app.env, 2), "B={\"c\":[true]}");
    CHECK_STR(strings_at(&f.app.env, 3), "D=null");
}

static u32 workers_of(const char *instances)
{
    AUTO(fixture_done) struct fixture f;
    AUTO(buf_done) struct buf text = { 0 };

    buf_addf(&text, "{'script': 'a.js'%s%s}", *instances ? ", 'instances': " : "", instances);
    buf_addc(&text, 0);
    read_text(&f, "", "", text.ptr);
    CHECK_EQ(f.findings.count, 0);
    return f.settings.workers.most;
}

static void instances_are_counted_as_pm2_does(void)
{
    CHECK_EQ(workers_of(""), 1);
    CHECK_EQ(workers_of("4"), 4);
    CHECK_EQ(workers_of("'4'"), 4);
    CHECK_EQ(workers_of("'max'"), 0);
    CHECK_EQ(workers_of("0"), 0);
    CHECK_EQ(workers_of("-1"), 7);
    CHECK_EQ(workers_of("'-9'"), 1);
}

static void names_are_taken_in_all_forms(void)
{
    AUTO(fixture_done) struct fixture f;

    read_text(&f, "", "",
              "[{'exec': 'x.js', 'maxMemoryRestart': '64M', 'interpreterArgs': ['-a', '-b c'],\n"
              "'interpreter': '/opt/node/bin/node'}]");
    CHECK_EQ(f.findings.count, 0);
    CHECK_STR(f.settings.name, "x");
    CHECK_EQ(f.settings.max_memory_bytes, 64 << 20);
    CHECK_STR(f.settings.node_args, "-a '-b c'");
    CHECK_STR(f.settings.node, "/opt/node/bin/node");
}

static void env_takes_the_environment_of_that_name(void)
{
    static const char text[] =
        "{'apps': [{'script': 'a.js', 'name': 'a', 'append_env_to_name': true,\n"
        "'env': {'X': 'dev', 'Y': '1'}, 'env_production': {'X': 'prod'}}],\n"
        "'deploy': {'production': {'env': {'X': 'deploy', 'Z': '9'}}}}";
    AUTO(fixture_done) struct fixture f;
    AUTO(fixture_done) struct fixture g;

    read_text(&f, "", "production", text);
    CHECK_EQ(f.app.env.count, 5);
    CHECK_STR(strings_at(&f.app.env, 0), "X=deploy");
    CHECK_STR(strings_at(&f.app.env, 4), "X=prod");
    CHECK_STR(f.settings.name, "a-production");
    read_text(&g, "", "staging", text);
    CHECK(found(&g, FINDING_WARNING, "apps[0] has no env_staging"));
    CHECK_EQ(g.app.env.count, 2);
}

static void what_is_not_node_becomes_a_command(void)
{
    AUTO(fixture_done) struct fixture f;
    AUTO(fixture_done) struct fixture g;
    AUTO(fixture_done) struct fixture h;
    AUTO(fixture_done) struct fixture i;

    read_text(&f, "", "", "{'script': 'job.py', 'args': '-v \\\"a b\\\"'}");
    CHECK_STR(str_of(f.app.command.ptr), "python3 job.py -v \"a b\"");
    read_text(&g, "", "", "{'script': './my tool', 'name': 'x'}");
    CHECK_STR(str_of(g.app.command.ptr), "./my tool");
    read_text(&h, "", "", "{'script': 'tool', 'interpreter': 'none', 'args': ['a b']}");
    CHECK_STR(str_of(h.app.command.ptr), "tool 'a b'");
    read_text(&i, "", "", "{'script': 'npm', 'args': 'run serve'}");
    CHECK_STR(str_of(i.app.run.ptr), "npm");
    CHECK(i.app.may_be_program);
}

static void the_app_is_chosen_by_its_name(void)
{
    static const char text[] = "{'apps': [{'script': 'a.js', 'name': 'a', 'watch': true},\n"
                               "{'script': 'b.js', 'instances': 3}]}";
    AUTO(fixture_done) struct fixture f;
    AUTO(fixture_done) struct fixture g;

    read_text(&f, "", "", text);
    CHECK(f.app.choose && !f.app.found);
    CHECK_STR(buf_str(&f.app.names), "a, b.js");
    CHECK_EQ(f.settings.workers.most, 0);
    read_text(&g, "b.js", "", text);
    CHECK(g.app.found && !g.app.choose);
    CHECK_EQ(g.settings.workers.most, 3);
    CHECK_EQ(g.findings.count, 0);
}

static void two_apps_of_one_name_are_a_mistake(void)
{
    AUTO(fixture_done) struct fixture f;

    read_text(&f, "", "", "[{'script': 'a.js', 'name': 'x'},\n{'script': 'b.js', 'name': 'x'}]");
    CHECK_EQ(f.findings.of[FINDING_MISTAKE], 1);
    CHECK_EQ(f.findings.list[0].problem.line, 2);
}

static void nothing_is_dropped_silently(void)
{
    AUTO(fixture_done) struct fixture f;

    read_text(&f, "", "",
              "{'apps': [{'script': 'a.js', 'pid_file': 'a.pid', 'treekill': false,\n"
              "'autostart': false, 'exec_mode': 'cluster', 'merge_logs': true,\n"
              "'scirpt': 1}], 'static': [], 'frob': 1}");
    CHECK_STR(f.settings.pid_file, "/srv/a.pid");
    CHECK(found(&f, FINDING_WARNING, "apps[0].treekill: "));
    CHECK(found(&f, FINDING_WARNING, "apps[0].autostart: "));
    CHECK(found(&f, FINDING_NOTE, "apps[0].exec_mode: "));
    CHECK(found(&f, FINDING_NOTE, "apps[0].merge_logs: "));
    CHECK(found(&f, FINDING_WARNING,
                "apps[0].scirpt: pm2 has no such key, and leaves it aside; "
                "did you mean script?"));
    CHECK(found(&f, FINDING_WARNING, "static: "));
    CHECK(found(&f, FINDING_WARNING, "frob: "));
}

static void log_files_relate_to_the_apps_folder(void)
{
    AUTO(fixture_done) struct fixture f;
    AUTO(fixture_done) struct fixture g;
    AUTO(fixture_done) struct fixture h;

    read_text(&f, "", "",
              "{'script': 'a.js', 'out_file': './logs/out.log', 'err_file': '/var/log/e.log',\n"
              "'cwd': 'shop', 'merge_logs': true, 'log_file': 'x'}");
    CHECK_STR(f.settings.log_file, "/srv/shop/logs/out.log");
    CHECK_STR(f.settings.error_file, "/var/log/e.log");
    CHECK(found(&f, FINDING_WARNING, "apps[0].log_file: the lines are in out_file"));
    read_text(&g, "", "",
              "{'script': 'a.js', 'log': 'all.log', 'time': true, 'log_date_format': 'YYYY-MM-DD "
              "HH:mm Z'}");
    CHECK_STR(g.settings.log_file, "/srv/all.log");
    CHECK_STR(g.settings.error_file, "");
    CHECK_STR(g.settings.log_date_format, "YYYY-MM-DD HH:mm Z");
    CHECK(found(&g, FINDING_NOTE, "apps[0].time: each line of a log file"));
    read_text(&h, "", "", "{'script': 'a.js', 'disable_logs': true, 'error': 'x'}");
    CHECK_STR(h.settings.log_file, "/dev/null");
    CHECK_STR(h.settings.error_file, "/dev/null");
}

static void what_asks_for_nothing_is_not_warned_about(void)
{
    AUTO(fixture_done) struct fixture f;

    read_text(&f, "", "",
              "{'script': 'a.js', 'watch': false, 'autorestart': true, 'cron_restart': 0,\n"
              "'error_file': null, 'wait_ready': false, 'stop_exit_codes': []}");
    CHECK_EQ(f.findings.count, 0);
}

static void another_user_and_its_number_are_settings(void)
{
    AUTO(fixture_done) struct fixture f;
    AUTO(fixture_done) struct fixture g;

    read_text(&f, "", "", "{'script': 'a.js', 'uid': 'me', 'gid': 1000}");
    CHECK_EQ(f.findings.count, 0);
    CHECK_STR(f.settings.uid, "me");
    CHECK_STR(f.settings.gid, "1000");
    read_text(&g, "", "",
              "{'script': 'a.js', 'user': 0, 'instance_var': 'ID', 'increment_var': 'PORT'}");
    CHECK_EQ(g.findings.count, 0);
    CHECK_STR(g.settings.uid, "0");
    CHECK_STR(g.settings.instance_var, "ID");
    CHECK_STR(g.settings.increment_var, "PORT");
}

static void starts_and_restarts_are_settings(void)
{
    AUTO(fixture_done) struct fixture f;

    read_text(&f, "", "",
              "{'script': 'a.js', 'cwd': 'app', 'watch': ['src', '/etc/x.json'],\n"
              "'ignore_watch': ['*.log', 'tmp'], 'watch_delay': 250, 'autorestart': false,\n"
              "'max_restarts': 3, 'stop_exit_codes': [0, 3], 'cron_restart': '@daily',\n"
              "'wait_ready': true, 'env_file': '.env', 'restart_delay': '2s'}");
    CHECK_EQ(f.findings.count, 0);
    CHECK_STR(f.settings.watch, "/srv/app/src,/etc/x.json");
    CHECK_STR(f.settings.watch_ignore, "*.log,tmp");
    CHECK_EQ(f.settings.watch_delay_ns, 250 * NS_PER_MS);
    CHECK(!f.settings.autorestart);
    CHECK_EQ(f.settings.max_restarts, 3);
    CHECK_EQ(f.settings.min_uptime_ns, NS_PER_S);
    CHECK_STR(f.settings.stop_exit_codes, "0,3");
    CHECK_STR(f.settings.restart_at, "@daily");
    CHECK(f.settings.wait_ready);
    CHECK_STR(f.settings.env_file, ".env");
    CHECK_EQ(f.settings.restart_delay_ns, 2 * NS_PER_S);
}

static void mistakes_say_what_would_be_right(void)
{
    AUTO(fixture_done) struct fixture f;

    read_text(&f, "", "",
              "[{'script': 5},\n{'script': 'a.js', 'instances': 'many', 'kill_timeout': 'x',\n"
              "'max_memory_restart': '12Q', 'args': 'a \\\"b', 'env': [], 'node_args': 5}, 7]");
    CHECK(found(&f, FINDING_MISTAKE, "apps[0].script: 5 stands here; write a text"));
    CHECK(found(&f, FINDING_MISTAKE, "apps[0].script: is missing"));
    CHECK(found(&f, FINDING_MISTAKE, "apps[1].instances: \"many\" stands here; write a number"));
    CHECK(found(&f, FINDING_MISTAKE,
                "apps[1].kill_timeout: \"x\" stands here; write a number of "
                "milliseconds"));
    CHECK(found(&f, FINDING_MISTAKE, "apps[1].max_memory_restart: \"12Q\" is not a size"));
    CHECK(
        found(&f, FINDING_MISTAKE, "apps[1].args: \"a \\\"b\" stands here; write a text in which"));
    CHECK(found(&f, FINDING_MISTAKE, "apps[2] is no object"));
}

static void variables_are_filtered(void)
{
    AUTO(fixture_done) struct fixture f;
    AUTO(fixture_done) struct fixture g;

    read_text(&f, "", "", "{'script': 'a.js', 'filter_env': ['AWS_', 'X']}");
    CHECK_EQ(f.app.env_no.count, 2);
    CHECK(!f.app.env_clear);
    read_text(&g, "", "", "{'script': 'a.js', 'filter_env': true}");
    CHECK(g.app.env_clear);
}

static void every_key_is_known_once(void)
{
    for (u32 i = 0; i < pm2_key_count; i++) {
        CHECK(pm2_key_find(str_of(pm2_keys[i].name)) == &pm2_keys[i]);
        CHECK(pm2_keys[i].text && *pm2_keys[i].text);
        CHECK((pm2_keys[i].fate == PM2_HONOURED) == (pm2_keys[i].read != NULL) ||
              strcmp(pm2_keys[i].name, "env_NAME") == 0);
    }
    CHECK_STR(str_of(pm2_key_find(STR("env_staging"))->name), "env_NAME");
    CHECK_STR(str_of(pm2_key_find(STR("out"))->name), "out_file");
    CHECK_STR(str_of(pm2_key_find(STR("expBackoffRestartDelay"))->name),
              "exp_backoff_restart_delay");
    CHECK(!pm2_key_find(STR("")));
    CHECK(!pm2_key_find(STR("frob")));
}

/* pm2 7.0.4: lib/API/schema.json with its aliases, lib/Common.js, types/index.d.ts. */
static void every_key_of_pm2_has_its_row(void)
{
    struct str rest =
        STR("script exec name name_prefix filter_env namespace install_url cwd args "
            "exec_interpreter interpreter node_args interpreterArgs interpreter_args out_file "
            "out output out_log error_file error err err_file err_log log_file log disable_logs "
            "log_type log_date_format time env max_memory_restart pid_file pid restart_delay "
            "exp_backoff_restart_delay source_map_support disable_source_map_support wait_ready "
            "instances kill_timeout shutdown_with_message listen_timeout cron_restart cron "
            "merge_logs combine_logs vizion autostart autorestart stop_exit_codes watch_delay "
            "watch ignore_watch watch_options min_uptime max_restarts execute_command exec_mode "
            "force append_env_to_name post_update trace disable_trace v8 event_loop_inspector "
            "deep_monitoring increment_var instance_var pmx automation treekill port username "
            "uid user gid windowsHide kill_retry_time write io cmd command container dist "
            "image_name node_version fresh dockerdaemon env_production");

    while (rest.ptr) {
        struct str name = str_cut(rest, ' ', &rest);

        CHECK(pm2_key_find(name) != NULL);
        if (!pm2_key_find(name))
            printf("# %.*s\n", STR_ARG(name));
    }
}

int main(void)
{
    TEST(every_key_of_pm2_has_its_row);
    TEST(an_app_becomes_settings);
    TEST(instances_are_counted_as_pm2_does);
    TEST(names_are_taken_in_all_forms);
    TEST(env_takes_the_environment_of_that_name);
    TEST(what_is_not_node_becomes_a_command);
    TEST(the_app_is_chosen_by_its_name);
    TEST(two_apps_of_one_name_are_a_mistake);
    TEST(nothing_is_dropped_silently);
    TEST(log_files_relate_to_the_apps_folder);
    TEST(what_asks_for_nothing_is_not_warned_about);
    TEST(starts_and_restarts_are_settings);
    TEST(another_user_and_its_number_are_settings);
    TEST(mistakes_say_what_would_be_right);
    TEST(variables_are_filtered);
    TEST(every_key_is_known_once);
    return tap_done();
}
