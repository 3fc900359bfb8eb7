/* test/unit/upstream_peak_ewma_test.c -- quick to worry, slow to forget */
#include "upstream/peak_ewma.h"

#include "tap.h"

#define START (1000 * NS_PER_S)
#define MS NS_PER_MS

struct observed {
    _Atomic u64 ns, at_ns;
};

static void observe(struct observed *e, u64 sample_ns, u64 now_ns)
{
    peak_ewma_observe(&e->ns, &e->at_ns, sample_ns, now_ns);
}

static bool near(u64 got, u64 want)
{
    return got >= want - want / 50 && got <= want + want / 50;
}

static void the_first_sample_is_the_average(void)
{
    struct observed e = { 0 };

    observe(&e, 5 * MS, START);
    CHECK_EQ(e.ns, 5 * MS);
    CHECK_EQ(e.at_ns, START);
}

static void a_peak_counts_at_once(void)
{
    struct observed e = { 0 };

    observe(&e, 5 * MS, START);
    observe(&e, 100 * MS, START + MS);
    CHECK_EQ(e.ns, 100 * MS);
}

static void it_takes_ten_seconds_of_better_ones_until_a_third_of_a_peak_is_left(void)
{
    struct observed e = { 0 };

    observe(&e, 101 * MS, START);
    for (u32 i = 1; i <= 1000; i++)
        observe(&e, 1 * MS, START + i * 10 * MS);
    CHECK(near(e.ns, 1 * MS + (u64)(100 * MS / 2.71828)));
}

/* However often it is observed: the average is one over time. */
static void many_observations_of_one_moment_count_as_one(void)
{
    struct observed often = { 0 }, seldom = { 0 };

    observe(&often, 100 * MS, START);
    observe(&seldom, 100 * MS, START);
    for (u32 i = 1; i <= 100; i++)
        for (u32 j = 0; j < 50; j++)
            observe(&often, 1 * MS, START + i * 10 * MS);
    observe(&seldom, 1 * MS, START + 1000 * MS);
    CHECK(near(often.ns, seldom.ns));
}

static void what_is_not_observed_is_forgotten(void)
{
    CHECK_EQ(peak_ewma_at(100 * MS, START, 1 * MS, START), 100 * MS);
    CHECK(near(peak_ewma_at(101 * MS, START, 1 * MS, START + PEAK_EWMA_TAU_NS),
               1 * MS + (u64)(100 * MS / 2.71828)));
    CHECK(near(peak_ewma_at(100 * MS, START, 1 * MS, START + 20 * PEAK_EWMA_TAU_NS), 1 * MS));
    CHECK_EQ(peak_ewma_at(0, 0, 7 * MS, START), 7 * MS);
}

static void times_that_go_back_do_no_harm(void)
{
    struct observed e = { 0 };

    observe(&e, 5 * MS, START);
    observe(&e, 1 * MS, START - NS_PER_S);
    CHECK_EQ(e.ns, 5 * MS);
    CHECK_EQ(e.at_ns, START);
    observe(&e, 0, START + 1000 * NS_PER_S);
    CHECK_EQ(e.ns, 1); /* never nothing */
    CHECK_EQ(peak_ewma_at(9 * MS, START, 1 * MS, 0), 9 * MS);
}

int main(void)
{
    TEST(the_first_sample_is_the_average);
    TEST(a_peak_counts_at_once);
    TEST(it_takes_ten_seconds_of_better_ones_until_a_third_of_a_peak_is_left);
    TEST(many_observations_of_one_moment_count_as_one);
    TEST(what_is_not_observed_is_forgotten);
    TEST(times_that_go_back_do_no_harm);
    return tap_done();
}
