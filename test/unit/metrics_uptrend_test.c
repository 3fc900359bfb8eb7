#include "metrics/uptrend.h"
#include "tap.h"

static const u64 none[UPTREND_MAX];

static void the_slope_of_a_line_is_its_slope(void)
{
    u64 v[20];

    for (u32 i = 0; i < 20; i++)
        v[i] = 100 + 3 * i;
    CHECK(uptrend_slope(v, 20) == 3);
    v[4] = 100000; /* one that is wild moves nothing */
    CHECK(uptrend_slope(v, 20) == 3);
    CHECK(uptrend_slope(v, 1) == 0);
}

static void it_may_go_down(void)
{
    CHECK(uptrend_slope((u64[]){ 9, 7, 5 }, 3) == -2);
}

static void tau_is_the_direction(void)
{
    u32 pairs;

    CHECK(uptrend_tau((u64[]){ 1, 2, 3, 4 }, none, 4, &pairs) == 1);
    CHECK_EQ(pairs, 6);
    CHECK(uptrend_tau((u64[]){ 4, 3, 2, 1 }, none, 4, &pairs) == -1);
    CHECK(uptrend_tau((u64[]){ 4, 4, 4, 4 }, none, 4, &pairs) == 0);
    CHECK(uptrend_tau((u64[]){ 1, 2 }, none, 0, &pairs) == 0);
}

static void what_rises_with_the_load_is_not_compared(void)
{
    u32 pairs;

    CHECK(uptrend_tau((u64[]){ 10, 20, 30 }, (u64[]){ 1, 2, 3 }, 3, &pairs) == 0);
    CHECK_EQ(pairs, 0);
    CHECK(uptrend_tau((u64[]){ 10, 20, 15 }, (u64[]){ 5, 10, 5 }, 3, &pairs) == 0);
    CHECK_EQ(pairs, 2); /* 10 to 15 at the same load, 20 to 15 at less */
}

static void the_median_is_the_lower_of_two(void)
{
    CHECK_EQ(uptrend_median((u64[]){ 5, 1, 9 }, 3), 5);
    CHECK_EQ(uptrend_median((u64[]){ 5, 1, 9, 7 }, 4), 5);
}

int main(void)
{
    TEST(the_slope_of_a_line_is_its_slope);
    TEST(it_may_go_down);
    TEST(tau_is_the_direction);
    TEST(what_rises_with_the_load_is_not_compared);
    TEST(the_median_is_the_lower_of_two);
    return tap_done();
}
