/* test/unit/balance_pick_test.c -- which worker gets a request */
#include "balance/pick.h"

#include "tap.h"

enum { WORKERS = 8 };

static u64 seed = 0xba1;

static u32 any(u32 below)
{
    seed = seed * 6364136223846793005ull + 1442695040888963407ull;
    return (u32)(seed >> 33) % below;
}

/* Waiting loops of workers 1 … n, to which `ahead` may be given that they have not seen. */
static void crowd(struct pick_worker *w, u32 n, u64 ahead)
{
    for (u32 i = 0; i < n; i++)
        w[i] = (struct pick_worker){ .id = i + 1,
                                     .ahead_max = ahead,
                                     .request_mean_ns = ahead ? 100000 : 0 };
}

static void nobody_is_picked_from_nobody(void)
{
    struct pick_state state = { 0 };
    u32 index = 77;

    for (int p = PICK_IDLE_FIRST; p <= PICK_HASH; p++)
        CHECK_EQ(pick_worker(&state, (enum pick_policy)p, NULL, 0, 5, PICK_NO_LANE, &index),
                 PICK_NOBODY);
    CHECK_EQ(index, 77);
}

static void round_robin_gives_each_its_turn(void)
{
    struct pick_worker w[WORKERS];
    struct pick_state state = { .turn = UINT32_MAX - 10 }; /* over the end of the counter, too */
    u32 count[WORKERS] = { 0 }, index;

    crowd(w, WORKERS, 0);
    for (u32 i = 0; i < 100 * WORKERS; i++) {
        CHECK_EQ(pick_worker(&state, PICK_ROUND_ROBIN, w, WORKERS, 0, PICK_NO_LANE, &index),
                 PICK_GIVE);
        count[index]++;
    }
    for (u32 i = 0; i < WORKERS; i++)
        CHECK_EQ(count[i], 100);
}

static void least_conn_gives_to_one_with_the_fewest_in_flight(void)
{
    struct pick_worker w[WORKERS];
    struct pick_state state = { 0 };
    u32 index;

    for (int round = 0; round < 5000; round++) {
        u32 n = 1 + any(WORKERS), least = UINT32_MAX;

        crowd(w, n, 0);
        for (u32 i = 0; i < n; i++) {
            w[i].in_flight = any(6);
            w[i].busy_ns = any(2) * 1000;
            least = min(least, w[i].in_flight);
        }
        CHECK_EQ(pick_worker(&state, PICK_LEAST_CONN, w, n, 0, PICK_NO_LANE, &index), PICK_GIVE);
        CHECK(index < n);
        CHECK_EQ(w[index].in_flight, least);
    }
}

static void equals_share_what_least_conn_and_idle_first_give(void)
{
    static const enum pick_policy policies[] = { PICK_LEAST_CONN, PICK_IDLE_FIRST };

    for (u32 p = 0; p < 2; p++) {
        struct pick_worker w[WORKERS];
        struct pick_state state = { 0 };
        u32 count[WORKERS] = { 0 }, index;

        crowd(w, WORKERS, 0);
        for (u32 i = 0; i < 100 * WORKERS; i++) {
            CHECK_EQ(pick_worker(&state, policies[p], w, WORKERS, 0, PICK_NO_LANE, &index),
                     PICK_GIVE);
            count[index]++;
        }
        for (u32 i = 0; i < WORKERS; i++)
            CHECK_EQ(count[i], 100);
    }
}

/* ---- idle-first ---- */

static struct pick_worker random_worker(u32 id)
{
    static const u64 times[] = { 0, 1, 1000, 200000, 999999, 1000000, 1000001, 50000000 };

    return (struct pick_worker){ .id = id,
                                 .in_flight = any(4),
                                 .busy_ns = times[any(8)],
                                 .unseen = any(3) ? 0 : any(70),
                                 .taken = any(70),
                                 .ahead_max = any(2) * any(65),
                                 .request_mean_ns = times[any(8)] };
}

static bool waits(const struct pick_worker *w)
{
    return w->busy_ns == 0 && w->unseen == 0;
}

static void a_loop_that_waits_is_always_preferred(void)
{
    struct pick_state state = { 0 };

    for (int round = 0; round < 50000; round++) {
        struct pick_worker w[WORKERS];
        u32 n = 1 + any(WORKERS), index = UINT32_MAX, idle = 0, least = UINT32_MAX;
        enum pick_verdict v;

        for (u32 i = 0; i < n; i++) {
            w[i] = random_worker(i + 1);
            if (waits(&w[i])) {
                idle++;
                least = min(least, w[i].in_flight);
            }
        }
        v = pick_worker(&state, PICK_IDLE_FIRST, w, n, 0, PICK_NO_LANE, &index);
        if (idle) {
            CHECK_EQ(v, PICK_GIVE);
            CHECK(index < n && waits(&w[index]) && w[index].in_flight == least);
        }
    }
}

