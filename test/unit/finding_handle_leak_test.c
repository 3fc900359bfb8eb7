#include "base/clock.h"
#include "finding/handle_leak.h"
#include "tap.h"

#include <math.h>

#define AFTER (300 * NS_PER_S)
enum { HOUR = 3600 };

static u64 seed;

static double uniform(void)
{
    seed = seed * 6364136223846793005ull + 1442695040888963407ull;
    return (double)(seed >> 11) * 0x1p-53;
}

/* About `mean`, as arrivals at random are. */
static u64 poisson(double mean)
{
    double p = exp(-min(mean, 500.0)), sum = p, u = uniform();
    u64 n = 0;

    for (; u > sum && n < 1000; sum += p)
        p *= mean / (double)++n;
    return n;
}

/* What a process has open at second `s`; `load` comes in as 0. */
struct shape {
    double state, peak;
};
typedef u64 shape_fn(struct shape *shape, u64 s, u64 *load);

/* The second at which it was first said to leak; 0: never. */
static u64 watch(shape_fn *fn, u64 seconds)
{
    struct handle_leak h = { 0 };
    struct handle_growth g;
    struct shape shape = { 0 };

    for (u64 s = 1; s <= seconds; s++) {
        u64 load = 0, count = fn(&shape, s, &load);

        if (handle_leak_add(&h, AFTER, s * NS_PER_S, count, load, &g) == HANDLES_LEAK)
            return s;
    }
    return 0;
}

static u64 constant(struct shape *x, u64 s, u64 *load)
{
    (void)x, (void)s, (void)load;
    return 12;
}

static u64 bursts(struct shape *x, u64 s, u64 *load)
{
    (void)x, (void)load;
    return 5 + (s % 97 < 20 ? s % 97 * 30 : 0) + (uniform() < 0.01 ? 2000 : 0);
}

static u64 cron(struct shape *x, u64 s, u64 *load)
{
    (void)x, (void)load; /* each hour a job that takes five minutes and opens more and more */
    return 8 + (s % HOUR < 300 ? s % HOUR * 2 : 0);
}

/* A pool of idle connections as large as the most that was ever wanted at once. */
static u64 pool_of_peak(struct shape *x, u64 s, u64 *load)
{
    u64 wanted = poisson(30);

    (void)s;
    *load = poisson(30);
    x->peak = max(x->peak, (double)wanted);
    return (u64)x->peak;
}

static u64 pool_that_fills(struct shape *x, u64 s, u64 *load)
{
    (void)load; /* 100 connections, opened one by one in the first four minutes */
    (void)x;
    return min(s * 100 / 240, 100ull) + 3;
}

static u64 step(struct shape *x, u64 s, u64 *load)
{
    (void)x, (void)load;
    return s < 1000 ? 10 : s < 3000 ? 210 : 510;
}

static double daily(u64 s, double low, double high)
{
    return low + (high - low) * (1 - cos((double)s * 2 * M_PI / (24 * HOUR))) / 2;
}

/* Two sockets and a timer for each request; what is open follows with some delay. */
static u64 day(struct shape *x, u64 s, u64 *load)
{
    *load = poisson(daily(s, 2, 150));
    x->state += ((double)*load * 2 - x->state) / 5;
    return 20 + (u64)x->state;
}

/* WebSockets that stay: three timers each. */
static u64 sockets_of_a_day(struct shape *x, u64 s, u64 *load)
{
    (void)x;
    *load = (u64)daily(s, 10, 8000);
    return 3 * *load + poisson(5);
}

/* Connections that are kept for five minutes after the load has gone. */
static u64 kept_alive(struct shape *x, u64 s, u64 *load)
{
    u64 now = poisson(daily(s, 1, 200));

    *load = now;
    x->peak = max(x->peak * (1 - 1.0 / 300), (double)now);
    return 10 + (u64)x->peak;
}

/* A consumer without requests whose jobs run side by side. */
static u64 jobs(struct shape *x, u64 s, u64 *load)
{
    (void)x, (void)load;
    return 6 + poisson(40 + 30 * sin((double)s / 900));
}

static u64 sawtooth(struct shape *x, u64 s, u64 *load)
{
    (void)x, (void)load; /* closed every two minutes */
    return 10 + s % 120;
}

