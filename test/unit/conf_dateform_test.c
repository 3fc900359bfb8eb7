/* test/unit/conf_dateform_test.c -- times in a form that people choose */
#include "conf/dateform.h"

#include "tap.h"

#include <time.h>

/* 2026-03-08T09:05:07.042Z, a Sunday, 10:05:07 in Berlin. */
#define AT_MS 1772960707042ull

static void zone_set(const char *name)
{
    setenv("TZ", name, 1);
    tzset();
}

static void reads_as(const char *form, const char *want)
{
    AUTO(buf_done) struct buf out = { 0 };

    dateform_add(&out, str_of(form), AT_MS);
    CHECK_STR(buf_str(&out), want);
}

static void the_forms_of_pm2_s_pages_are_what_dayjs_makes_of_them(void)
{
    zone_set("Europe/Berlin");
    reads_as("YYYY-MM-DD HH:mm Z", "2026-03-08 10:05 +01:00");
    reads_as("YYYY-MM-DDTHH:mm:ss", "2026-03-08T10:05:07");
    reads_as("DD-MM-YYYY HH:mm:ss.SSS", "08-03-2026 10:05:07.042");
    reads_as("YY M D H h m s", "26 3 8 10 10 5 7");
    reads_as("dddd ddd dd d MMMM MMM", "Sunday Sun Su 0 March Mar");
    reads_as("hh:mm A a ZZ", "10:05 AM am +0100");
    reads_as("X x", "1772960707 1772960707042");
    reads_as("[at] HH [o'clock]", "at 10 o'clock");
    reads_as("[open", "[open");
    reads_as("", "");
}

static void midnight_and_noon_are_twelve(void)
{
    AUTO(buf_done) struct buf out = { 0 };

    zone_set("UTC");
    dateform_add(&out, STR("h A"), 0);
    dateform_add(&out, STR(" h A"), 12 * 3600000);
    CHECK_STR(buf_str(&out), "12 AM 12 PM");
}

static void what_was_written_is_read_again(void)
{
    static const struct {
        const char *form;
        u64 ms;
    } cases[] = {
        { "YYYY-MM-DDTHH:mm:ss.SSSZ", AT_MS },
        { "YYYY-MM-DD HH:mm:ss Z", AT_MS / 1000 * 1000 },
        { "YYYY/MM/DD HH:mm:ss,SSS ZZ", AT_MS },
        { "YYYY-MM-DD HH:mm", AT_MS / 60000 * 60000 },
        { "YYYY-MM-DD HH:mm:ss", AT_MS / 1000 * 1000 },
    };
    static const char *const zones[] = { "UTC", "Europe/Berlin", "America/St_Johns" };

    for (u32 z = 0; z < ARRAY_LEN(zones); z++) {
        for (u32 i = 0; i < ARRAY_LEN(cases); i++) {
            AUTO(buf_done) struct buf out = { 0 };
            size_t len;
            u64 ms = 0;

            zone_set(zones[z]);
            dateform_add(&out, str_of(cases[i].form), AT_MS);
            len = out.len;
            buf_add(&out, STR(" shop/1 | line"));
            CHECK_EQ(dateform_read(buf_str(&out), &ms), len);
            CHECK_EQ(ms, cases[i].ms);
        }
    }
}

static void what_is_no_time_is_none(void)
{
    static const char *const wrong[] = {
        "",       "2026-03-08",     "2026-13-08 10:00", "26-03-08 10:00", "2026-03-08 25:00",
        "line 5", "2026-03-0810:00"
    };
    u64 ms = 0;

    for (u32 i = 0; i < ARRAY_LEN(wrong); i++)
        CHECK_EQ(dateform_read(str_of(wrong[i]), &ms), 0);
}

int main(void)
{
    TEST(the_forms_of_pm2_s_pages_are_what_dayjs_makes_of_them);
    TEST(midnight_and_noon_are_twelve);
    TEST(what_was_written_is_read_again);
    TEST(what_is_no_time_is_none);
    return tap_done();
}
