#include "metrics/lag.h"

#include "base/clock.h"
#include "shm/layout.h"
#include "tap.h"

#define MS NS_PER_MS
#define INTERVAL (10 * MS)

static u64 count[SHM_DELAY_BUCKETS], floor_ns[SHM_DELAY_BUCKETS + 1];
static struct lag_turns turns;
static struct lag lag;

/* A window of ten seconds without a turn. */
static void begin(void)
{
    memset(count, 0, sizeof(count));
    for (u32 i = 0; i <= SHM_DELAY_BUCKETS; i++)
        floor_ns[i] = shm_delay_floor_ns(i);
    turns = (struct lag_turns){ .buckets = SHM_DELAY_BUCKETS,
                                .count = count,
                                .floor_ns = floor_ns,
                                .elapsed_ns = 10 * NS_PER_S };
}

static void turns_add(u64 length_ns, u64 n)
{
    count[shm_delay_bucket(length_ns)] += n;
    turns.busy_ns += length_ns * n;
}

static bool near(u64 got, u64 want, u64 off)
{
    bool yes = got + off >= want && got <= want + off;

    if (!yes)
        printf("# %llu is not near %llu\n", (unsigned long long)got, (unsigned long long)want);
    return yes;
}

static void an_idle_loop_reads_the_interval(void)
{
    begin();
    lag_of_timer(&lag, &turns, INTERVAL);
    CHECK_EQ(lag.min_ns, INTERVAL);
    CHECK_EQ(lag.max_ns, INTERVAL);
    CHECK_EQ(lag.mean_ns, INTERVAL);
    CHECK_EQ(lag.p50_ns, INTERVAL);
    CHECK_EQ(lag.p99_ns, INTERVAL);
    CHECK_EQ(lag.stddev_ns, 0);
}

static void an_idle_loop_keeps_nobody_waiting(void)
{
    begin();
    lag_of_arrival(&lag, &turns);
    CHECK_EQ(lag.max_ns, 0);
    CHECK_EQ(lag.p99_ns, 0);
}

static void a_rare_block_delays_a_timer_once(void)
{
    begin();
    turns_add(NS_PER_S, 1); /* one second in ten, in one piece */
    lag_of_timer(&lag, &turns, INTERVAL);
    CHECK(near(lag.max_ns, NS_PER_S + INTERVAL, MS));
    CHECK_EQ(lag.p50_ns, INTERVAL);
    CHECK_EQ(lag.p99_ns, INTERVAL);
    /* 900 records of 10 ms and one of a second */
    CHECK(near(lag.mean_ns, 10 * NS_PER_S / 901, 200 * NS_PER_US));
    CHECK_EQ(lag.min_ns, INTERVAL);
}

static void the_same_block_delays_one_arrival_in_ten(void)
{
    begin();
    turns_add(NS_PER_S, 1);
    lag_of_arrival(&lag, &turns);
    CHECK_EQ(lag.p50_ns, 0);
    CHECK(near(lag.p99_ns, 900 * MS, 2 * MS));
    CHECK(near(lag.max_ns, NS_PER_S, MS));
    CHECK(near(lag.mean_ns, 50 * MS, MS));
}

static void short_turns_delay_timer_and_arrival_alike(void)
{
    struct lag arrival;

    begin();
    turns_add(4 * MS, 1250); /* half of the time, in turns of 4 ms */
    lag_of_timer(&lag, &turns, INTERVAL);
    lag_of_arrival(&arrival, &turns);
    CHECK(near(arrival.p99_ns, 3920 * NS_PER_US, 100 * NS_PER_US));
    /* A late record is a longer record, so there are a few less of them. */
    CHECK(near(lag.p99_ns, INTERVAL + arrival.p99_ns, 300 * NS_PER_US));
    CHECK(near(lag.max_ns, INTERVAL + 4 * MS, 600 * NS_PER_US));
}

static void a_loop_that_always_runs_has_no_punctual_timer(void)
{
    begin();
    turns_add(100 * MS, 100);
    lag_of_timer(&lag, &turns, INTERVAL);
    CHECK(lag.min_ns > 80 * MS);
    CHECK(near(lag.p50_ns, 105 * MS, 8 * MS));
    lag_of_arrival(&lag, &turns);
    CHECK(near(lag.p50_ns, 50 * MS, 4 * MS));
}