static void nothing_is_ever_put_behind_a_loop_that_may_block(void)
{
    struct pick_state state = { 0 };

    for (int round = 0; round < 50000; round++) {
        struct pick_worker w[WORKERS];
        u32 n = 1 + any(WORKERS), index;

        for (u32 i = 0; i < n; i++)
            w[i] = random_worker(i + 1);
        if (pick_worker(&state, PICK_IDLE_FIRST, w, n, 0, PICK_NO_LANE, &index) != PICK_GIVE)
            continue;
        const struct pick_worker *to = &w[index];
        if (waits(to))
            continue;
        CHECK(to->unseen < to->ahead_max); /* what it runs is known to be short */
        /* and this turn is not yet longer than that lets expect */
        CHECK(to->busy_ns <= max(2 * PICK_SHORT_NS, 4 * to->taken * to->request_mean_ns));
    }
}

static void a_blocked_loop_gets_nothing_while_another_waits(void)
{
    struct pick_worker w[4];
    struct pick_state state = { 0 };
    u32 index;

    for (u32 blocked = 0; blocked < 4; blocked++) {
        crowd(w, 4, 10);
        w[blocked].busy_ns = 1000000000;
        for (int i = 0; i < 1000; i++) {
            CHECK_EQ(pick_worker(&state, PICK_IDLE_FIRST, w, 4, 0, PICK_NO_LANE, &index),
                     PICK_GIVE);
            CHECK(index != blocked);
            w[index].in_flight++;
        }
    }
}

static void a_loop_that_has_not_seen_what_it_was_given_does_not_wait(void)
{
    struct pick_worker w[2];
    struct pick_state state = { 0 };
    u32 index;

    crowd(w, 2, 0);
    w[0].unseen = 1; /* it has been given one and is about to wake */
    CHECK_EQ(pick_worker(&state, PICK_IDLE_FIRST, w, 2, 0, PICK_NO_LANE, &index), PICK_GIVE);
    CHECK_EQ(index, 1);
    w[1].unseen = 1;
    CHECK_EQ(pick_worker(&state, PICK_IDLE_FIRST, w, 2, 0, PICK_NO_LANE, &index), PICK_QUEUE);
}

static void while_nothing_is_known_one_request_at_a_time_is_given(void)
{
    struct pick_worker w[1];
    struct pick_state state = { 0 };
    u32 index;

    crowd(w, 1, 0);
    CHECK_EQ(pick_worker(&state, PICK_IDLE_FIRST, w, 1, 0, PICK_NO_LANE, &index), PICK_GIVE);
    w[0].unseen = 1;
    CHECK_EQ(pick_worker(&state, PICK_IDLE_FIRST, w, 1, 0, PICK_NO_LANE, &index), PICK_QUEUE);
    w[0] = (struct pick_worker){ .id = 1, .busy_ns = 1, .taken = 1 };
    CHECK_EQ(pick_worker(&state, PICK_IDLE_FIRST, w, 1, 0, PICK_NO_LANE, &index), PICK_QUEUE);
}

/* How many a loop that runs since `busy_ns` takes until the rest waits in the queue. */
static u32 ahead(u64 ahead_max, u64 busy_ns, u64 taken, u64 request_mean_ns)
{
    struct pick_worker w = { .id = 1,
                             .busy_ns = busy_ns,
                             .taken = taken,
                             .ahead_max = ahead_max,
                             .request_mean_ns = request_mean_ns };
    struct pick_state state = { 0 };
    u32 index, n = 0;

    while (n < 1000 &&
           pick_worker(&state, PICK_IDLE_FIRST, &w, 1, 0, PICK_NO_LANE, &index) == PICK_GIVE) {
        w.unseen++;
        n++;
    }
    return n;
}

static void a_loop_of_short_requests_is_given_as_many_ahead_as_was_learned(void)
{
    for (u32 n = 0; n <= 64; n++)
        CHECK_EQ(ahead(n, 1, 1, 100000), n);
}

static void a_turn_that_lasts_too_long_is_given_nothing(void)
{
    CHECK_EQ(ahead(10, 10 * PICK_SHORT_NS, 1, 100000), 0);
    CHECK_EQ(ahead(10, 5000000000ull, 64, 100000), 0);
    CHECK_EQ(ahead(10, 10 * PICK_SHORT_NS, 64, 200000), 10); /* 64 of 0.2 ms: it may take that */
}

