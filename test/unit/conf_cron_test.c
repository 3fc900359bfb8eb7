/* test/unit/conf_cron_test.c -- cron's patterns and the times that they name */
#include "conf/cron.h"

#include "base/buf.h"

#include "tap.h"

#include <time.h>

static void zone(const char *name)
{
    setenv("TZ", name, 1);
    tzset();
}

static i64 at(const char *text)
{
    struct tm t = { .tm_isdst = -1 };

    CHECK(strptime(text, "%Y-%m-%d %H:%M:%S", &t) != NULL);
    return (i64)mktime(&t);
}

/* The times that follow `from`, as "2026-11-26 04:30:00+0100, …". */
static struct str next(const char *pattern, const char *from, u32 count)
{
    static char shown[1024];
    AUTO(buf_done) struct buf out = { 0 };
    struct problem p = { 0 };
    struct cron c;
    i64 t = at(from);

    CHECK_EQ(cron_parse(&c, str_of(pattern), &p), 0);
    if (p.text[0])
        printf("# %s\n", p.text);
    for (u32 i = 0; i < count; i++) {
        char text[64];
        time_t s;

        t = cron_next(&c, t);
        s = (time_t)t;
        strftime(text, sizeof(text), "%F %T%z", localtime(&s));
        buf_addf(&out, "%s%s", i ? ", " : "", t < 0 ? "never" : text);
    }
    return str_make(shown, str_to_cstr(buf_str(&out), shown, sizeof(shown)));
}

static void a_time_of_each_day(void)
{
    zone("UTC");
    CHECK_STR(next("30 4 * * *", "2026-11-26 04:29:59", 2),
              "2026-11-26 04:30:00+0000, 2026-11-27 04:30:00+0000");
    CHECK_STR(next("@daily", "2026-12-31 00:00:00", 1), "2027-01-01 00:00:00+0000");
    CHECK_STR(next("@hourly", "2026-12-31 23:00:00", 1), "2027-01-01 00:00:00+0000");
}

static void six_fields_have_seconds(void)
{
    zone("UTC");
    CHECK_STR(next("*/20 59 23 * * *", "2026-11-26 23:59:30", 2),
              "2026-11-26 23:59:40+0000, 2026-11-27 23:59:00+0000");
    CHECK_STR(next("* * * * * *", "2026-11-26 23:59:59", 1), "2026-11-27 00:00:00+0000");
}

static void lists_ranges_steps_and_names(void)
{
    zone("UTC");
    CHECK_STR(next("0,30 9-17/4 * * mon-fri", "2026-11-27 17:30:00", 3),
              "2026-11-30 09:00:00+0000, 2026-11-30 09:30:00+0000, 2026-11-30 13:00:00+0000");
    CHECK_STR(next("10/25 0 1 JAN,jul ?", "2026-01-01 00:10:00", 3),
              "2026-01-01 00:35:00+0000, 2026-07-01 00:10:00+0000, 2026-07-01 00:35:00+0000");
    CHECK_STR(next("0 0 * * 7", "2026-11-26 00:00:00", 1), "2026-11-29 00:00:00+0000");
    CHECK_STR(next("0 0 * * sat-sun", "2026-11-28 00:00:00", 1), "2026-11-29 00:00:00+0000");
}

static void day_and_weekday_together_are_either(void)
{
    zone("UTC");
    CHECK_STR(next("0 0 13 * fri", "2026-11-01 00:00:00", 3),
              "2026-11-06 00:00:00+0000, 2026-11-13 00:00:00+0000, 2026-11-20 00:00:00+0000");
}

static void the_last_day_of_a_month(void)
{
    zone("UTC");
    CHECK_STR(next("0 0 L * *", "2028-01-31 00:00:00", 2),
              "2028-02-29 00:00:00+0000, 2028-03-31 00:00:00+0000");
    CHECK_STR(next("0 0 29 2 *", "2096-03-01 00:00:00", 1), "2104-02-29 00:00:00+0000");
}

static void what_never_comes_is_told(void)
{
    zone("UTC");
    CHECK_STR(next("0 0 30 2 *", "2026-01-01 00:00:00", 1), "never");
}

