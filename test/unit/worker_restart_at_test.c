/* test/unit/worker_restart_at_test.c -- an app that is restarted by the clock of the wall */
#include "worker/restart_at.h"

#include "tap.h"

#define MIDNIGHT 1795651200ll /* 2026-11-26, UTC */

static struct cron hourly(void)
{
    struct problem p;
    struct cron c;

    setenv("TZ", "UTC", 1);
    CHECK_EQ(cron_parse(&c, STR("@hourly"), &p), 0);
    return c;
}

static void it_is_due_once_each_time(void)
{
    struct restart_at r = { 0 };
    struct cron c = hourly();
    u32 due = 0;

    for (i64 s = MIDNIGHT; s < MIDNIGHT + 3 * 3600; s++) {
        due += restart_at_due(&r, &c, s);
        due += restart_at_due(&r, &c, s);
    }
    CHECK_EQ(due, 2); /* not at the moment of the start */
}

static void a_clock_set_forward_is_due_once(void)
{
    struct restart_at r = { 0 };
    struct cron c = hourly();

    CHECK(!restart_at_due(&r, &c, MIDNIGHT + 10));
    CHECK(restart_at_due(&r, &c, MIDNIGHT + 86400 + 10));
    CHECK(!restart_at_due(&r, &c, MIDNIGHT + 86400 + 11));
    CHECK(restart_at_due(&r, &c, MIDNIGHT + 86400 + 3600));
}

static void a_clock_set_back_begins_anew(void)
{
    struct restart_at r = { 0 };
    struct cron c = hourly();

    CHECK(!restart_at_due(&r, &c, MIDNIGHT + 86400));
    CHECK(!restart_at_due(&r, &c, MIDNIGHT + 100));
    CHECK(restart_at_due(&r, &c, MIDNIGHT + 3600));
    /* A second back is no change of the clock, and nothing is due twice. */
    CHECK(!restart_at_due(&r, &c, MIDNIGHT + 3599));
    CHECK(!restart_at_due(&r, &c, MIDNIGHT + 3600));
}

static void what_never_comes_is_never_due(void)
{
    struct restart_at r = { 0 };
    struct problem p;
    struct cron c;

    CHECK_EQ(cron_parse(&c, STR("0 0 30 2 *"), &p), 0);
    CHECK(!restart_at_due(&r, &c, MIDNIGHT));
    CHECK(!restart_at_due(&r, &c, MIDNIGHT + 1000000000));
    CHECK_EQ(r.next_s, -1);
}

int main(void)
{
    TEST(it_is_due_once_each_time);
    TEST(a_clock_set_forward_is_due_once);
    TEST(a_clock_set_back_begins_anew);
    TEST(what_never_comes_is_never_due);
    return tap_done();
}