static void what_is_healthy_is_no_leak(void)
{
    static const struct {
        const char *name;
        shape_fn *fn;
    } shapes[] = {
        { "constant", constant },
        { "bursts", bursts },
        { "cron", cron },
        { "pool as large as the peak", pool_of_peak },
        { "pool that fills", pool_that_fills },
        { "steps", step },
        { "a day's load", day },
        { "a day of WebSockets", sockets_of_a_day },
        { "kept alive", kept_alive },
        { "jobs", jobs },
        { "sawtooth", sawtooth },
    };

    for (u32 i = 0; i < ARRAY_LEN(shapes); i++)
        for (seed = 1; seed < 4;) {
            u64 own = seed, at = watch(shapes[i].fn, 30 * HOUR);

            if (at)
                printf("# %s, seed %llu: at %llu s\n", shapes[i].name, (unsigned long long)own,
                       (unsigned long long)at);
            CHECK_EQ(at, 0);
            seed = own + 1;
        }
}

static u64 one_in_ten_seconds(struct shape *x, u64 s, u64 *load)
{
    (void)x, (void)load;
    return 10 + s / 10;
}

static u64 under_bursts(struct shape *x, u64 s, u64 *load)
{
    return bursts(x, s, load) % 400 + s / 2;
}

static u64 one_in_fifty_requests(struct shape *x, u64 s, u64 *load)
{
    *load = poisson(20);
    x->state += (double)poisson(200.0 / 50);
    return 15 + *load + (u64)x->state;
    (void)s;
}

static u64 beside_a_day(struct shape *x, u64 s, u64 *load)
{
    return day(x, s, load) + s / 4;
}

static u64 slow(struct shape *x, u64 s, u64 *load)
{
    (void)x, (void)load; /* four a minute */
    return 10 + s / 15;
}

static void a_leak_is_seen(void)
{
    seed = 5;
    CHECK(watch(one_in_ten_seconds, 500));
    CHECK(watch(slow, 700));
    CHECK(watch(one_in_fifty_requests, 900));
    CHECK(watch(under_bursts, 4000));
    CHECK(watch(beside_a_day, 8 * HOUR));
}

static void it_is_not_said_before_the_time_is_over(void)
{
    CHECK(watch(one_in_ten_seconds, HOUR) >= 360);
}

static void it_says_by_how_much_and_again_while_it_goes_on(void)
{
    struct handle_leak h = { 0 };
    struct handle_growth g = { 0 };
    u32 times = 0;

    for (u64 s = 1; s <= HOUR; s++)
        if (handle_leak_add(&h, AFTER, s * NS_PER_S, 10 + s, 0, &g) == HANDLES_LEAK) {
            CHECK(g.to - g.from > 200 && g.to - g.from < 250);
            CHECK(g.over_ns == 225 * NS_PER_S);
            CHECK(g.per_hour > 3400 && g.per_hour < 3800);
            times++;
        }
    CHECK(times >= 9 && times <= 11);
}

static void a_process_that_is_not_looked_at_for_a_while_begins_where_it_is(void)
{
    struct handle_leak h = { 0 };
    struct handle_growth g;
    u64 s = 1;

    for (; s < 400; s++)
        CHECK_EQ(handle_leak_add(&h, AFTER, s * NS_PER_S, 10, 0, &g), HANDLES_FINE);
    for (s = 9000; s < 9400; s++)
        CHECK_EQ(handle_leak_add(&h, AFTER, s * NS_PER_S, 500, 0, &g), HANDLES_FINE);
}

static void it_is_suspected_first_and_that_may_end(void)
{
    struct handle_leak h = { 0 };
    struct handle_growth g;
    u64 s = 1;

    while (handle_leak_add(&h, AFTER, s * NS_PER_S, 10 + s, 0, &g) != HANDLES_SUSPECT)
        CHECK(++s < 500);
    for (u64 i = 1; i < 75; i++)
        CHECK_EQ(handle_leak_add(&h, AFTER, (s + i) * NS_PER_S, 10, 0, &g), HANDLES_FINE);
    CHECK_EQ(handle_leak_add(&h, AFTER, (s + 75) * NS_PER_S, 10, 0, &g), HANDLES_ENDED);
}

int main(void)
{
    TEST(what_is_healthy_is_no_leak);
    TEST(a_leak_is_seen);
    TEST(it_is_not_said_before_the_time_is_over);
    TEST(it_says_by_how_much_and_again_while_it_goes_on);
    TEST(it_is_suspected_first_and_that_may_end);
    TEST(a_process_that_is_not_looked_at_for_a_while_begins_where_it_is);
    return tap_done();
}
