/* test/unit/balance_learn_test.c -- how long a worker's requests keep its loop, lately */
#include "balance/learn.h"

#include "tap.h"

static void work(struct learn_counters *c, u64 requests, u64 each_ns)
{
    c->requests += requests;
    c->busy_ns += requests * each_ns;
}

static void read_it(struct learn *l, const struct learn_counters *c)
{
    learn_reading(l, c);
}

/* The first reading, where counting begins. */
static void begin(struct learn *l)
{
    read_it(l, &(struct learn_counters){ 0 });
}

static bool near(u64 got, double want)
{
    return (double)got > want * 0.99 && (double)got < want * 1.01 + 2;
}

static void nothing_is_known_at_first(void)
{
    struct learn l = { 0 };
    struct learn_counters c = { 0 };

    CHECK_EQ(learn_request_mean_ns(&l), 0);
    CHECK_EQ(learn_ahead_max(&l, false), 0);
    work(&c, 5, 1000); /* too few to go by */
    read_it(&l, &c);
    CHECK_EQ(learn_request_mean_ns(&l), 0);
    CHECK_EQ(learn_ahead_max(&l, false), 0);
}

static void the_mean_is_the_loops_time_by_its_requests(void)
{
    struct learn l = { 0 };
    struct learn_counters c = { 0 };

    for (int i = 0; i < 300; i++) {
        work(&c, 98, 300000);
        work(&c, 2, 100000000);
        read_it(&l, &c);
    }
    CHECK(near(learn_request_mean_ns(&l), 0.98 * 300000 + 0.02 * 100000000));
}

/* After long enough for the rest to have faded. */
static u64 ahead_of(u64 request_ns, u64 requests, u64 long_turns)
{
    struct learn l = { 0 };
    struct learn_counters c = { 0 };

    for (int i = 0; i < 300; i++) {
        work(&c, requests, request_ns);
        c.long_turns += long_turns;
        read_it(&l, &c);
    }
    return learn_ahead_max(&l, false);
}

static void as_many_may_be_ahead_as_make_the_allowed_work(void)
{
    for (u64 ns = 1000; ns < 3 * LEARN_AHEAD_NS; ns += ns / 3) {
        u64 ahead = ahead_of(ns, 1000, 0);

        CHECK(ahead <= LEARN_AHEAD_MAX);
        CHECK(ahead * ns <= LEARN_AHEAD_NS);
        CHECK(ahead == 0 || ahead == LEARN_AHEAD_MAX || (ahead + 2) * ns >= LEARN_AHEAD_NS);
    }
    CHECK(ahead_of(1000, 1000, 0) == LEARN_AHEAD_MAX);
    CHECK_EQ(ahead_of(LEARN_AHEAD_NS, 1000, 0), 0);
}

static void where_turns_block_nothing_goes_ahead(void)
{
    CHECK_EQ(ahead_of(1000, 50, 1), 0);
    CHECK_EQ(ahead_of(1000, LEARN_STUCK_ONE_IN, 1), 0);
    CHECK_EQ(ahead_of(1000, 2 * LEARN_STUCK_ONE_IN - 10, 1), 0);
}

/* A long turn sticks at most `ahead` requests: that must stay one in LEARN_STUCK_ONE_IN. */
static void what_can_be_stuck_behind_long_turns_is_bounded(void)
{
    for (u64 requests = 10; requests < 1000000; requests = requests * 3 / 2) {
        u64 ahead = ahead_of(1000, requests, 1);

        CHECK(ahead * LEARN_STUCK_ONE_IN <= requests);
    }
    CHECK(ahead_of(1000, 1000000, 1) == LEARN_AHEAD_MAX);
}

static void what_was_fades_by_half_in_its_half_life(void)
{
    struct learn l = { 0 };
    struct learn_counters c = { 0 };

    begin(&l);
    work(&c, 1000000, 1000);
    c.long_turns = 1000;
    read_it(&l, &c);
    for (int i = 0; i < LEARN_HALF_LIFE; i++)
        read_it(&l, &c);
    CHECK(l.requests > 495000 && l.requests < 505000);
    CHECK(l.busy_ns > 495e6 && l.busy_ns < 505e6);
    CHECK(l.long_turns > 495 && l.long_turns < 505);
}

static void a_loop_that_begins_to_block_is_found_out_at_once(void)
{
    struct learn l = { 0 };
    struct learn_counters c = { 0 };

    for (int i = 0; i < 100; i++) {
        work(&c, 100, 100000);
        read_it(&l, &c);
    }
    CHECK(learn_ahead_max(&l, false) > 0);
    c.long_turns += 15;
    read_it(&l, &c);
    CHECK_EQ(learn_ahead_max(&l, false), 0);
}

static void a_loop_that_blocks_no_more_is_trusted_again(void)
{
    struct learn l = { 0 };
    struct learn_counters c = { 0 };
    int i;

    for (i = 0; i < 100; i++) {
        work(&c, 100, 100000);
        c.long_turns++;
        read_it(&l, &c);
    }
    CHECK_EQ(learn_ahead_max(&l, false), 0);
    for (i = 0; i < 40 * LEARN_HALF_LIFE && learn_ahead_max(&l, false) == 0; i++) {
        work(&c, 100, 100000);
        read_it(&l, &c);
    }
    CHECK(i > LEARN_HALF_LIFE / 2 && i < 20 * LEARN_HALF_LIFE);
}