static void a_time_in_the_gap_is_due_at_its_end(void)
{
    zone("Europe/Berlin"); /* 02:00 becomes 03:00 */
    CHECK_STR(next("30 2 * * *", "2026-03-28 02:30:00", 2),
              "2026-03-29 03:00:00+0200, 2026-03-30 02:30:00+0200");
    CHECK_STR(next("15 2-3 * * *", "2026-03-28 04:00:00", 2),
              "2026-03-29 03:00:00+0200, 2026-03-29 03:15:00+0200");
    zone("America/Sao_Paulo"); /* midnight became 01:00 */
    CHECK_STR(next("@daily", "2017-10-14 12:00:00", 2),
              "2017-10-15 01:00:00-0200, 2017-10-16 00:00:00-0200");
    zone("Australia/Lord_Howe"); /* half an hour */
    CHECK_STR(next("15 2 * * *", "2026-10-03 12:00:00", 2),
              "2026-10-04 02:30:00+1100, 2026-10-05 02:15:00+1100");
}

static void a_time_that_comes_twice_is_due_once(void)
{
    zone("Europe/Berlin"); /* 03:00 becomes 02:00 */
    CHECK_STR(next("30 2 * * *", "2026-10-24 12:00:00", 2),
              "2026-10-25 02:30:00+0200, 2026-10-26 02:30:00+0100");
    CHECK_STR(next("0 3 * * *", "2026-10-24 12:00:00", 2),
              "2026-10-25 03:00:00+0100, 2026-10-26 03:00:00+0100");
    zone("Australia/Lord_Howe");
    CHECK_STR(next("45 1 * * *", "2026-04-04 12:00:00", 2),
              "2026-04-05 01:45:00+1100, 2026-04-06 01:45:00+1030");
}

static void every_hour_goes_on_through_both_changes(void)
{
    zone("Europe/Berlin");
    CHECK_STR(next("30 * * * *", "2026-10-25 01:00:00", 4),
              "2026-10-25 01:30:00+0200, 2026-10-25 02:30:00+0200, 2026-10-25 02:30:00+0100, "
              "2026-10-25 03:30:00+0100");
    CHECK_STR(next("*/30 * * * *", "2026-03-29 01:00:00", 3),
              "2026-03-29 01:30:00+0100, 2026-03-29 03:00:00+0200, 2026-03-29 03:30:00+0200");
}

static void a_skipped_time_of_another_day_is_not_due(void)
{
    zone("Europe/Berlin");
    CHECK_STR(next("30 2 * * mon", "2026-03-28 12:00:00", 1), "2026-03-30 02:30:00+0200");
}

/* The pattern is refused, and the message has `part` in it. */
static void refused(const char *pattern, const char *part)
{
    struct problem p = { 0 };
    struct cron c;

    CHECK_EQ(cron_parse(&c, str_of(pattern), &p), -EINVAL);
    if (!strstr(p.text, part))
        printf("# %s\n", p.text);
    CHECK(strstr(p.text, part) != NULL);
}

static void what_is_no_pattern_is_named(void)
{
    refused("", "write five fields");
    refused("* * * *", "write five fields");
    refused("* * * * * * *", "write five fields");
    refused("@never", "write five fields");
    refused("60 * * * *", "\"60\" is no minute; write * or a number from 0 to 59");
    refused("* 24 * * *", "\"24\" is no hour");
    refused("* * 0 * *", "\"0\" is no day of the month");
    refused("* * * 13 *", "is no month");
    refused("* * * * 8", "is no weekday");
    refused("* * * * frid", "\"frid\" is no weekday");
    refused("1,,2 * * * *", "\"\" is no minute");
    refused("9-5 * * * *", "ends before it begins");
    refused("*/0 * * * *", "the step of a minute");
    refused("*/61 * * * *", "the step of a minute");
    refused("-5 * * * *", "is no minute");
    refused("* * * * 5#2", "is no weekday");
}

int main(void)
{
    TEST(a_time_of_each_day);
    TEST(six_fields_have_seconds);
    TEST(lists_ranges_steps_and_names);
    TEST(day_and_weekday_together_are_either);
    TEST(the_last_day_of_a_month);
    TEST(what_never_comes_is_told);
    TEST(a_time_in_the_gap_is_due_at_its_end);
    TEST(a_time_that_comes_twice_is_due_once);
    TEST(every_hour_goes_on_through_both_changes);
    TEST(a_skipped_time_of_another_day_is_not_due);
    TEST(what_is_no_pattern_is_named);
    return tap_done();
}
