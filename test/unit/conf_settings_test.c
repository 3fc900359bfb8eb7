/* test/unit/conf_settings_test.c -- the table of settings, and all ways into it */
#include "conf/settings.h"

#include "tap.h"

enum { ARGS_MAX = 32 };

/* Reads a command line written with blanks between its words. */
static int args_read(struct settings *s, const char *line, struct settings_args *out,
                     struct problem *p)
{
    char text[1024];
    char *argv[ARGS_MAX] = { 0 }, *at = text;
    int argc = 0;

    snprintf(text, sizeof(text), "run %s", line);
    while (at && argc < ARGS_MAX - 1)
        argv[argc++] = strsep(&at, " ");
    return settings_read_args(s, argc, argv, 1, out, p);
}

static int env_read(struct settings *s, const char *entry, struct problem *p)
{
    char *env[] = { (char *)"PATH=/bin", (char *)entry, (char *)"FETTLE_DIR=/run/x", NULL };

    return settings_read_env(s, env, 0, p);
}

/* What is said about a wrong command line. */
static bool says(const char *line, const char *text)
{
    AUTO(settings_done) struct settings s = { 0 };
    struct settings_args args;
    struct problem p = { 0 };
    bool ok =
        settings_init(&s) == 0 && args_read(&s, line, &args, &p) == -EINVAL && strstr(p.text, text);

    if (!ok)
        printf("# %s: %s\n", line, p.text);
    return ok;
}

static void the_defaults_are_what_the_table_says(void)
{
    AUTO(settings_done) struct settings s = { 0 };

    CHECK_EQ(settings_init(&s), 0);
    CHECK_EQ(s.workers.most, 0);
    CHECK_EQ(s.port, 0);
    CHECK_EQ(s.max_memory_bytes, 0);
    CHECK_EQ(s.max_block_ns, 30 * NS_PER_S);
    CHECK_EQ(s.drain_ns, 10 * NS_PER_S);
    CHECK_EQ(s.admin.kind, ENDPOINT_IP);
    CHECK_EQ(s.admin.addr.port, 9484);
    CHECK(addr_is_loopback(&s.admin.addr));
    CHECK_EQ(s.request.balance.by, SETTINGS_BALANCE_IDLE_FIRST);
    CHECK_EQ(s.trust_proxy.count, 0);
    CHECK_EQ(s.max_head_bytes, 16384);
    CHECK_EQ(s.log_level, LOG_INFO);
    CHECK(s.metrics_prom_client);
    CHECK_EQ(s.request.access_log.len, 0);
    CHECK_STR(s.node, "node");
    CHECK_EQ(settings_check(&s, &(struct problem){ 0 }), 0);
    CHECK(!s.request.access_log.ptr || s.request.access_log.ptr[0] == 0);
}

static void every_row_is_complete_and_unlike_the_others(void)
{
    for (u32 i = 0; i < settings_row_count; i++) {
        const struct settings_row *row = &settings_rows[i];
        struct str help = str_of(row->help);

        CHECK(row->name && row->help && row->default_text);
        CHECK(row->type == SETTINGS_BOOL || row->placeholder);
        CHECK(!str_ends(help, STR(".")) && help.len <= 64);
        CHECK(!row->more || str_ends(str_of(row->more), STR(".")));
        CHECK((row->type != SETTINGS_ENUM && row->type != SETTINGS_BALANCE) || row->words);
        CHECK(row->offset < offsetof(struct settings, texts));
        for (u32 k = 0; k < i; k++) {
            CHECK(strcmp(settings_rows[k].name, row->name) != 0);
            CHECK(settings_rows[k].offset != row->offset);
            CHECK(!row->short_flag || settings_rows[k].short_flag != row->short_flag);
        }
    }
}

