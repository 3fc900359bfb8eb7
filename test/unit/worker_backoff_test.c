/* test/unit/worker_backoff_test.c */
#include "worker/backoff.h"

#include "tap.h"

#define MAX_NS (10 * NS_PER_S)

static const struct backoff_pace usual = { .max_ns = MAX_NS };

static void the_first_end_is_answered_at_once_and_then_pauses_double(void)
{
    struct backoff b = { 0 };
    u64 now_ns = NS_PER_S, want_ns = 100 * NS_PER_MS;

    CHECK_EQ(backoff_failed(&b, 0, &usual, now_ns), 0);
    for (int i = 0; i < 12; i++) {
        CHECK_EQ(backoff_failed(&b, 0, &usual, now_ns), want_ns);
        want_ns = min(2 * want_ns, MAX_NS);
    }
}

static void thirty_good_seconds_forget_it_all(void)
{
    struct backoff b = { 0 };

    for (int i = 0; i < 8; i++)
        CHECK(backoff_failed(&b, 0, &usual, NS_PER_S) <= MAX_NS);
    CHECK_EQ(backoff_failed(&b, 30 * NS_PER_S, &usual, NS_PER_S), 0);
    CHECK_EQ(b.failures, 1);
}

static void a_life_of_four_pauses_does_not_lengthen_the_pause(void)
{
    struct backoff b = { 0 };
    u64 pause_ns = 0;

    /* It fails three seconds after each start, for ever. */
    for (int i = 0; i < 100; i++)
        pause_ns = backoff_failed(&b, 3 * NS_PER_S, &usual, NS_PER_S);
    CHECK(pause_ns < NS_PER_S);
}

static void a_kill_from_outside_never_lengthens_the_pause(void)
{
    struct backoff b = { 0 };

    for (int i = 0; i < 100; i++) {
        CHECK_EQ(backoff_ended(&b, 2 * NS_PER_S), 0);
        CHECK_EQ(backoff_ended(&b, 10 * NS_PER_MS), 100 * NS_PER_MS);
    }
    CHECK_EQ(b.failures, 0);
}

static void a_crash_loop_is_named_once(void)
{
    struct backoff b = { 0 };
    u64 within_ns = 0;
    u32 named = 0;

    for (u64 i = 0; i < 20; i++) {
        CHECK(backoff_failed(&b, 0, &usual, (i + 1) * NS_PER_S) <= MAX_NS);
        named += backoff_is_loop(&b, (i + 1) * NS_PER_S, &within_ns);
    }
    CHECK_EQ(named, 1);
    CHECK_EQ(within_ns, 4 * NS_PER_S);
    CHECK_EQ(backoff_failed(&b, 31 * NS_PER_S, &usual, 100 * NS_PER_S), 0);
    CHECK(!backoff_is_loop(&b, 100 * NS_PER_S, &within_ns));
}

static void the_first_pause_and_the_good_life_can_be_set(void)
{
    struct backoff_pace pace = { MAX_NS, 300 * NS_PER_MS, NS_PER_S };
    struct backoff b = { 0 };

    CHECK_EQ(backoff_failed(&b, 0, &pace, NS_PER_S), 0);
    CHECK_EQ(backoff_failed(&b, 0, &pace, NS_PER_S), 300 * NS_PER_MS);
    CHECK_EQ(backoff_failed(&b, NS_PER_S - 1, &pace, NS_PER_S), 600 * NS_PER_MS);
    CHECK_EQ(b.failures, 3);
    CHECK_EQ(backoff_failed(&b, NS_PER_S, &pace, NS_PER_S), 0);
    CHECK_EQ(b.failures, 1);
}

int main(void)
{
    TEST(the_first_pause_and_the_good_life_can_be_set);
    TEST(the_first_end_is_answered_at_once_and_then_pauses_double);
    TEST(thirty_good_seconds_forget_it_all);
    TEST(a_life_of_four_pauses_does_not_lengthen_the_pause);
    TEST(a_kill_from_outside_never_lengthens_the_pause);
    TEST(a_crash_loop_is_named_once);
    return tap_done();
}