static void of_busy_loops_the_one_with_the_least_ahead_gets_it(void)
{
    struct pick_worker w[3];
    struct pick_state state = { 0 };
    u32 index;

    crowd(w, 3, 10);
    for (u32 i = 0; i < 3; i++)
        w[i].busy_ns = 5000;
    w[0].unseen = 3;
    w[1].unseen = 2;
    w[2].unseen = 4;
    w[1].in_flight = 90; /* these wait for something; they do not load the loop now */
    CHECK_EQ(pick_worker(&state, PICK_IDLE_FIRST, w, 3, 0, PICK_NO_LANE, &index), PICK_GIVE);
    CHECK_EQ(index, 1);
}

/* Requests leave a queue in their order when each is only given if the verdict is GIVE. */
static void a_full_house_gives_as_loops_come_free_one_for_one(void)
{
    struct pick_worker w[4];
    struct pick_state state = { 0 };
    u32 index;

    crowd(w, 4, 0);
    for (u32 i = 0; i < 4; i++)
        w[i].busy_ns = 1000;
    for (int round = 0; round < 200; round++) {
        u32 free_one = any(4);

        CHECK_EQ(pick_worker(&state, PICK_IDLE_FIRST, w, 4, 0, PICK_NO_LANE, &index), PICK_QUEUE);
        w[free_one].busy_ns = 0;
        CHECK_EQ(pick_worker(&state, PICK_IDLE_FIRST, w, 4, 0, PICK_NO_LANE, &index), PICK_GIVE);
        CHECK_EQ(index, free_one);
        w[free_one].unseen = 1;
        CHECK_EQ(pick_worker(&state, PICK_IDLE_FIRST, w, 4, 0, PICK_NO_LANE, &index), PICK_QUEUE);
        w[free_one].unseen = 0;
        w[free_one].busy_ns = 1000;
    }
}

/* ---- hash ---- */

static u32 sticks_to(const struct pick_worker *w, u32 n, u64 key)
{
    struct pick_state state = { .turn = any(1000) };
    u32 index = UINT32_MAX;

    CHECK_EQ(pick_worker(&state, PICK_HASH, w, n, key, PICK_NO_LANE, &index), PICK_GIVE);
    return w[index].id;
}

static void a_key_sticks_to_its_worker_whatever_its_load(void)
{
    struct pick_worker w[WORKERS], shuffled[WORKERS];

    for (int round = 0; round < 2000; round++) {
        u64 key = (u64)any(UINT32_MAX) << 32 | any(UINT32_MAX);

        crowd(w, WORKERS, 0);
        for (u32 i = 0; i < WORKERS; i++)
            shuffled[i] = w[(i + 3) % WORKERS];
        for (u32 i = 0; i < WORKERS; i++)
            shuffled[i].in_flight = any(100), shuffled[i].busy_ns = any(2) * 5000000000ull;
        CHECK_EQ(sticks_to(w, WORKERS, key), sticks_to(shuffled, WORKERS, key));
    }
}

static void without_a_worker_only_its_own_keys_move_and_they_spread_evenly(void)
{
    struct pick_worker w[WORKERS], fewer[WORKERS - 1];
    u32 keys = 80000;

    crowd(w, WORKERS, 0);
    for (u32 gone = 0; gone < WORKERS; gone += 3) {
        u32 moved[WORKERS + 1] = { 0 }, owned[WORKERS + 1] = { 0 };

        for (u32 i = 0, n = 0; i < WORKERS; i++)
            if (i != gone)
                fewer[n++] = w[i];
        for (u64 key = 0; key < keys; key++) { /* like keys must not stick together either */
            u32 before = sticks_to(w, WORKERS, key), after = sticks_to(fewer, WORKERS - 1, key);

            owned[before]++;
            if (before == w[gone].id)
                moved[after]++;
            else
                CHECK_EQ(after, before);
        }
        for (u32 id = 1; id <= WORKERS; id++) {
            CHECK(owned[id] > keys / WORKERS * 95 / 100 && owned[id] < keys / WORKERS * 105 / 100);
            if (id == w[gone].id)
                continue;
            CHECK(moved[id] > owned[w[gone].id] / (WORKERS - 1) * 85 / 100);
            CHECK(moved[id] < owned[w[gone].id] / (WORKERS - 1) * 115 / 100);
        }
    }
}

/* ---- lanes ---- */