static void flags_are_read_in_all_their_forms(void)
{
    AUTO(settings_done) struct settings s = { 0 };
    struct settings_args args;
    struct problem p = { 0 };

    CHECK_EQ(settings_init(&s), 0);
    CHECK_EQ(args_read(&s,
                       "-w 4 --port=8080 app.js --max-memory 512M --no-metrics-prom-client "
                       "--log json --balance hash:cookie=sid --no-max-block -- --port 1",
                       &args, &p),
             0);
    CHECK_EQ(s.workers.most, 4);
    CHECK_EQ(s.port, 8080);
    CHECK_EQ(s.max_memory_bytes, 512ull << 20);
    CHECK(!s.metrics_prom_client);
    CHECK_EQ(s.log, SETTINGS_LOG_JSON);
    CHECK_EQ(s.request.balance.by, SETTINGS_BALANCE_HASH_COOKIE);
    CHECK_STR(s.request.balance.key, "sid");
    CHECK_EQ(s.max_block_ns, 0);
    CHECK_EQ(args.operands, 1);
    CHECK_EQ(args.operand[0], 4);
    CHECK_EQ(args.rest, 14);
    CHECK(!args.help && !args.version);
    CHECK_EQ(args_read(&s, "-w2 --metrics-prom-client=on -p=9 - a", &args, &p), 0);
    CHECK_EQ(s.workers.most, 2);
    CHECK_EQ(s.workers.least, 2);
    CHECK_EQ(s.port, 9);
    CHECK(s.metrics_prom_client);
    CHECK_EQ(args.operands, 2);
    CHECK_EQ(args.rest, 6);
}

static void help_and_version_end_the_reading(void)
{
    AUTO(settings_done) struct settings s = { 0 };
    struct settings_args args;
    struct problem p = { 0 };

    CHECK_EQ(settings_init(&s), 0);
    CHECK_EQ(args_read(&s, "--help --nonsense", &args, &p), 0);
    CHECK(args.help);
    CHECK_EQ(args_read(&s, "a -V --nonsense", &args, &p), 0);
    CHECK(args.version);
    CHECK_EQ(args_read(&s, "-- --help", &args, &p), 0);
    CHECK(!args.help);
}

static void a_mistake_says_what_would_be_right(void)
{
    CHECK(says("--max-memry 5", "unknown flag --max-memry; did you mean --max-memory?"));
    CHECK(says("--frobnicate", "unknown flag --frobnicate; `fettle run --help`"));
    CHECK(says("--no-frobnicate", "unknown flag --no-frobnicate"));
    CHECK(says("-z", "unknown flag -z"));
    CHECK(says("--workers", "--workers needs a value: --workers N"));
    CHECK(says("--workers -- a", "--workers needs a value"));
    CHECK(says("--workers=", "--workers: the value is empty"));
    CHECK(says("-w four",
               "--workers: \"four\" is not a number; write one from 1 to 128, or two for "
               "a least and a most, such as 2-8, or auto"));
    CHECK(says("-w 0", "out of range; write a value from 1 to 128"));
    CHECK(says("-w -1", "not a number"));
    CHECK(says("-w 2-", "not a number"));
    CHECK(says("-w 2-x", "not a number"));
    CHECK(says("-w 2-129", "\"2-129\" is out of range; write a value from 1 to 128"));
    CHECK(says("-w 8-2", "\"8-2\" has the most before the least; write 2-8"));
    CHECK(says("--port 80x", "--port: \"80x\" is not a whole number; write one from 1 to 65535, or "
                             "app"));
    CHECK(says("--max-memory 12Q", "\"12Q\" is not a size; write a number with K, M or G, such as "
                                   "512M"));
    CHECK(says("--max-memory 1M", "from 16M to 64T, or off"));
    CHECK(says("--drain 10", "not a duration; write a number with its unit"));
    CHECK(says("--drain off", "not a duration"));
    CHECK(says("--no-drain", "--drain cannot be switched off"));
    CHECK(says("--log xml", "\"xml\" is not known; write text or json"));
    CHECK(says("--balance fastest", "hash:cookie=NAME"));
    CHECK(says("--balance hash:cookie=", "not the name of a cookie"));
    CHECK(says("--balance hash:header=a(b", "not the name of a cookie"));
    CHECK(says("--trust-proxy 10.0.0.0/33", "not a range of addresses"));
    CHECK(says("--trust-proxy 10.0.0.0/8,,x", "\"x\" is not a range"));
    CHECK(says("--admin nowhere:80", "--admin: \"nowhere\" is not an IP address"));
    CHECK(says("--admin-token short", "--admin-token: it has 5 bytes; at least 8"));
    CHECK(says("--no-metrics-prom-client=on", "takes no value"));
    CHECK(says("--metrics-prom-client=maybe", "neither on nor off"));
    CHECK(says("a b c d e f g h i", "\"i\" is one word too many"));
    CHECK(says("--name x\ty", "control character"));
}

static void a_secret_is_not_told_in_an_error(void)
{
    AUTO(settings_done) struct settings s = { 0 };
    struct problem p = { 0 };

    CHECK_EQ(settings_init(&s), 0);
    CHECK_EQ(env_read(&s, "FETTLE_ADMIN_TOKEN=hunter", &p), -EINVAL);
    CHECK(!strstr(p.text, "hunter"));
    CHECK(strstr(p.text, "FETTLE_ADMIN_TOKEN: "));
}

