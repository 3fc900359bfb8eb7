/* test/unit/logs_logline_test.c */
#include "logs/logline.h"

#include "tap.h"

static struct logline of(const char *line)
{
    struct logline l;

    logline_parse(&l, str_of(line));
    return l;
}

static void a_workers_line_tells_who_wrote_it(void)
{
    struct logline l = of("2026-11-26T04:02:26.123Z shop/12 | some | text");

    CHECK_EQ(l.kind, LOGLINE_WORKER);
    CHECK_EQ(l.at_ms, 1795665746123);
    CHECK_STR(l.app, "shop");
    CHECK_EQ(l.worker, 12);
    CHECK(!l.is_error);
    CHECK_STR(l.text, "some | text");
    l = of("2026-11-26T04:02:26.123Z a/b/3 ! ");
    CHECK_STR(l.app, "a/b");
    CHECK(l.is_error);
    CHECK_STR(l.text, "");
}

static void json_lines_do_so_too(void)
{
    struct logline l = of("{\"time\":\"2026-11-26T04:02:26.123Z\",\"app\":\"shop\",\"worker\":2,"
                          "\"pid\":77,\"stream\":\"stderr\",\"text\":\"x\"}");

    CHECK_EQ(l.kind, LOGLINE_WORKER);
    CHECK(l.is_json && l.is_error);
    CHECK_EQ(l.worker, 2);
    CHECK_STR(l.text, "\"text\":\"x\"}");
    l = of("{\"time\":\"2026-11-26T04:02:26.123Z\",\"level\":\"warn\",\"source\":\"fettle\","
           "\"text\":\"x\"}");
    CHECK_EQ(l.kind, LOGLINE_FETTLE);
    CHECK(l.is_error);
    l = of("{\"time\":\"2026-11-26T04:02:26.123Z\",\"source\":\"access\",\"client\":\"::1\"}");
    CHECK_EQ(l.kind, LOGLINE_ACCESS);
}

static void fettles_own_and_requests_are_told_apart(void)
{
    CHECK_EQ(of("2026-11-26T04:02:26.123Z fettle: warning: x").kind, LOGLINE_FETTLE);
    CHECK(of("2026-11-26T04:02:26.123Z fettle: warning: x").is_error);
    CHECK(!of("2026-11-26T04:02:26.123Z fettle: x").is_error);
    CHECK_EQ(of("2026-11-26T04:02:26.123Z ::1 \"GET / HTTP/1.1\" 200").kind, LOGLINE_ACCESS);
}

static void anything_else_is_a_line_as_it_is(void)
{
    static const char *const lines[] = {
        "",
        "hello",
        "{",
        "{\"time\":\"now\"}",
        "{\"time\":\"2026-11-26T04:02:26.123Z",
        "2026-11-26T04:02:26.123Zshop/1 | x",
        "2026-13-26T04:02:26.123Z shop/1 | x",
    };

    for (u32 i = 0; i < ARRAY_LEN(lines); i++) {
        CHECK_EQ(of(lines[i]).kind, LOGLINE_OTHER);
        CHECK_STR(of(lines[i]).text, lines[i]);
        CHECK_EQ(of(lines[i]).time.len, 0);
    }
    CHECK_EQ(of("2026-11-26T04:02:26.123Z shop/x | y").kind, LOGLINE_OTHER);
    CHECK_STR(of("2026-11-26T04:02:26.123Z shop/x | y").text, "shop/x | y");
}

static void times_are_read(void)
{
    u64 ms = 0;

    CHECK(logline_time(STR("2026-11-26"), &ms));
    CHECK_EQ(ms, 1795651200000);
    CHECK(logline_time(STR("2026-11-26T04:02:26Z"), &ms));
    CHECK_EQ(ms, 1795665746000);
    CHECK(logline_time(STR("2026-11-26 05:02:26.5 "), &ms) == false);
    CHECK(logline_time(STR("2026-11-26T05:02:26+01:00"), &ms));
    CHECK_EQ(ms, 1795665746000);
    CHECK(logline_time(STR("2026-11-25T23:02:26.007-0500"), &ms));
    CHECK_EQ(ms, 1795665746007);
    CHECK(!logline_time(STR("10m"), &ms));
    CHECK(!logline_time(STR("2026-11-26T"), &ms));
    CHECK(!logline_time(STR("2026-11-26T04:02:26"), &ms));
    CHECK(!logline_time(STR(""), &ms));
}

int main(void)
{
    TEST(a_workers_line_tells_who_wrote_it);
    TEST(json_lines_do_so_too);
    TEST(fettles_own_and_requests_are_told_apart);
    TEST(anything_else_is_a_line_as_it_is);
    TEST(times_are_read);
    return tap_done();
}