static void the_kept_are_those_with_the_lowest_numbers(void)
{
    struct pick_worker w[4] = { { .id = 7 }, { .id = 2 }, { .id = 2 }, { .id = 5 } };

    pick_keep(w, 4, 2, false);
    CHECK(!w[0].kept && w[1].kept && w[2].kept && !w[3].kept);
    pick_keep(w, 4, 0, false);
    CHECK(!w[0].kept && !w[1].kept && !w[2].kept && !w[3].kept);
}

static void a_slow_request_goes_to_no_kept_worker_and_behind_nothing(void)
{
    struct pick_state state = { 0 };

    for (int round = 0; round < 50000; round++) {
        struct pick_worker w[WORKERS];
        u32 n = 1 + any(WORKERS), index = UINT32_MAX;

        for (u32 i = 0; i < n; i++)
            w[i] = random_worker(i + 1);
        pick_keep(w, n, any(n + 1), any(2));
        if (pick_worker(&state, PICK_IDLE_FIRST, w, n, 0, PICK_SLOW, &index) == PICK_GIVE)
            CHECK(waits(&w[index]) && !w[index].kept);
        if (pick_worker(&state, PICK_IDLE_FIRST, w, n, 0, PICK_AGED, &index) == PICK_GIVE)
            CHECK(waits(&w[index]));
    }
}

static void a_fast_request_goes_to_a_kept_worker_that_waits_if_there_is_one(void)
{
    struct pick_state state = { 0 };

    for (int round = 0; round < 50000; round++) {
        struct pick_worker w[WORKERS];
        u32 n = 1 + any(WORKERS), index = UINT32_MAX, kept_idle = 0, idle = 0;
        enum pick_verdict v;

        for (u32 i = 0; i < n; i++)
            w[i] = random_worker(i + 1);
        pick_keep(w, n, any(n + 1), any(2));
        for (u32 i = 0; i < n; i++) {
            kept_idle += waits(&w[i]) && w[i].kept;
            idle += waits(&w[i]);
        }
        v = pick_worker(&state, PICK_IDLE_FIRST, w, n, 0, PICK_FAST, &index);
        if (idle)
            CHECK_EQ(v, PICK_GIVE);
        if (kept_idle)
            CHECK(waits(&w[index]) && w[index].kept);
    }
}

static void nothing_goes_ahead_where_a_slow_request_is_in_flight(void)
{
    struct pick_worker w[1] = {
        { .id = 1, .busy_ns = 1000, .ahead_max = 10, .request_mean_ns = 1000 }
    };
    struct pick_state state = { 0 };
    u32 index;

    CHECK_EQ(pick_worker(&state, PICK_IDLE_FIRST, w, 1, 0, PICK_NO_LANE, &index), PICK_GIVE);
    w[0].blocks = true;
    CHECK_EQ(pick_worker(&state, PICK_IDLE_FIRST, w, 1, 0, PICK_NO_LANE, &index), PICK_QUEUE);
    CHECK_EQ(pick_worker(&state, PICK_IDLE_FIRST, w, 1, 0, PICK_FAST, &index), PICK_QUEUE);
}

int main(void)
{
    TEST(nobody_is_picked_from_nobody);
    TEST(round_robin_gives_each_its_turn);
    TEST(least_conn_gives_to_one_with_the_fewest_in_flight);
    TEST(equals_share_what_least_conn_and_idle_first_give);
    TEST(a_loop_that_waits_is_always_preferred);
    TEST(nothing_is_ever_put_behind_a_loop_that_may_block);
    TEST(a_blocked_loop_gets_nothing_while_another_waits);
    TEST(a_loop_that_has_not_seen_what_it_was_given_does_not_wait);
    TEST(while_nothing_is_known_one_request_at_a_time_is_given);
    TEST(a_loop_of_short_requests_is_given_as_many_ahead_as_was_learned);
    TEST(a_turn_that_lasts_too_long_is_given_nothing);
    TEST(of_busy_loops_the_one_with_the_least_ahead_gets_it);
    TEST(a_full_house_gives_as_loops_come_free_one_for_one);
    TEST(a_key_sticks_to_its_worker_whatever_its_load);
    TEST(without_a_worker_only_its_own_keys_move_and_they_spread_evenly);
    TEST(the_kept_are_those_with_the_lowest_numbers);
    TEST(a_slow_request_goes_to_no_kept_worker_and_behind_nothing);
    TEST(a_fast_request_goes_to_a_kept_worker_that_waits_if_there_is_one);
    TEST(nothing_goes_ahead_where_a_slow_request_is_in_flight);
    return tap_done();
}