static void the_flag_wins_over_the_environment_in_any_order(void)
{
    AUTO(settings_done) struct settings s = { 0 };
    struct settings_args args;
    struct problem p = { 0 };

    CHECK_EQ(settings_init(&s), 0);
    CHECK_EQ(args_read(&s, "--max-memory 64M --trust-proxy 10.0.0.0/8", &args, &p), 0);
    CHECK_EQ(env_read(&s, "FETTLE_MAX_MEMORY=32M", &p), 0);
    CHECK_EQ(s.max_memory_bytes, 64 << 20);
    CHECK_EQ(env_read(&s, "FETTLE_TRUST_PROXY=loopback", &p), 0);
    CHECK_EQ(s.trust_proxy.count, 1);
    CHECK_EQ(env_read(&s, "FETTLE_DRAIN=3s", &p), 0);
    CHECK_EQ(s.drain_ns, 3 * NS_PER_S);
    CHECK_EQ(args_read(&s, "--drain 4s", &args, &p), 0);
    CHECK_EQ(s.drain_ns, 4 * NS_PER_S);
    CHECK_EQ(settings_origin_of(&s, settings_row_find(STR("drain"), NULL))->source, SETTINGS_FLAG);
    /* What is overruled is checked all the same. */
    CHECK_EQ(env_read(&s, "FETTLE_MAX_MEMORY=lots", &p), -EINVAL);
    CHECK(strstr(p.text, "FETTLE_MAX_MEMORY: \"lots\" is not a size"));
    CHECK_EQ(s.max_memory_bytes, 64 << 20);
    /* Empty counts as unset; other names are left alone. */
    CHECK_EQ(env_read(&s, "FETTLE_SLOW=", &p), 0);
    CHECK_EQ(s.request.slow_ns, NS_PER_S);
}

static void a_file_comes_before_both_and_has_its_line(void)
{
    AUTO(settings_done) struct settings s = { 0 };
    struct settings_origin file = { SETTINGS_FILE, STR("fettle.json"), 7, { 0 } };
    const struct settings_row *row = settings_row_find(STR("workers"), NULL);
    struct problem p = { 0 };

    CHECK_EQ(settings_init(&s), 0);
    CHECK_EQ(settings_set(&s, row, STR("3"), &file, &p), 0);
    CHECK_EQ(s.workers.most, 3);
    CHECK_EQ(settings_origin_of(&s, row)->line, 7);
    CHECK_STR(settings_origin_of(&s, row)->file, "fettle.json");
    CHECK_EQ(settings_set(&s, row, STR("x"), &file, &p), -EINVAL);
    CHECK_STR(str_of(p.file), "fettle.json");
    CHECK_EQ(p.line, 7);
    CHECK_EQ(env_read(&s, "FETTLE_WORKERS=5", &p), 0);
    CHECK_EQ(settings_set(&s, row, STR("4"), &file, &p), 0);
    CHECK_EQ(s.workers.most, 5);
}

static void a_list_may_be_repeated(void)
{
    AUTO(settings_done) struct settings s = { 0 };
    struct addr a;
    struct settings_args args;
    struct problem p = { 0 };
    AUTO(buf_done) struct buf many = { 0 };

    CHECK_EQ(settings_init(&s), 0);
    CHECK_EQ(env_read(&s, "FETTLE_TRUST_PROXY=1.2.3.4", &p), 0);
    CHECK_EQ(s.trust_proxy.count, 1);
    CHECK_EQ(args_read(&s, "--trust-proxy 10.0.0.0/8,fc00::/7 --trust-proxy unix", &args, &p), 0);
    CHECK_EQ(s.trust_proxy.count, 3);
    CHECK(addr_parse_ip(STR("10.1.2.3"), &a) && cidr_has(&s.trust_proxy.range[0], &a));
    CHECK_EQ(args_read(&s, "--trust-proxy loopback", &args, &p), 0);
    CHECK_EQ(s.trust_proxy.count, 5);
    for (u32 i = 0; i <= SETTINGS_CIDRS_MAX; i++)
        buf_addf(&many, "1.2.%u.%u,", i / 250, i % 250);
    CHECK_EQ(settings_set(&s, settings_row_find(STR("trust-proxy"), NULL), buf_str(&many),
                          &(struct settings_origin){ .source = SETTINGS_FLAG }, &p),
             -EINVAL);
    CHECK(strstr(p.text, "more than 256 ranges"));
    CHECK_EQ(s.trust_proxy.count, 5);
}

