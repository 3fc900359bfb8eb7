#include "profile/complexity.h"

#include "tap.h"

#include <math.h>

enum { SIZES = 5, SIMULATIONS = 2000 };

static bool near(double got, double want, double by)
{
    if (fabs(got - want) <= by)
        return true;
    printf("# %g, not %g\n", got, want);
    return false;
}

static double linear(double n)
{
    return n / 100;
}

static double n_log_n(double n)
{
    return n * log(n) / 1000;
}

static double square(double n)
{
    return n * n / 1e5;
}

static double cube(double n)
{
    return n * n * n / 1e8;
}

static double constant(double n)
{
    (void)n;
    return 12;
}

static struct complexity fit(double (*ms)(double), u32 n)
{
    struct complexity_point p[SIZES];

    for (u32 i = 0; i < n; i++) {
        double size = 1000 << i;

        p[i] = (struct complexity_point){ size, ms(size), (u64)(ms(size) * 10) };
    }
    return complexity_fit(p, n, 1000 << n);
}

static void powers_are_found_with_their_names_and_what_comes_next(void)
{
    CHECK(near(fit(linear, SIZES).exponent, 1, 1e-9));
    CHECK_EQ(fit(linear, SIZES).shape, COMPLEXITY_LINEAR);
    CHECK_EQ(fit(n_log_n, SIZES).shape, COMPLEXITY_N_LOG_N);
    CHECK(near(fit(square, SIZES).exponent, 2, 1e-9));
    CHECK_EQ(fit(square, SIZES).shape, COMPLEXITY_SQUARE);
    CHECK_EQ(fit(cube, SIZES).shape, COMPLEXITY_CUBE);
    CHECK_EQ(fit(constant, SIZES).shape, COMPLEXITY_CONSTANT);
    CHECK(near(fit(square, SIZES).next_ms, square(32000), 1e-6));
    CHECK(near(fit(cube, SIZES).robust, 3, 1e-9));
    CHECK_STR(str_of(complexity_name(COMPLEXITY_N_LOG_N)), "n log n");
}

static void the_interval_holds_the_exponent_and_leaves_others_out(void)
{
    struct complexity c = fit(square, 4);

    CHECK(c.low > 1.5 && c.low < 2 && c.high > 2 && c.high < 2.5);
    CHECK(fit(linear, 4).low < 1);
    CHECK(fit(square, 3).high - fit(square, 3).low > c.high - c.low);
}

static void two_sizes_have_no_interval_and_one_has_nothing(void)
{
    CHECK(isinf(fit(square, 2).low) && isinf(fit(square, 2).high));
    CHECK(near(fit(square, 2).exponent, 2, 1e-9));
    CHECK_EQ(fit(square, 1).points, 1);
    CHECK(fit(square, 1).exponent == 0 && fit(square, 1).next_ms == 0);
}

static void points_of_few_samples_are_left_out(void)
{
    struct complexity_point p[] = {
        { 1000, 900, 4 }, { 2000, 4, 40 }, { 4000, 16, 160 }, { 8000, 64, 640 }
    };
    struct complexity c = complexity_fit(p, 4, 16000);

    CHECK_EQ(c.points, 3);
    CHECK(near(c.exponent, 2, 1e-9));
    CHECK_EQ(complexity_fit(p, 2, 4000).points, 1);
}

/* One run that was disturbed moves the line, and not the median of slopes. */
static void one_point_that_is_off_is_said_by_theil_and_sen(void)
{
    struct complexity_point p[] = {
        { 1000, 10, 1000 }, { 2000, 20, 1000 },    { 4000, 40, 1000 },
        { 8000, 80, 1000 }, { 16000, 1600, 1000 },
    };
    struct complexity c = complexity_fit(p, 5, 32000);

    CHECK(near(c.robust, 1, 0.3));
    CHECK(c.exponent > 1.5);
}

static u64 state = 88172645463325252ull;

static double normal(void)
{
    double u[2];

    for (u32 i = 0; i < 2; i++) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        u[i] = ((double)(state >> 11) + 0.5) / 9007199254740992.0;
    }
    return sqrt(-2 * log(u[0])) * cos(2 * M_PI * u[1]);
}

/* Samples as chance has them, runs that scatter by 5 %. */
static void the_interval_holds_the_exponent_in_95_of_100(void)
{
    u32 held = 0, steep = 0;

    for (u32 k = 0; k < SIMULATIONS; k++) {
        struct complexity_point p[4];
        struct complexity c;

        for (u32 i = 0; i < 4; i++) {
            double size = 1000 << i, mean = size / 20;
            double count = mean * exp(0.05 * normal()) + sqrt(mean) * normal();

            p[i] = (struct complexity_point){ size, count, (u64)max(count, 0.0) };
        }
        c = complexity_fit(p, 4, 16000);
        held += c.low <= 1 && 1 <= c.high;
        steep += c.low > 1;
    }
    printf("# held in %u of %u, said to be steeper than linear in %u\n", held, SIMULATIONS, steep);
    CHECK(held >= SIMULATIONS * 93 / 100);
    CHECK(steep <= SIMULATIONS * 4 / 100);
}

int main(void)
{
    TEST(powers_are_found_with_their_names_and_what_comes_next);
    TEST(the_interval_holds_the_exponent_and_leaves_others_out);
    TEST(two_sizes_have_no_interval_and_one_has_nothing);
    TEST(points_of_few_samples_are_left_out);
    TEST(one_point_that_is_off_is_said_by_theil_and_sen);
    TEST(the_interval_holds_the_exponent_in_95_of_100);
    return tap_done();
}
