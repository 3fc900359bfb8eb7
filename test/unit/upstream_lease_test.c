/* test/unit/upstream_lease_test.c -- when DNS is asked again */
#include "upstream/lease.h"

#include "tap.h"

#define START (1000 * NS_PER_S)
#define S NS_PER_S

static bool within_a_tenth_below(u64 at_ns, u64 ns)
{
    return at_ns <= START + ns && at_ns > START + ns - ns / 10;
}

static void an_answer_holds_for_its_time(void)
{
    struct lease l = { 0 };

    CHECK(!lease_is_stale(&l, START));
    CHECK(!lease_good(&l, 30 * S, 0, START));
    CHECK_EQ(l.ask_ns, START + 30 * S);
    for (u32 i = 0; i < 64; i++) {
        u64 random = 1ull << i;

        (void)lease_good(&l, 30 * S, random, START);
        CHECK(within_a_tenth_below(l.ask_ns, 30 * S));
    }
    CHECK(!lease_is_stale(&l, START + 30 * S));
    CHECK(lease_is_stale(&l, START + 31 * S));
}

static void times_to_live_are_bounded(void)
{
    struct lease l = { 0 };

    (void)lease_good(&l, 0, 0, START);
    CHECK_EQ(l.ask_ns, START + 1 * S);
    (void)lease_good(&l, UINT64_MAX, 0, START);
    CHECK_EQ(l.ask_ns, START + 300 * S);
}

static void after_failures_it_is_asked_less_and_less_often(void)
{
    static const u64 waits_ms[] = { 500, 1000, 2000, 4000, 8000, 16000, 30000, 30000 };
    struct lease l = { 0 };

    for (u32 i = 0; i < ARRAY_LEN(waits_ms); i++) {
        CHECK_EQ(lease_bad(&l, 0, START), i == 0);
        CHECK_EQ(l.ask_ns, START + waits_ms[i] * NS_PER_MS);
    }
    l.failures = UINT32_MAX - 1;
    CHECK(!lease_bad(&l, 0, START));
    CHECK_EQ(l.ask_ns, START + 30 * S);
    CHECK(!lease_is_stale(&l, START)); /* there is nothing */
    CHECK(lease_good(&l, 10 * S, 0, START));
    CHECK(lease_bad(&l, 0, START + 10 * S));
    CHECK(lease_is_stale(&l, START + 11 * S));
}

int main(void)
{
    TEST(an_answer_holds_for_its_time);
    TEST(times_to_live_are_bounded);
    TEST(after_failures_it_is_asked_less_and_less_often);
    return tap_done();
}
