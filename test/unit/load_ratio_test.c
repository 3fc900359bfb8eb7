/* load_ratio_test -- the interval beside values from a table, and its coverage */
#include "tap.h"

#include "base/random.h"
#include "load/ratio.h"

#include <math.h>

static bool near(double got, double want, double by)
{
    if (fabs(got - want) <= by)
        return true;
    printf("# %f is not within %f of %f\n", got, by, want);
    return false;
}

static void students_t_is_that_of_the_tables(void)
{
    CHECK(near(ratio_t975(1), 12.706, 0.001));
    CHECK(near(ratio_t975(4), 2.776, 0.001));
    CHECK(near(ratio_t975(20), 2.086, 0.001));
    CHECK(near(ratio_t975(21), 2.080, 0.001));
    CHECK(near(ratio_t975(30), 2.042, 0.001));
    CHECK(near(ratio_t975(120), 1.980, 0.001));
    CHECK(near(ratio_t975(100000), 1.960, 0.001));
}

static void a_ratio_is_the_geometric_mean_of_the_rounds(void)
{
    const double a[] = { 1, 1, 1 }, b[] = { 1, 2, 4 };
    struct ratio r = ratio_of(a, b, 3);

    CHECK(r.has_value && r.has_interval);
    CHECK(near(r.value, 2, 1e-9));
    /* ln 2 times 4.3027 / sqrt(3), around ln 2 */
    CHECK(near(log(r.high), log(2) * (1 + 4.3027 / sqrt(3)), 1e-3));
    CHECK(near(log(r.low), log(2) * (1 - 4.3027 / sqrt(3)), 1e-3));
}

static void rounds_that_say_nothing_are_left_out(void)
{
    const double a[] = { 0, 2, 1 }, b[] = { 3, 4, 0 };
    struct ratio r = ratio_of(a, b, 3);

    CHECK(r.has_value && !r.has_interval && near(r.value, 2, 1e-9));
    CHECK(!ratio_of(a, b, 1).has_value);
    CHECK(!ratio_of(NULL, NULL, 0).has_value);
}

static double normal(struct random *r)
{
    return sqrt(-2 * log(1 - random_unit(r))) * cos(6.283185307 * random_unit(r));
}

static void nineteen_of_twenty_intervals_hold_the_truth(void)
{
    struct random r = { 11 };
    u32 held = 0;
    enum { TRIALS = 4000, ROUNDS = 5 };

    for (u32 i = 0; i < TRIALS; i++) {
        double a[ROUNDS], b[ROUNDS];
        struct ratio x;

        for (u32 k = 0; k < ROUNDS; k++) {
            a[k] = 100 * exp(0.1 * normal(&r));
            b[k] = 150 * exp(0.1 * normal(&r));
        }
        x = ratio_of(a, b, ROUNDS);
        held += x.low <= 1.5 && 1.5 <= x.high;
    }
    CHECK(near((double)held / TRIALS, 0.95, 0.015));
}

int main(void)
{
    TEST(students_t_is_that_of_the_tables);
    TEST(a_ratio_is_the_geometric_mean_of_the_rounds);
    TEST(rounds_that_say_nothing_are_left_out);
    TEST(nineteen_of_twenty_intervals_hold_the_truth);
    return tap_done();
}
