/* test/unit/proxy_pressure_test.c -- who is closed when clients hold too much */
#include "proxy/pressure.h"

#include "tap.h"

#define MS NS_PER_MS

static void who_is_on_time_has_no_level(void)
{
    CHECK_EQ(shed_level(0), 0);
    CHECK_EQ(shed_level(99 * MS), 0);
    CHECK(shed_level(100 * MS) > 0);
}

static void levels_grow_with_the_time_and_end(void)
{
    u32 last = 0;

    for (u64 ms = 1; ms < 1ull << 40; ms += ms / 3 + 1) {
        u32 level = shed_level(ms * MS);

        CHECK(level >= last && level < SHED_LEVELS);
        last = level;
    }
    CHECK(shed_level(200 * MS) > shed_level(100 * MS));
    CHECK(shed_level(UINT64_MAX) < SHED_LEVELS);
}

static void the_latest_go_first_and_no_more_than_needed(void)
{
    struct shed s = { .held = { [0] = 1000, [20] = 100, [30] = 100, [40] = 100 } };
    u64 part;

    CHECK_EQ(shed_from(&s, 50, &part), 40);
    CHECK_EQ(part, 50);
    CHECK_EQ(shed_from(&s, 100, &part), 40);
    CHECK_EQ(part, 100);
    CHECK_EQ(shed_from(&s, 130, &part), 30);
    CHECK_EQ(part, 30);
}

static void who_is_on_time_never_goes(void)
{
    struct shed s = { .held = { [0] = 1000, [20] = 10 } };
    u64 part;

    CHECK_EQ(shed_from(&s, 500, &part), 20);
    CHECK_EQ(part, 10);
    s.held[20] = 0;
    CHECK_EQ(shed_from(&s, 500, &part), SHED_LEVELS);
    CHECK_EQ(part, 0);
}

static void a_drip_is_behind_however_often_it_drips(void)
{
    CHECK_EQ(shed_behind_ns(10, 10, 0), 0);
    CHECK_EQ(shed_behind_ns(NS_PER_S, 11 * NS_PER_S, 16384 * 11), 0); /* it keeps the pace */
    CHECK_EQ(shed_behind_ns(NS_PER_S, 11 * NS_PER_S, 16384), 9 * NS_PER_S);
    CHECK_EQ(shed_behind_ns(NS_PER_S, 61 * NS_PER_S, 0), 60 * NS_PER_S);
    CHECK_EQ(shed_behind_ns(0, NS_PER_S, UINT64_MAX), 0);
    CHECK_EQ(shed_behind_ns(5, 0, 0), 0); /* clocks of two threads */
}

int main(void)
{
    TEST(who_is_on_time_has_no_level);
    TEST(levels_grow_with_the_time_and_end);
    TEST(the_latest_go_first_and_no_more_than_needed);
    TEST(who_is_on_time_never_goes);
    TEST(a_drip_is_behind_however_often_it_drips);
    return tap_done();
}
