/* test/unit/worker_verdict_test.c */
#include "worker/verdict.h"

#include "tap.h"

#include <signal.h>

static const struct verdict_rules usual = { .restarts = true };

static void an_end_means_what_it_says(void)
{
    struct child_end zero = { .code = 0 }, one = { .code = 1 };
    struct child_end killed = { .code = -1, .signal = SIGKILL };
    struct child_end crashed = { .code = -1, .signal = SIGSEGV };

    CHECK_EQ(verdict_end(&zero, &usual, false, false), VERDICT_FINISHED);
    CHECK_EQ(verdict_end(&zero, &usual, false, true),
             VERDICT_FAILED); /* a server does not finish */
    CHECK_EQ(verdict_end(&one, &usual, false, false), VERDICT_FAILED);
    CHECK_EQ(verdict_end(&killed, &usual, false, true), VERDICT_OUTSIDE);
    CHECK_EQ(verdict_end(&killed, &usual, true, true),
             VERDICT_FAILED); /* fettle killed it for a reason */
    CHECK_EQ(verdict_end(&crashed, &usual, false, true), VERDICT_FAILED);
}

static void an_end_is_final_where_that_was_said(void)
{
    struct child_end zero = { .code = 0 }, five = { .code = 5 };
    struct child_end killed = { .code = -1, .signal = SIGKILL };
    struct verdict_rules codes = { .restarts = true }, once = { .restarts = false }, none = once;

    CHECK(verdict_codes_read(&codes, STR("0, 5,255")));
    CHECK_EQ(verdict_end(&zero, &codes, false, true), VERDICT_FINISHED);
    CHECK_EQ(verdict_end(&five, &codes, false, true), VERDICT_FINISHED);
    CHECK_EQ(verdict_end(&five, &codes, true, true), VERDICT_FAILED);
    CHECK_EQ(verdict_end(&killed, &codes, false, true), VERDICT_OUTSIDE);
    CHECK_EQ(verdict_end(&zero, &once, false, true), VERDICT_FINISHED);
    CHECK_EQ(verdict_end(&five, &once, false, false), VERDICT_STOPPED);
    CHECK_EQ(verdict_end(&killed, &once, false, true), VERDICT_STOPPED);
    CHECK(!verdict_codes_read(&none, STR("256")));
    CHECK(!verdict_codes_read(&none, STR("one")));
    CHECK(verdict_codes_read(&none, STR("")));
}

static void restarts_have_a_last_one_only_where_that_was_said(void)
{
    CHECK(!verdict_is_last(0, 1000000));
    CHECK(!verdict_is_last(3, 3));
    CHECK(verdict_is_last(3, 4));
}

static void giving_up_takes_every_worker_and_three_tries(void)
{
    CHECK(!verdict_gives_up(1, 1, 2));
    CHECK(verdict_gives_up(1, 1, 3));
    CHECK(!verdict_gives_up(4, 3, 30));
    CHECK(verdict_gives_up(4, 4, 4));
}

static void a_loop_is_warned_about_once_a_period(void)
{
    struct verdict_loop_limits limits = { NS_PER_S, 30 * NS_PER_S };
    u64 since_ns = 100 * NS_PER_S;

    CHECK_EQ(verdict_loop(&limits, 0, 0, 0, since_ns), VERDICT_LOOP_FINE);
    CHECK_EQ(verdict_loop(&limits, since_ns, 0, 0, since_ns + NS_PER_S - 1), VERDICT_LOOP_FINE);
    CHECK_EQ(verdict_loop(&limits, since_ns, 0, 0, since_ns + NS_PER_S), VERDICT_LOOP_WARN);
    CHECK_EQ(verdict_loop(&limits, since_ns, since_ns, since_ns, since_ns + 20 * NS_PER_S),
             VERDICT_LOOP_FINE);
    /* Another period soon after is not worth a line of its own. */
    CHECK_EQ(verdict_loop(&limits, since_ns, 1, since_ns - 2 * NS_PER_S, since_ns + 2 * NS_PER_S),
             VERDICT_LOOP_FINE);
    CHECK_EQ(verdict_loop(&limits, since_ns, since_ns, since_ns, since_ns + 30 * NS_PER_S),
             VERDICT_LOOP_REPLACE);
}

static void a_worker_cannot_lie_itself_into_trouble_or_out_of_range(void)
{
    struct verdict_loop_limits limits = { NS_PER_S, 30 * NS_PER_S }, none = { 0, 0 };

    CHECK_EQ(verdict_blocked_ns(UINT64_MAX, 5), 0);
    CHECK_EQ(verdict_loop(&limits, UINT64_MAX, 0, 0, 5), VERDICT_LOOP_FINE);
    CHECK_EQ(verdict_loop(&none, 1, 0, 0, UINT64_MAX), VERDICT_LOOP_FINE);
}

static void an_heir_takes_over_when_it_does_all_that_the_old_one_does(void)
{
    struct verdict_heir h = { .ready = false, .old_bits = 1, .new_bits = 1 };

    CHECK(!verdict_takes_over(&h));
    h.ready = true;
    CHECK(verdict_takes_over(&h));
    h.old_bits = 3;
    CHECK(!verdict_takes_over(&h)); /* not yet all */
    h.ready_for_ns = 5 * NS_PER_S;
    CHECK(verdict_takes_over(&h)); /* it listens elsewhere now */
    h.new_bits = 0;
    h.ready_for_ns = 1000 * NS_PER_S;
    CHECK(!verdict_takes_over(&h)); /* a server is not replaced by what serves nothing */
    h.old_bits = 0;
    CHECK(verdict_takes_over(&h)); /* a queue consumer */
}

int main(void)
{
    TEST(an_end_means_what_it_says);
    TEST(an_end_is_final_where_that_was_said);
    TEST(restarts_have_a_last_one_only_where_that_was_said);
    TEST(giving_up_takes_every_worker_and_three_tries);
    TEST(a_loop_is_warned_about_once_a_period);
    TEST(a_worker_cannot_lie_itself_into_trouble_or_out_of_range);
    TEST(an_heir_takes_over_when_it_does_all_that_the_old_one_does);
    return tap_done();
}
