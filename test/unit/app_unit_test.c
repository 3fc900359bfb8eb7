/* test/unit/app_unit_test.c -- the text of systemd units */
#include "app/unit.h"

#include "base/clock.h"
#include "tap.h"

static void quote_check(const char *word, const char *want)
{
    AUTO(buf_done) struct buf out = { 0 };

    unit_quote(str_of(word), &out);
    CHECK_STR(buf_str(&out), want);
}

static void a_word_means_itself_to_systemd(void)
{
    quote_check("--drain=20s", "--drain=20s");
    quote_check("", "\"\"");
    quote_check("a b", "\"a b\"");
    quote_check("50%", "\"50%%\"");
    quote_check("$HOME", "\"$$HOME\"");
    quote_check("a\"b\\c", "\"a\\\"b\\\\c\"");
    quote_check("it's", "\"it's\"");
    quote_check(";", "\"\\x3b\"");
    quote_check("a;b", "\"a;b\"");
    quote_check("a\nExecStart=/bin/sh", "\"a\\x0aExecStart=/bin/sh\"");
    quote_check("ä", "ä");
}

static void name_check(const char *name, const char *want)
{
    AUTO(buf_done) struct buf out = { 0 };

    unit_name(str_of(name), &out);
    CHECK_STR(buf_str(&out), want);
}

static void a_name_has_no_slash_and_no_blank(void)
{
    name_check("shop", "shop");
    name_check("@scope/app", "scope-app");
    name_check("../../etc/x", "etc-x");
    name_check("my  app", "my-app");
    name_check("-x", "x");
    name_check("", "app");
    name_check("äö", "app");
}

static bool has(const struct buf *out, const char *line)
{
    return memmem(out->ptr, out->len, line, strlen(line)) != NULL;
}

static struct unit_conf unit(void)
{
    struct unit_conf u = {
        .name = STR("shop"),
        .about = STR("100% shop"),
        .folder = STR("/srv/a b%"),
        .search = STR("/opt/n%/bin:/bin"),
        .env_file = STR("/etc/fettle/shop.env"),
        .is_system = true,
        .stop_ns = 15 * NS_PER_S + 1,
        .files = 65536,
    };

    strings_add(&u.argv, STR("/usr/bin/fettle"));
    strings_add(&u.argv, STR("run"));
    return u;
}

static void a_system_unit_is_closed_and_a_users_is_not(void)
{
    struct unit_conf u = unit();
    AUTO(buf_done) struct buf out = { 0 };

    unit_service_write(&u, &out);
    CHECK(unit_is_ours(buf_str(&out)));
    CHECK(has(&out, "\nDescription=100%% shop\n"));
    CHECK(has(&out, "\nWorkingDirectory=/srv/a b%%\n"));
    CHECK(has(&out, "\nEnvironment=\"PATH=/opt/n%%/bin:/bin\"\n"));
    CHECK(has(&out, "\nTimeoutStopSec=16\n"));
    CHECK(has(&out, "\nTimeoutStartSec=infinity\n"));
    CHECK(has(&out, "\nProtectSystem=full\n") && has(&out, "\nPrivateTmp=yes\n"));
    CHECK(!has(&out, "User=") && !has(&out, "RuntimeDirectory") && !has(&out, "ReadWritePaths"));
    CHECK(!has(&out, "MemoryDenyWriteExecute"));
    buf_clear(&out);
    u.is_system = false;
    unit_service_write(&u, &out);
    CHECK(!has(&out, "ProtectSystem") && !has(&out, "PrivateTmp"));
    CHECK(has(&out, "\nNoNewPrivileges=yes\n") && has(&out, "\nWantedBy=default.target\n"));
    strings_done(&u.argv);
}

static void what_the_app_needs_stays_open(void)
{
    struct unit_conf u = unit();
    AUTO(buf_done) struct buf out = { 0 };

    u.shared_tmp = u.writes_system = u.own_runtime_dir = true;
    u.user = STR("shop");
    strings_add(&u.socket, STR("80"));
    strings_add(&u.socket, STR("/run/x%.sock"));
    unit_service_write(&u, &out);
    CHECK(!has(&out, "PrivateTmp"));
    CHECK(has(&out, "\nReadWritePaths=\"/srv/a b%%\"\n"));
    CHECK(has(&out, "\nUser=shop\n") && has(&out, "\nRuntimeDirectory=fettle-shop\n"));
    CHECK(has(&out, "\nRequires=shop.socket\nAfter=shop.socket\n"));
    buf_clear(&out);
    unit_socket_write(&u, &out);
    CHECK(unit_is_ours(buf_str(&out)));
    CHECK(has(&out, "\nListenStream=80\nListenStream=/run/x%%.sock\n"));
    strings_done(&u.argv);
    strings_done(&u.socket);
}

static void others_units_are_not_ours(void)
{
    CHECK(!unit_is_ours(STR("")));
    CHECK(!unit_is_ours(STR("[Unit]\n" UNIT_MARK "\n")));
    CHECK(!unit_is_ours(STR(UNIT_MARK)));
}

int main(void)
{
    TEST(a_word_means_itself_to_systemd);
    TEST(a_name_has_no_slash_and_no_blank);
    TEST(a_system_unit_is_closed_and_a_users_is_not);
    TEST(what_the_app_needs_stays_open);
    TEST(others_units_are_not_ours);
    return tap_done();
}
