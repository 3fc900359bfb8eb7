#include "metrics/histogram.h"
#include "tap.h"

static const u64 le[] = { 10, 20, 30, 40 };

static void each_family_picks_its_own_bounds(void)
{
    const u64 counts[] = { 1, 2, 4, 8, 16 };
    const u64 want[] = { 20, 40 };
    u64 out[3];

    histogram_cumulate(counts, le, 4, want, 2, out);
    CHECK_EQ(out[0], 3);
    CHECK_EQ(out[1], 15);
    CHECK_EQ(out[2], 31);
}

static void a_bound_that_is_not_there_counts_what_is_surely_below(void)
{
    const u64 counts[] = { 1, 2, 4, 8, 16 };
    const u64 want[] = { 25 };
    u64 out[2];

    histogram_cumulate(counts, le, 4, want, 1, out);
    CHECK_EQ(out[0], 3);
    CHECK_EQ(out[1], 31);
}

static void without_bounds_it_is_the_sum(void)
{
    const u64 counts[] = { 1, 2, 4, 8, 16 };
    u64 out;

    histogram_cumulate(counts, le, 4, NULL, 0, &out);
    CHECK_EQ(out, 31);
}

static void garbage_saturates_and_stays_cumulative(void)
{
    const u64 counts[] = { UINT64_MAX, 2, UINT64_MAX, 8, 16 };
    u64 out[5];

    histogram_cumulate(counts, le, 4, le, 4, out);
    for (int i = 0; i < 5; i++)
        CHECK(out[i] == UINT64_MAX);
}

static void a_quantile_lies_in_its_bucket(void)
{
    const u64 counts[] = { 0, 100, 0, 0, 0 };

    CHECK_EQ(histogram_quantile(counts, le, 4, 500), 15);
    CHECK_EQ(histogram_quantile(counts, le, 4, 1000), 20);
    CHECK(histogram_quantile(counts, le, 4, 10) >= 10);
}

static void what_is_above_all_bounds_reads_as_the_largest(void)
{
    const u64 counts[] = { 1, 0, 0, 0, 99 };

    CHECK_EQ(histogram_quantile(counts, le, 4, 990), 40);
}

static void nothing_counted_is_zero(void)
{
    const u64 counts[5] = { 0 };

    CHECK_EQ(histogram_quantile(counts, le, 4, 990), 0);
}

static void quantiles_rise(void)
{
    const u64 counts[] = { 7, 0, 13, 5, 3 };
    u64 last = 0;

    for (u32 permille = 0; permille <= 1000; permille++) {
        u64 q = histogram_quantile(counts, le, 4, permille);

        CHECK(q >= last && q <= 40);
        last = q;
    }
}

int main(void)
{
    TEST(each_family_picks_its_own_bounds);
    TEST(a_bound_that_is_not_there_counts_what_is_surely_below);
    TEST(without_bounds_it_is_the_sum);
    TEST(garbage_saturates_and_stays_cumulative);
    TEST(a_quantile_lies_in_its_bucket);
    TEST(what_is_above_all_bounds_reads_as_the_largest);
    TEST(nothing_counted_is_zero);
    TEST(quantiles_rise);
    return tap_done();
}
