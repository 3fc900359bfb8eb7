/* load_hdr_test -- quantiles beside those of the sorted values */
#include "tap.h"

#include "base/random.h"
#include "load/hdr.h"

#include <math.h>

enum { VALUES = 50000 };

static int by_size(const void *a, const void *b)
{
    u64 x = *(const u64 *)a, y = *(const u64 *)b;

    return x < y ? -1 : x > y;
}

/* Spread evenly over the logarithm from 1 ns to 1 h. */
static u64 some_value(struct random *r)
{
    return (u64)exp(random_unit(r) * log(3.6e12));
}

static void quantiles_are_at_most_a_thousandth_above_the_exact_ones(void)
{
    static const double qs[] = { 0.0, 0.001, 0.25, 0.5, 0.9, 0.99, 0.999, 0.9999, 1.0 };
    u64 *values = calloc(VALUES, sizeof(*values));
    struct random r = { 7 };
    struct hdr h;

    CHECK_EQ(hdr_init(&h), 0);
    for (u32 i = 0; i < VALUES; i++)
        hdr_add(&h, values[i] = some_value(&r));
    qsort(values, VALUES, sizeof(*values), by_size);
    for (u32 i = 0; i < ARRAY_LEN(qs); i++) {
        u64 rank = (u64)max(1.0, ceil(qs[i] * VALUES)), exact = values[rank - 1];
        u64 got = hdr_quantile(&h, qs[i]);

        CHECK(got >= exact);
        CHECK((double)(got - exact) <= (double)exact / HDR_PARTS);
    }
    CHECK_EQ(h.min_ns, values[0]);
    CHECK_EQ(h.max_ns, values[VALUES - 1]);
    CHECK_EQ(hdr_quantile(&h, 1), values[VALUES - 1]);
    hdr_done(&h);
    free(values);
}

static void every_value_has_a_counter_and_the_longest_are_clamped(void)
{
    struct hdr h;

    CHECK_EQ(hdr_init(&h), 0);
    for (u32 bit = 0; bit < 64; bit++) {
        hdr_add(&h, 1ull << bit);
        hdr_add(&h, (1ull << bit) - 1);
    }
    CHECK_EQ(h.total, 128);
    CHECK_EQ(h.max_ns, (1ull << HDR_BITS_MAX) - 1);
    CHECK_EQ(hdr_quantile(&h, 0), 0);
    hdr_done(&h);
}

static void nothing_counted_is_zero(void)
{
    struct hdr h;

    CHECK_EQ(hdr_init(&h), 0);
    CHECK_EQ(hdr_quantile(&h, 0.99), 0);
    CHECK(hdr_mean(&h) == 0 && hdr_stddev(&h) == 0);
    hdr_done(&h);
    hdr_done(&h);
}

static void mean_and_deviation_are_those_of_the_values(void)
{
    struct hdr h;

    CHECK_EQ(hdr_init(&h), 0);
    for (u32 i = 0; i < 1000; i++)
        hdr_add(&h, i % 2 ? 1000000 : 3000000);
    CHECK(fabs(hdr_mean(&h) - 2000000) < 1);
    CHECK(fabs(hdr_stddev(&h) - 1000000) < 1000);
    hdr_done(&h);
}

static void merging_is_counting_together(void)
{
    struct random r = { 3 };
    struct hdr a, b, both;

    CHECK_EQ(hdr_init(&a), 0);
    CHECK_EQ(hdr_init(&b), 0);
    CHECK_EQ(hdr_init(&both), 0);
    hdr_merge(&a, &b);
    CHECK_EQ(a.total, 0);
    for (u32 i = 0; i < 2000; i++) {
        u64 v = some_value(&r);

        hdr_add(i % 3 ? &a : &b, v);
        hdr_add(&both, v);
    }
    hdr_merge(&a, &b);
    CHECK(memcmp(a.counts, both.counts, HDR_COUNTERS * sizeof(*a.counts)) == 0);
    CHECK(a.total == both.total && a.min_ns == both.min_ns && a.max_ns == both.max_ns);
    hdr_done(&a);
    hdr_done(&b);
    hdr_done(&both);
}

static void the_text_form_rises_to_100_percent(void)
{
    AUTO(buf_done) struct buf text = { 0 };
    struct str rest, line;
    double last_value = 0, last_share = -1;
    u32 lines = 0;
    struct hdr h;

    CHECK_EQ(hdr_init(&h), 0);
    for (u32 i = 1; i <= 10000; i++)
        hdr_add(&h, i * 1000);
    hdr_text(&h, &text);
    buf_addc(&text, 0);
    for (rest = str_of(text.ptr); rest.ptr;) {
        double value, share;
        unsigned long long count;

        line = str_cut(rest, '\n', &rest);
        if (line.len == 0 || sscanf(line.ptr, "%lf %lf %llu", &value, &share, &count) != 3)
            continue;
        CHECK(value >= last_value && share >= last_share && count <= 10000);
        last_value = value;
        last_share = share;
        lines++;
    }
    CHECK(lines > 30 && lines < 200);
    CHECK(last_share == 1 && fabs(last_value - 10) < 1e-6);
    CHECK(strstr(text.ptr, "       Value     Percentile TotalCount 1/(1-Percentile)\n\n"));
    CHECK(strstr(text.ptr, "#[Max     =    10.000000, Total count    =        10000]\n"));
    hdr_done(&h);
}

int main(void)
{
    TEST(quantiles_are_at_most_a_thousandth_above_the_exact_ones);
    TEST(every_value_has_a_counter_and_the_longest_are_clamped);
    TEST(nothing_counted_is_zero);
    TEST(mean_and_deviation_are_those_of_the_values);
    TEST(merging_is_counting_together);
    TEST(the_text_form_rises_to_100_percent);
    return tap_done();
}