static void what_single_values_cannot_show_is_checked(void)
{
    AUTO(settings_done) struct settings s = { 0 };
    struct settings_args args;
    struct problem p = { 0 };

    CHECK_EQ(settings_init(&s), 0);
    CHECK_EQ(args_read(&s, "--admin 0.0.0.0:9484", &args, &p), 0);
    CHECK_EQ(settings_check(&s, &p), -EINVAL);
    CHECK(strstr(p.text, "--admin: other hosts could reach 0.0.0.0:9484 without a token"));
    CHECK_EQ(args_read(&s, "--admin-token 0123456789", &args, &p), 0);
    CHECK_EQ(settings_check(&s, &p), 0);
    CHECK_EQ(args_read(&s, "--max-line 32K", &args, &p), 0);
    CHECK_EQ(settings_check(&s, &p), -EINVAL);
    CHECK(strstr(p.text, "max-head"));
    CHECK_EQ(args_read(&s, "--max-head 64K", &args, &p), 0);
    CHECK_EQ(settings_check(&s, &p), 0);
}

static void a_misspelt_variable_is_seen(void)
{
    char *env[] = { (char *)"FETTLE_DIR=/x",
                    (char *)"FETTLE_WORKER=1",
                    (char *)"FETTLE_WORKERS=2",
                    (char *)"FETTLE_LICENSE_PATH=1",
                    NULL,
                    NULL };
    const struct settings_row *meant;
    struct str name;

    CHECK(!settings_env_misspelt(env, &name, &meant));
    env[4] = (char *)"FETTLE_MAX_MEMRY=5";
    CHECK(settings_env_misspelt(env, &name, &meant));
    CHECK_STR(name, "FETTLE_MAX_MEMRY");
    CHECK_STR(str_of(meant->name), "max-memory");
}

/* A value of each row that is not its default. */
static const char *other_value(const struct settings_row *row)
{
    switch (row->type) {
    case SETTINGS_BOOL:
        return strcmp(row->default_text, "on") == 0 ? "off" : "on";
    case SETTINGS_COUNT:
        if (row->least <= 7)
            return "7";
        return strcmp(row->name, "rate-limit-status") == 0 ? "503"
               : row->least < 200                          ? "56"
                                                           : "299";
    case SETTINGS_RANGE:
        return row->least > 7 ? "201-204" : "7-9";
    case SETTINGS_SIZE:
        return row->least > 777 || strcmp(row->name, "max-memory") == 0 ? "77M" : "777";
    case SETTINGS_DURATION:
        return "1234ms";
    case SETTINGS_TEXT:
        if (strcmp(row->name, "upstream-host") == 0 || strcmp(row->name, "zone") == 0)
            return "eu-1";
        if (strcmp(row->name, "health-check") == 0)
            return "/healthz?deep=1";
        if (strcmp(row->name, "redis") == 0)
            return "redis://:secret@cache.example.com";
        return row->check ? "header=X-User" : "some text, \"quoted\" = ä";
    case SETTINGS_LINES:
    case SETTINGS_PATH:
        return "/some/where else";
    case SETTINGS_LIST:
        if (strcmp(row->name, "upstream") == 0)
            return "http://10.0.0.2:3000 weight 2 zone eu-1,local";
        if (strcmp(row->name, "resolver") == 0)
            return "10.0.0.2,[fd00::2]:5353";
        return row->check ? "10/s burst 20,1000/1h by cookie=sid" : "one,two words,/three";
    case SETTINGS_ENUM:
        return strrchr(row->words, '|') + 1;
    case SETTINGS_ADDRESS:
        return "unix:/run/a b.sock";
    case SETTINGS_CIDRS:
        return "10.0.0.0/8,::1/128,unix,1.2.3.4";
    case SETTINGS_BALANCE:
        return "hash:header=X-User";
    case SETTINGS_PERCENT:
        return "12.5%";
    case SETTINGS_OUTCOMES:
        return "reset,timeout,5xx,429";
    }
    return NULL;
}

