/* load_arrivals_test -- schedules that can be had again */
#include "tap.h"

#include "base/clock.h"
#include "load/arrivals.h"

#include <math.h>

static void a_constant_rate_is_kept_exactly_for_a_day(void)
{
    struct arrivals a;

    arrivals_init(&a, 3, false, 1000, 1);
    CHECK_EQ(a.next_ns, 1000);
    for (u32 i = 0; i < 3 * 86400; i++)
        arrivals_step(&a);
    CHECK_EQ(a.next_ns, 1000 + 86400 * NS_PER_S);
}

static void poisson_gaps_are_exponential(void)
{
    struct arrivals a;
    double sum = 0, squares = 0;
    u64 last = 0, above = 0;
    enum { N = 200000 };

    arrivals_init(&a, 1000, true, 0, 5);
    for (u32 i = 0; i < N; i++) {
        double gap = (double)(a.next_ns - last) / NS_PER_MS;

        sum += gap;
        squares += gap * gap;
        above += gap > 1;
        last = a.next_ns;
        arrivals_step(&a);
    }
    CHECK(fabs(sum / N - 1) < 0.02);
    CHECK(fabs(squares / N - 2) < 0.1);              /* twice the square of the mean */
    CHECK(fabs((double)above / N - exp(-1)) < 0.01); /* P(gap > mean) */
}

static void the_same_seed_gives_the_same_times_and_another_one_others(void)
{
    struct arrivals a, b, c;
    u32 same = 0;

    arrivals_init(&a, 500, true, 77, 1);
    arrivals_init(&b, 500, true, 77, 1);
    arrivals_init(&c, 500, true, 77, 2);
    for (u32 i = 0; i < 1000; i++) {
        CHECK_EQ(a.next_ns, b.next_ns);
        same += a.next_ns == c.next_ns;
        arrivals_step(&a);
        arrivals_step(&b);
        arrivals_step(&c);
    }
    CHECK(same < 5);
}

int main(void)
{
    TEST(a_constant_rate_is_kept_exactly_for_a_day);
    TEST(poisson_gaps_are_exponential);
    TEST(the_same_seed_gives_the_same_times_and_another_one_others);
    return tap_done();
}