static void the_running_turn_counts_before_it_ends(void)
{
    begin();
    turns.elapsed_ns = 10 * NS_PER_S;
    turns.running_ns = 10 * NS_PER_S;
    lag_of_timer(&lag, &turns, INTERVAL);
    CHECK(near(lag.p50_ns, 10 * NS_PER_S, 20 * MS));
    CHECK(near(lag.max_ns, 10 * NS_PER_S, 20 * MS));
    lag_of_arrival(&lag, &turns);
    CHECK(near(lag.p50_ns, 5 * NS_PER_S, MS));
}

static void a_single_long_turn_is_measured_exactly(void)
{
    for (u64 ms = 20; ms < 9000; ms += 37) {
        begin();
        turns_add(ms * MS, 1);
        lag_of_arrival(&lag, &turns);
        CHECK(near(lag.max_ns, ms * MS, MS));
    }
}

static void garbage_gives_finite_ordered_numbers(void)
{
    begin();
    for (u32 i = 0; i < SHM_DELAY_BUCKETS; i++)
        count[i] = UINT64_MAX - i;
    turns.busy_ns = 1;
    turns.elapsed_ns = 0;
    turns.running_ns = UINT64_MAX;
    for (int which = 0; which < 2; which++) {
        if (which)
            lag_of_timer(&lag, &turns, INTERVAL);
        else
            lag_of_arrival(&lag, &turns);
        CHECK(lag.p50_ns <= lag.p90_ns && lag.p90_ns <= lag.p99_ns && lag.p99_ns <= lag.max_ns);
        CHECK(lag.min_ns <= lag.p50_ns && lag.mean_ns <= lag.max_ns);
        CHECK(lag.max_ns <= 2000000000000000000ull);
    }
}

static void a_window_of_no_length_is_idle(void)
{
    begin();
    turns.elapsed_ns = 0;
    lag_of_timer(&lag, &turns, INTERVAL);
    CHECK_EQ(lag.mean_ns, INTERVAL);
    lag_of_arrival(&lag, &turns);
    CHECK_EQ(lag.mean_ns, 0);
}

/* The model against the thing itself: a loop with turns of known lengths, and a timer that is
 * armed again each time it fires. */
static void the_model_agrees_with_a_simulated_timer(void)
{
    u64 now = 0, due = INTERVAL, records = 0, sum = 0, most = 0, seed = 7, window = 1000 * NS_PER_S;

    begin();
    turns.elapsed_ns = window;
    while (now < window) {
        seed = seed * 6364136223846793005ull + 1442695040888963407ull;
        u64 idle = (seed >> 33) % (60 * MS), length = (seed >> 20) % (50 * MS);

        for (u64 end = now + idle; due <= end; due += INTERVAL, records++)
            sum += INTERVAL;
        now += idle + length;
        turns_add(length, 1);
        if (due <= now) { /* became due while the turn ran: fires at its end */
            u64 record = INTERVAL + now - due;

            sum += record;
            most = max(most, record);
            records++;
            due = now + INTERVAL;
        }
    }
    lag_of_timer(&lag, &turns, INTERVAL);
    CHECK(near(lag.mean_ns, sum / records, MS));
    CHECK(near(lag.max_ns, most, 7 * MS));
}

int main(void)
{
    TEST(an_idle_loop_reads_the_interval);
    TEST(an_idle_loop_keeps_nobody_waiting);
    TEST(a_rare_block_delays_a_timer_once);
    TEST(the_same_block_delays_one_arrival_in_ten);
    TEST(short_turns_delay_timer_and_arrival_alike);
    TEST(a_loop_that_always_runs_has_no_punctual_timer);
    TEST(the_running_turn_counts_before_it_ends);
    TEST(a_single_long_turn_is_measured_exactly);
    TEST(garbage_gives_finite_ordered_numbers);
    TEST(a_window_of_no_length_is_idle);
    TEST(the_model_agrees_with_a_simulated_timer);
    return tap_done();
}