static void lists_add_up_and_a_stronger_source_begins_anew(void)
{
    AUTO(settings_done) struct settings s = { 0 };
    const struct settings_row *row = settings_row_find(STR("env-file"), NULL);
    struct settings_origin file = { .source = SETTINGS_FILE }, flag = { .source = SETTINGS_FLAG };
    struct problem p = { 0 };

    CHECK_EQ(settings_init(&s), 0);
    CHECK_EQ(settings_set(&s, row, STR("a, b"), &file, &p), 0);
    CHECK_EQ(settings_set(&s, row, STR("c"), &file, &p), 0);
    CHECK_STR(s.env_file, "a,b,c");
    CHECK_EQ(settings_set(&s, row, STR("d"), &flag, &p), 0);
    CHECK_EQ(settings_set(&s, row, STR("e"), &file, &p), 0);
    CHECK_STR(s.env_file, "d");
    CHECK_EQ(settings_set(&s, row, STR("a,,b"), &flag, &p), -EINVAL);
    CHECK(strstr(p.text, "empty entry"));
    CHECK_STR(s.env_file, "d");
    CHECK_EQ(settings_set(&s, row, STR("off"), &flag, &p), 0);
    CHECK_EQ(s.env_file.len, 0);
}

static void a_child_reads_back_what_was_written(void)
{
    AUTO(settings_done) struct settings s = { 0 };
    AUTO(settings_done) struct settings back = { 0 };
    AUTO(buf_done) struct buf args = { 0 };
    AUTO(buf_done) struct buf env = { 0 };
    char *argv[SETTINGS_ROWS_MAX + 1] = { (char *)"__proxy" }, *envp[5] = { 0 };
    struct settings_origin flag = { .source = SETTINGS_FLAG };
    struct settings_args out;
    struct problem p = { 0 };
    int argc = 1, n = 0;

    CHECK_EQ(settings_init(&s), 0);
    settings_write_args(&s, &args, &env);
    CHECK_EQ(args.len + env.len, 0);
    for (u32 i = 0; i < settings_row_count; i++) {
        const struct settings_row *row = &settings_rows[i];

        if (settings_set(&s, row, str_of(other_value(row)), &flag, &p)) {
            CHECK(!"the value is taken");
            printf("# %s\n", p.text);
        }
    }
    settings_write_args(&s, &args, &env);
    for (char *at = args.ptr; at < args.ptr + args.len; at += strlen(at) + 1) {
        CHECK(!strstr(at, "admin-token") && !strstr(at, "otlp-headers") && !strstr(at, "secret"));
        argv[argc++] = at;
    }
    for (char *at = env.ptr; at < env.ptr + env.len && n < 4; at += strlen(at) + 1)
        envp[n++] = at;
    CHECK_EQ(n, 3);
    CHECK_EQ(argc, settings_row_count - 2);
    CHECK_EQ(settings_init(&back), 0);
    CHECK_EQ(settings_read_args(&back, argc, argv, 1, &out, &p), 0);
    CHECK_EQ(settings_read_env(&back, envp, SETTINGS_SECRET, &p), 0);
    for (u32 i = 0; i < settings_row_count; i++) {
        if (!settings_same(&s, &back, &settings_rows[i])) {
            CHECK(!"the same in both");
            printf("# %s\n", settings_rows[i].name);
        }
    }
    CHECK_STR(back.admin.path, "/run/a b.sock");
    CHECK_STR(back.request.balance.key, "X-User");
    CHECK_EQ(back.trust_proxy.count, 4);
}

static void a_child_takes_only_secrets_from_the_environment(void)
{
    AUTO(settings_done) struct settings s = { 0 };
    char *env[] = { (char *)"FETTLE_WORKERS=9", (char *)"FETTLE_ADMIN_TOKEN=0123456789", NULL };
    struct problem p = { 0 };

    CHECK_EQ(settings_init(&s), 0);
    CHECK_EQ(settings_read_env(&s, env, SETTINGS_SECRET, &p), 0);
    CHECK_EQ(s.workers.most, 0);
    CHECK_STR(s.admin_token, "0123456789");
}

int main(void)
{
    TEST(the_defaults_are_what_the_table_says);
    TEST(every_row_is_complete_and_unlike_the_others);
    TEST(flags_are_read_in_all_their_forms);
    TEST(help_and_version_end_the_reading);
    TEST(a_mistake_says_what_would_be_right);
    TEST(a_secret_is_not_told_in_an_error);
    TEST(the_flag_wins_over_the_environment_in_any_order);
    TEST(a_file_comes_before_both_and_has_its_line);
    TEST(a_list_may_be_repeated);
    TEST(what_single_values_cannot_show_is_checked);
    TEST(a_misspelt_variable_is_seen);
    TEST(lists_add_up_and_a_stronger_source_begins_anew);
    TEST(a_child_reads_back_what_was_written);
    TEST(a_child_takes_only_secrets_from_the_environment);
    return tap_done();
}
