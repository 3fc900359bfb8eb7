#include "profile/significance.h"

#include "tap.h"

#include <math.h>

enum { FUNCTIONS = 100, SIMULATIONS = 400, RUNS = 5 };

static bool near(double got, double want, double by)
{
    if (fabs(got - want) <= by)
        return true;
    printf("# %g, not %g\n", got, want);
    return false;
}

/* From tables. */
static void tails_are_those_of_student_and_of_the_normal_distribution(void)
{
    CHECK(near(significance_tail(1.959964, INFINITY), 0.05, 1e-6));
    CHECK(near(significance_tail(12.7062, 1), 0.05, 1e-6));
    CHECK(near(significance_tail(4.302653, 2), 0.05, 1e-6));
    CHECK(near(significance_tail(2.228139, 10), 0.05, 1e-6));
    CHECK(near(significance_tail(-4.586894, 10), 0.001, 1e-6));
    CHECK(near(significance_tail(0, 7), 1, 1e-12));
    CHECK(near(significance_quantile(0.05, 10), 2.228139, 1e-5));
    CHECK(near(significance_quantile(0.05, INFINITY), 1.959964, 1e-5));
    CHECK(significance_tail(INFINITY, 3) == 0);
}

/* Their example: 0.0001 to 1, of which four stay below 0.05 (Benjamini & Hochberg 1995, 4). */
static void discoveries_are_adjusted_as_by_benjamini_and_hochberg(void)
{
    double p[] = { 0.4262, 0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298,
                   0.0344, 0.0459, 0.3240, 0.5719, 0.6528, 0.7590, 1.0000 };
    u32 found = 0;

    CHECK_EQ(significance_adjust(p, ARRAY_LEN(p)), 0);
    for (u32 i = 0; i < ARRAY_LEN(p); i++)
        found += p[i] < 0.05;
    CHECK_EQ(found, 4);
    CHECK(near(p[1], 0.0015, 1e-9));
    CHECK(near(p[14], 1, 1e-9));
    CHECK(near(p[4], 0.0095 * 15 / 4, 1e-9));
}

static struct significance of(u64 before, u64 after, double noise)
{
    const double once = 1;

    return significance_of(&(struct counted){ &before, &once, 1 },
                           &(struct counted){ &after, &once, 1 }, noise * noise);
}

static void counts_alone_are_a_likelihood_ratio_test(void)
{
    /* 2 (100 log(100/125) + 150 log(150/125)) = 10.0678 */
    CHECK(near(of(100, 150, 0).p, erfc(sqrt(10.0678 / 2)), 1e-5));
    CHECK(near(of(100, 150, 0).ratio, 1.5, 1e-12));
    CHECK(of(100, 150, 0).low > 1.16 && of(100, 150, 0).high < 1.94);
    CHECK(of(100, 150, 0).low < 1.5 && of(100, 150, 0).high > 1.5);
    CHECK(of(0, 0, 0).p == 1);
    CHECK(isinf(of(0, 40, 0).ratio) && of(0, 40, 0).p < 1e-9);
    CHECK(of(40, 0, 0).ratio == 0 && of(40, 0, 0).p < 1e-9 && of(40, 0, 0).high < 0.3);
}

static void noise_of_runs_makes_large_counts_less_sure(void)
{
    CHECK(of(10000, 10500, 0).p < 0.001);
    CHECK(of(10000, 10500, 0.05).p > 0.3);
    CHECK(of(10000, 12500, 0.05).p < 0.01);
    /* Few samples are unsure anyway. */
    CHECK(near(of(20, 30, 0.03).p, of(20, 30, 0).p, 0.01));
}

static void a_burst_in_one_run_is_no_change(void)
{
    const u64 before[] = { 5, 3, 4 }, burst[] = { 6, 130, 5 }, more[] = { 40, 60, 45 };
    const double once[] = { 1, 1, 1 };
    const struct counted a = { before, once, 3 };

    CHECK(significance_of(&a, &(struct counted){ burst, once, 3 }, 0.01).p > 0.2);
    CHECK(significance_of(&(struct counted){ burst, once, 3 }, &a, 0.01).p > 0.2);
    CHECK(significance_of(&a, &(struct counted){ more, once, 3 }, 0.01).p < 1e-4);
}

/* ---- Simulated profiles ---- */

static u64 state = 88172645463325252ull;

static double uniform(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return ((double)(state >> 11) + 0.5) / 9007199254740992.0;
}

static double normal(void)
{
    return sqrt(-2 * log(uniform())) * cos(2 * M_PI * uniform());
}

static u64 poisson(double mean)
{
    double limit = exp(-mean), product = 1;
    u64 n = 0;

    if (mean > 60)
        return (u64)max(mean + sqrt(mean) * normal() + 0.5, 0.0);
    for (; product > limit; n++)
        product *= uniform();
    return n - 1;
}

