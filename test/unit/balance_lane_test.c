/* test/unit/balance_lane_test.c -- which kinds are slow, and how many workers they may block */
#include "balance/lane.h"

#include "tap.h"

#define MS 1000000ull
#define TICK_NS (100 * MS)

/* A tick in which `fast` requests blocked nothing and `slow` ones were expected to block, and did
 * block, for `each_ns`. */
static struct lane_plan tick(struct lane *l, struct lane_reading *r, u32 fast, u32 slow,
                             u64 each_ns)
{
    r->now_ns += TICK_NS;
    r->requests[0] += fast;
    r->busy_ns += fast * MS / 5 + slow * each_ns;
    r->requests[lane_octave(each_ns)] += slow;
    r->block_ns[lane_octave(each_ns)] += slow * each_ns;
    return lane_reading(l, r);
}

static struct lane_plan after(struct lane *l, struct lane_reading *r, u32 ticks, u32 fast, u32 slow,
                              u64 each_ns)
{
    struct lane_plan plan = { 0 };

    for (u32 i = 0; i < ticks; i++)
        plan = tick(l, r, fast, slow, each_ns);
    return plan;
}

static void there_are_no_lanes_while_nothing_blocks(void)
{
    struct lane l = { 0 };
    struct lane_reading r = { .workers = 4, .cpus = 2 };

    CHECK_EQ(after(&l, &r, 100, 500, 0, 1).slow_ns, 0);
}

static void there_are_no_lanes_with_one_worker(void)
{
    struct lane l = { 0 };
    struct lane_reading r = { .workers = 1, .cpus = 2 };

    CHECK_EQ(after(&l, &r, 100, 50, 1, 100 * MS).slow_ns, 0);
}

static void there_are_no_lanes_when_all_block_alike(void)
{
    struct lane l = { 0 };
    struct lane_reading r = { .workers = 4, .cpus = 4 };
    struct lane_plan plan = { 0 };

    for (int i = 0; i < 100; i++) {
        r.now_ns += TICK_NS;
        for (u64 ms = 30; ms <= 100; ms += 35) {
            r.requests[lane_octave(ms * MS)] += 2;
            r.block_ns[lane_octave(ms * MS)] += 2 * ms * MS;
            r.busy_ns += 2 * ms * MS;
        }
        plan = lane_reading(&l, &r);
    }
    CHECK_EQ(plan.slow_ns, 0);
}

static void a_few_that_block_make_lanes_within_half_a_second(void)
{
    struct lane l = { 0 };
    struct lane_reading r = { .workers = 4, .cpus = 2 };
    struct lane_plan plan;

    after(&l, &r, 20, 50, 0, 1);
    plan = after(&l, &r, 5, 50, 1, 100 * MS);
    CHECK(plan.slow_ns > LANE_SLOW_NS && plan.slow_ns < 100 * MS);
    CHECK(plan.kept >= 1 && plan.kept <= 3);
}

static void lanes_end_when_nothing_blocks_any_more(void)
{
    struct lane l = { 0 };
    struct lane_reading r = { .workers = 4, .cpus = 2 };

    CHECK(after(&l, &r, 50, 50, 1, 100 * MS).slow_ns > 0);
    CHECK_EQ(after(&l, &r, 600, 50, 0, 1).slow_ns, 0);
}

static void slow_ones_get_what_they_need_and_each_lane_a_worker(void)
{
    for (u32 workers = 2; workers <= 8; workers++)
        for (u32 cpus = 1; cpus <= 8; cpus++)
            for (u32 slow = 1; slow <= 12; slow++) { /* tenths of a loop */
                struct lane l = { 0 };
                struct lane_reading r = { .workers = workers, .cpus = cpus };
                struct lane_plan plan = after(&l, &r, 100, 40, slow, 50 * MS);
                double load = slow * 0.5;

                CHECK(plan.slow_ns > 0);
                CHECK(plan.kept >= 1 && plan.kept < workers);
                CHECK(workers - plan.kept >= load || plan.kept == 1);
                CHECK(workers - plan.kept <= max(cpus, (u32)(load / 0.75) + 2));
            }
}

static void a_slow_one_is_patient_in_proportion_within_bounds(void)
{
    CHECK(!lane_is_aged(99 * MS, 1 * MS));
    CHECK(lane_is_aged(100 * MS, 1 * MS));
    CHECK(!lane_is_aged(399 * MS, 100 * MS));
    CHECK(lane_is_aged(400 * MS, 100 * MS));
    CHECK(lane_is_aged(2000 * MS, 100000 * MS));
}

int main(void)
{
    TEST(there_are_no_lanes_while_nothing_blocks);
    TEST(there_are_no_lanes_with_one_worker);
    TEST(there_are_no_lanes_when_all_block_alike);
    TEST(a_few_that_block_make_lanes_within_half_a_second);
    TEST(lanes_end_when_nothing_blocks_any_more);
    TEST(slow_ones_get_what_they_need_and_each_lane_a_worker);
    TEST(a_slow_one_is_patient_in_proportion_within_bounds);
    return tap_done();
}