static void a_new_process_in_the_slot_starts_from_nothing(void)
{
    struct learn l = { 0 };
    struct learn_counters c = { 0 }, fresh = { 0 };

    for (int i = 0; i < 50; i++) {
        work(&c, 100, 1000);
        read_it(&l, &c);
    }
    CHECK(learn_ahead_max(&l, false) > 0);
    work(&fresh, 2, 1000);
    read_it(&l, &fresh);
    CHECK_EQ(learn_request_mean_ns(&l), 0);
    CHECK_EQ(learn_ahead_max(&l, false), 0);
    for (int i = 0; i < 30; i++) {
        work(&fresh, 100, 200000);
        read_it(&l, &fresh);
    }
    CHECK(near(learn_request_mean_ns(&l), 200000));
}

static void what_a_process_took_to_start_is_not_a_requests(void)
{
    struct learn l = { 0 };
    struct learn_counters c = { .busy_ns = 3000000000, .long_turns = 2 };

    read_it(&l, &c);
    work(&c, 100, 100000);
    read_it(&l, &c);
    CHECK(near(learn_request_mean_ns(&l), 100000));
    CHECK(learn_ahead_max(&l, false) > 0);
}

static void slow_kinds_are_left_out_whenever_they_are_counted(void)
{
    for (int late = 0; late < 2; late++) {
        struct learn l = { 0 };
        struct learn_counters c = { 0 };

        begin(&l);
        for (int i = 0; i < 100; i++) {
            work(&c, 100, 100000);
            c.busy_ns += 50000000; /* the loop has it now, */
            c.long_turns++;
            c.requests++;
            if (late)
                read_it(&l, &c);
            c.slow_ns += 50000000; /* the proxy a moment later, or before the next reading */
            c.slow_turns++;
            c.slow_requests++;
            read_it(&l, &c);
        }
        /* What is counted late has faded a little less than what it is taken from. */
        CHECK(learn_request_mean_ns(&l) > 75000 && learn_request_mean_ns(&l) < 101001);
        CHECK(learn_ahead_max(&l, false) >= LEARN_AHEAD_NS / 101001);
    }
}

static void no_requests_for_long_is_not_knowing(void)
{
    struct learn l = { 0 };
    struct learn_counters c = { 0 };

    begin(&l);
    work(&c, 100, 1000);
    read_it(&l, &c);
    CHECK(learn_request_mean_ns(&l) > 0);
    for (int i = 0; i < 10 * LEARN_HALF_LIFE; i++)
        read_it(&l, &c);
    CHECK_EQ(learn_request_mean_ns(&l), 0);
    CHECK_EQ(learn_ahead_max(&l, false), 0);
}

static void a_full_machine_does_not_make_batches_smaller(void)
{
    struct learn_counters c = { 0 };
    struct learn l = { 0 }, alone = { 0 };

    read_it(&l, &c);
    for (int i = 0; i < 50; i++) { /* 2 ms each, three quarters of it without a CPU */
        work(&c, 50, 2000000);
        c.delay_ns += 50 * 1500000ull;
        read_it(&l, &c);
    }
    CHECK_EQ(learn_request_mean_ns(&l) / 1000, 2000);
    CHECK(learn_ahead_max(&l, false) >= 7 &&
          learn_ahead_max(&l, false) <= 8); /* as with 0.5 ms each */
    CHECK(learn_ahead_max(&l, true) < 3);   /* beside slow kinds it does count */
    c = (struct learn_counters){ 0 };
    read_it(&alone, &c);
    for (int i = 0; i < 50; i++) {
        work(&c, 50, 2000000);
        read_it(&alone, &c);
    }
    CHECK(learn_ahead_max(&alone, false) < 3);
    for (int i = 0; i < 50; i++) { /* more delay than there was to do: from before its turns */
        work(&c, 50, 2000000);
        c.delay_ns += 50 * 9000000ull;
        read_it(&alone, &c);
    }
    CHECK(learn_ahead_max(&alone, false) <= 8);
}

int main(void)
{
    TEST(nothing_is_known_at_first);
    TEST(the_mean_is_the_loops_time_by_its_requests);
    TEST(as_many_may_be_ahead_as_make_the_allowed_work);
    TEST(where_turns_block_nothing_goes_ahead);
    TEST(what_can_be_stuck_behind_long_turns_is_bounded);
    TEST(what_was_fades_by_half_in_its_half_life);
    TEST(a_loop_that_begins_to_block_is_found_out_at_once);
    TEST(a_loop_that_blocks_no_more_is_trusted_again);
    TEST(a_new_process_in_the_slot_starts_from_nothing);
    TEST(what_a_process_took_to_start_is_not_a_requests);
    TEST(slow_kinds_are_left_out_whenever_they_are_counted);
    TEST(no_requests_for_long_is_not_knowing);
    TEST(a_full_machine_does_not_make_batches_smaller);
    return tap_done();
}
