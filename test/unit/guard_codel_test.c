/* test/unit/guard_codel_test.c -- when a queue is too long, and when it pays to come again */
#include "guard/codel.h"

#include "base/clock.h"
#include "guard/priority.h"

#include "tap.h"

#define START (1000 * NS_PER_S)
static const struct codel_rules rules = { .target_ns = 100 * NS_PER_MS,
                                          .interval_ns = NS_PER_S,
                                          .few = 16 };

static void a_burst_that_drains_is_no_overload(void)
{
    struct codel c = { 0 };

    for (u32 i = 0; i < 100; i++) /* the wait grows, and falls before an interval is over */
        codel_look(&c, &rules, 100 - i, min(i, 99 - i) * 20 * NS_PER_MS / 2,
                   START + i * 10 * NS_PER_MS);
    CHECK_EQ(c.overloaded_ns, 0);
}

static void loops_that_block_for_a_moment_are_no_overload(void)
{
    struct codel c = { 0 };

    codel_look(&c, &rules, 50, 0, START);
    for (u32 i = 0; i < 50; i++) /* after five seconds of nothing, all of it within half a second */
        codel_look(&c, &rules, 50, 5 * NS_PER_S, START + 5 * NS_PER_S + i * 10 * NS_PER_MS);
    CHECK_EQ(c.overloaded_ns, 0);
    CHECK(!codel_sheds(&c, rules.target_ns, 5 * NS_PER_S));
}

static void a_wait_above_the_target_for_an_interval_is_one(void)
{
    struct codel c = { 0 };

    for (u32 i = 0; i <= 100; i++)
        codel_look(&c, &rules, 30, 101 * NS_PER_MS, START + i * 10 * NS_PER_MS);
    CHECK_EQ(c.overloaded_ns, START + NS_PER_S);
    CHECK(codel_sheds(&c, rules.target_ns, 101 * NS_PER_MS));
    CHECK(!codel_sheds(&c, rules.target_ns, 100 * NS_PER_MS));
    CHECK(!codel_sheds(&c, 0, 101 * NS_PER_MS)); /* for whom it is off */
}

static void it_is_over_when_half_of_the_few_wait(void)
{
    struct codel c = { .above_ns = START, .overloaded_ns = START };

    codel_look(&c, &rules, 8, 0, START);
    CHECK(c.overloaded_ns != 0);
    codel_look(&c, &rules, 7, NS_PER_S, START);
    CHECK_EQ(c.overloaded_ns, 0);
}

static void a_few_may_wait_for_as_long_as_they_like(void)
{
    struct codel c = { 0 };

    for (u32 i = 0; i < 100; i++)
        codel_look(&c, &rules, 15, 9 * NS_PER_S, START + i * NS_PER_S);
    CHECK_EQ(c.overloaded_ns, 0);
    CHECK_EQ(codel_few(1), 16);
    CHECK_EQ(codel_few(8), 64);
}

static void one_short_wait_within_the_interval_begins_it_anew(void)
{
    struct codel c = { 0 };

    for (u32 i = 0; i < 300; i++)
        codel_look(&c, &rules, 30, i % 90 ? NS_PER_S : 50 * NS_PER_MS, START + i * 10 * NS_PER_MS);
    CHECK_EQ(c.overloaded_ns, 0);
}

static void the_time_to_come_again_is_when_those_who_wait_are_served(void)
{
    struct codel_drain d = { 0 };

    CHECK_EQ(codel_retry_after_s(0, 1000, 0), 1); /* nothing is known */
    for (u32 i = 0; i < 200; i++)
        codel_drained(&d, START + i * 10 * NS_PER_MS);
    CHECK_EQ(d.gap_ns, 10 * NS_PER_MS);
    CHECK_EQ(codel_retry_after_s(d.gap_ns, 50, 0), 1);
    CHECK_EQ(codel_retry_after_s(d.gap_ns, 450, 0), 5);
    CHECK_EQ(codel_retry_after_s(d.gap_ns, 450, 3), 8); /* not all at once */
    CHECK_EQ(codel_retry_after_s(d.gap_ns, 450, 6), 5);
    CHECK_EQ(codel_retry_after_s(d.gap_ns, UINT32_MAX, 7), CODEL_RETRY_MOST_S);
    CHECK_EQ(codel_retry_after_s(UINT64_MAX, UINT32_MAX, 7), CODEL_RETRY_MOST_S);
    d.last_ns = 0; /* nobody waited: what comes between is no pause */
    codel_drained(&d, START + 500 * NS_PER_S);
    CHECK_EQ(d.gap_ns, 10 * NS_PER_MS);
}

static void health_checks_are_known_by_their_names(void)
{
    static const char *const are[] = {
        "/health", "/healthz", "/HEALTHZ?full=1", "/health/live",     "/health/ready/", "/livez",
        "/readyz", "/ping",    "/api/health",     "/actuator/health", "/_health",       "/-/ready",
        "/up"
    };
    static const char *const are_not[] = { "",
                                           "/",
                                           "/healthy-food",
                                           "/live/channel-7",
                                           "/pingpong",
                                           "*",
                                           "/api/ping-pong",
                                           "/health/insurance",
                                           "/users/health",
                                           "/api",
                                           "/api/",
                                           "http://x/health" };

    for (u32 i = 0; i < ARRAY_LEN(are); i++)
        CHECK(priority_is_health_check(str_of(are[i])));
    for (u32 i = 0; i < ARRAY_LEN(are_not); i++)
        CHECK(!priority_is_health_check(str_of(are_not[i])));
}

static void only_so_many_health_checks_a_second_come_first(void)
{
    struct priority_checks c = { 0 };

    for (u32 s = 0; s < 3; s++)
        for (u32 i = 0; i < 100; i++)
            CHECK_EQ(priority_check_take(&c, START + s * NS_PER_S + i),
                     i < PRIORITY_CHECKS_A_SECOND);
}

int main(void)
{
    TEST(a_burst_that_drains_is_no_overload);
    TEST(loops_that_block_for_a_moment_are_no_overload);
    TEST(a_wait_above_the_target_for_an_interval_is_one);
    TEST(it_is_over_when_half_of_the_few_wait);
    TEST(a_few_may_wait_for_as_long_as_they_like);
    TEST(one_short_wait_within_the_interval_begins_it_anew);
    TEST(the_time_to_come_again_is_when_those_who_wait_are_served);
    TEST(health_checks_are_known_by_their_names);
    TEST(only_so_many_health_checks_a_second_come_first);
    return tap_done();
}
