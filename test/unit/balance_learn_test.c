/* test/unit/balance_learn_test.c -- how long a worker's turns and requests take, lately */
#include "balance/learn.h"

#include "tap.h"

enum { FAST = 3, SLOW = 90 };

static u64 mid_ns[LEARN_BUCKETS];

/* What a loop's counters say, as they grow. */
struct counters {
    u64 count[LEARN_BUCKETS];
    u64 busy_ns, requests;
};

static void turns(struct counters *c, u32 bucket, u64 n, u64 requests)
{
    c->count[bucket] += n;
    c->busy_ns += n * mid_ns[bucket];
    c->requests += requests;
}

static void read_it(struct learn *l, const struct counters *c)
{
    learn_reading(l, c->count, mid_ns, c->busy_ns, c->requests);
}

static bool near(u64 got, double want)
{
    return (double)got > want * 0.99 && (double)got < want * 1.01 + 2;
}

static void nothing_is_known_at_first(void)
{
    struct learn l = { 0 };
    struct counters c = { 0 };

    CHECK_EQ(learn_turn_mean_ns(&l), 0);
    CHECK_EQ(learn_request_mean_ns(&l), 0);
    read_it(&l, &c);
    CHECK_EQ(learn_turn_mean_ns(&l), 0);
    turns(&c, FAST, 5, 5); /* too few to go by */
    read_it(&l, &c);
    CHECK_EQ(learn_turn_mean_ns(&l), 0);
    CHECK_EQ(learn_request_mean_ns(&l), 0);
}

static void equal_turns_have_their_own_length_as_mean(void)
{
    struct learn l = { 0 };
    struct counters c = { 0 };

    for (int i = 0; i < 30; i++) {
        turns(&c, FAST, 100, 100);
        read_it(&l, &c);
    }
    CHECK(near(learn_turn_mean_ns(&l), (double)mid_ns[FAST]));
    CHECK(near(learn_request_mean_ns(&l), (double)mid_ns[FAST]));
}

static void the_mean_of_turns_is_weighted_by_their_time(void)
{
    struct learn l = { 0 };
    struct counters c = { 0 };
    double a = (double)mid_ns[FAST], b = (double)mid_ns[SLOW];

    for (int i = 0; i < 200; i++) {
        turns(&c, FAST, 98, 98);
        turns(&c, SLOW, 2, 2);
        read_it(&l, &c);
    }
    CHECK(near(learn_turn_mean_ns(&l), (98 * a * a + 2 * b * b) / (98 * a + 2 * b)));
    CHECK(near(learn_request_mean_ns(&l), (98 * a + 2 * b) / 100));
    /* What comes at a random moment finds the slow ones, though they are 2 % by number. */
    CHECK(learn_turn_mean_ns(&l) > mid_ns[SLOW] / 2);
}

static void a_request_counts_for_less_when_a_turn_takes_many(void)
{
    struct learn l = { 0 };
    struct counters c = { 0 };

    for (int i = 0; i < 30; i++) {
        turns(&c, FAST, 100, 1000);
        read_it(&l, &c);
    }
    CHECK(near(learn_request_mean_ns(&l), (double)mid_ns[FAST] / 10));
}

static void what_was_fades_by_half_in_its_half_life(void)
{
    struct learn l = { 0 };
    struct counters c = { 0 };
    double sum;

    turns(&c, FAST, 1000000, 1000000);
    read_it(&l, &c);
    sum = l.turn_ns;
    for (int i = 0; i < LEARN_HALF_LIFE; i++)
        read_it(&l, &c);
    CHECK(l.turn_ns > sum * 0.495 && l.turn_ns < sum * 0.505);
    CHECK(l.requests > 495000 && l.requests < 505000);
}

static void a_change_of_behaviour_is_learned_within_a_few_half_lives(void)
{
    struct learn l = { 0 };
    struct counters c = { 0 };

    for (int i = 0; i < 100; i++) {
        turns(&c, SLOW, 1, 1);
        turns(&c, FAST, 10, 10);
        read_it(&l, &c);
    }
    CHECK(learn_turn_mean_ns(&l) > 10 * mid_ns[FAST]);
    for (int i = 0; i < 20 * LEARN_HALF_LIFE; i++) {
        turns(&c, FAST, 100, 100);
        read_it(&l, &c);
    }
    CHECK(learn_turn_mean_ns(&l) < 2 * mid_ns[FAST]);
    turns(&c, SLOW, 5, 5); /* the other way it is at once */
    read_it(&l, &c);
    CHECK(learn_turn_mean_ns(&l) > mid_ns[SLOW] / 2);
}

static void a_new_process_in_the_slot_starts_from_nothing(void)
{
    struct learn l = { 0 };
    struct counters c = { 0 }, fresh = { 0 };

    for (int i = 0; i < 50; i++) {
        turns(&c, SLOW, 100, 100);
        read_it(&l, &c);
    }
    turns(&fresh, FAST, 2, 2);
    read_it(&l, &fresh);
    CHECK_EQ(learn_turn_mean_ns(&l), 0);
    for (int i = 0; i < 30; i++) {
        turns(&fresh, FAST, 100, 100);
        read_it(&l, &fresh);
    }
    CHECK(near(learn_turn_mean_ns(&l), (double)mid_ns[FAST]));
}

static void no_requests_for_long_is_not_knowing(void)
{
    struct learn l = { 0 };
    struct counters c = { 0 };

    turns(&c, FAST, 100, 100);
    read_it(&l, &c);
    CHECK(learn_turn_mean_ns(&l) > 0);
    for (int i = 0; i < 10 * LEARN_HALF_LIFE; i++)
        read_it(&l, &c);
    CHECK_EQ(learn_turn_mean_ns(&l), 0);
    CHECK_EQ(learn_request_mean_ns(&l), 0);
}

static void torn_readings_never_make_nonsense(void)
{
    struct learn l = { 0 };
    struct counters c = { 0 };
    u64 seed = 5;

    for (int i = 0; i < 5000; i++) { /* the writer is not stopped while we read */
        struct counters seen;

        turns(&c, (u32)(seed >> 40) % LEARN_BUCKETS, 1 + (seed >> 50) % 9, 1);
        seen = c;
        seed = seed * 6364136223846793005ull + 1442695040888963407ull;
        if (seen.count[FAST] && seed >> 63)
            seen.count[FAST]--;
        read_it(&l, &seen);
        CHECK(l.turn_ns >= 0 && l.turn_square_ns2 >= 0 && l.busy_ns >= 0 && l.requests >= 0);
        CHECK(learn_turn_mean_ns(&l) <= mid_ns[LEARN_BUCKETS - 1] + 1);
    }
}

int main(void)
{
    for (u32 i = 0; i < LEARN_BUCKETS; i++) /* from 1 µs, 4 to a power of two */
        mid_ns[i] = 1000ull * (4 + i % 4) << i / 4 >> 2;
    TEST(nothing_is_known_at_first);
    TEST(equal_turns_have_their_own_length_as_mean);
    TEST(the_mean_of_turns_is_weighted_by_their_time);
    TEST(a_request_counts_for_less_when_a_turn_takes_many);
    TEST(what_was_fades_by_half_in_its_half_life);
    TEST(a_change_of_behaviour_is_learned_within_a_few_half_lives);
    TEST(a_new_process_in_the_slot_starts_from_nothing);
    TEST(no_requests_for_long_is_not_knowing);
    TEST(torn_readings_never_make_nonsense);
    return tap_done();
}