struct simulated {
    u64 count[2][FUNCTIONS][RUNS];
    double exposure[RUNS];
    double adjusted[FUNCTIONS];
    struct significance s[FUNCTIONS];
};

/* Function 0 is `slower` times as slow after; all scatter from run to run by `noise`. */
static void simulate(struct simulated *d, u32 runs, double noise, double assumed, double slower)
{
    struct counted side[2][FUNCTIONS];
    double scatter;

    for (u32 i = 0; i < FUNCTIONS; i++) {
        double mean = 2000 * pow(0.94, i); /* 2000 to 4 samples */

        for (u32 s = 0; s < 2; s++) {
            for (u32 r = 0; r < runs; r++)
                d->count[s][i][r] = poisson(mean * exp(noise * normal()) * (s && !i ? slower : 1));
            side[s][i] = (struct counted){ d->count[s][i], d->exposure, runs };
        }
    }
    for (u32 r = 0; r < runs; r++)
        d->exposure[r] = 1;
    scatter = significance_scatter(side[0], side[1], FUNCTIONS, assumed);
    for (u32 i = 0; i < FUNCTIONS; i++) {
        d->s[i] = significance_of(&side[0][i], &side[1][i], scatter);
        d->adjusted[i] = d->s[i].p;
    }
    CHECK_EQ(significance_adjust(d->adjusted, FUNCTIONS), 0);
}

/* Of so many comparisons of the same program with itself, how many find any function changed; and
 * how many of all functions have p < 0.05. */
static u32 false_alarms(u32 runs, double noise, double assumed, double *below)
{
    struct simulated d;
    u32 alarms = 0, low = 0;

    for (u32 n = 0; n < SIMULATIONS; n++) {
        bool any = false;

        simulate(&d, runs, noise, assumed, 1);
        for (u32 i = 0; i < FUNCTIONS; i++) {
            any |= d.adjusted[i] < 0.05;
            low += d.s[i].p < 0.05;
        }
        alarms += any;
    }
    *below = (double)low / SIMULATIONS / FUNCTIONS;
    printf("# %u runs a side, %g %% noise: %u of %u comparisons with a false alarm, p < 0.05 in "
           "%.1f %%\n",
           runs, noise * 100, alarms, SIMULATIONS, *below * 100);
    return alarms;
}

/* 5 % of 400 are 20; 35 is three standard deviations above. */
static void a_program_compared_with_itself_gives_few_alarms(void)
{
    double below;

    CHECK(false_alarms(1, 0, 0, &below) <= 35);
    CHECK(below < 0.06);
    CHECK(false_alarms(1, 0.03, 0.03, &below) <= 35);
    CHECK(below < 0.06);
    CHECK(false_alarms(RUNS, 0, 0.01, &below) <= 35);
    CHECK(below < 0.06);
    CHECK(false_alarms(RUNS, 0.1, 0.01, &below) <= 35);
    CHECK(below < 0.06);
    CHECK(false_alarms(3, 0.05, 0.01, &below) <= 35);
    CHECK(below < 0.06);
}

static u32 found(u32 runs, double noise, double assumed, double slower)
{
    struct simulated d;
    u32 n = 0, covered = 0;

    for (u32 i = 0; i < SIMULATIONS; i++) {
        simulate(&d, runs, noise, assumed, slower);
        n += d.adjusted[0] < 0.05 && d.s[0].ratio > 1;
        covered += d.s[0].low <= slower && slower <= d.s[0].high;
    }
    printf("# %u runs a side, %g %% noise: %u of %u found, in %u within the interval\n", runs,
           noise * 100, n, SIMULATIONS, covered);
    CHECK(covered >= SIMULATIONS * 92 / 100);
    return n;
}

static void a_function_that_is_a_fifth_slower_is_found(void)
{
    CHECK(found(1, 0, 0, 1.2) >= SIMULATIONS * 95 / 100);
    CHECK(found(1, 0.02, 0.03, 1.2) >= SIMULATIONS * 40 / 100);
    CHECK(found(RUNS, 0.03, 0.01, 1.2) >= SIMULATIONS * 95 / 100);
}

int main(void)
{
    TEST(tails_are_those_of_student_and_of_the_normal_distribution);
    TEST(discoveries_are_adjusted_as_by_benjamini_and_hochberg);
    TEST(counts_alone_are_a_likelihood_ratio_test);
    TEST(noise_of_runs_makes_large_counts_less_sure);
    TEST(a_burst_in_one_run_is_no_change);
    TEST(a_program_compared_with_itself_gives_few_alarms);
    TEST(a_function_that_is_a_fifth_slower_is_found);
    return tap_done();
}
