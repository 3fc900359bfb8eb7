/* test/unit/guard_limiter_test.c -- never more than the budget: for any times, threads and crowds
 */
#include "base/clock.h"
#include "guard/limiter.h"

#include "tap.h"

#include <pthread.h>

enum { TABLE = 1 << 20 };
#define START_NS (1000 * NS_PER_S)

static u64 random_state = 88172645463325252ull;

static u64 random_next(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static struct limiter_rule rule_of(enum limiter_algorithm a, u32 count, u64 period_ns, u32 burst)
{
    return (struct limiter_rule){ .algorithm = a,
                                  .gcra = gcra_make(count, period_ns, burst),
                                  .window = window_make(count, period_ns) };
}

static void begin(struct limiter *l, u64 bytes)
{
    limiter_init(l);
    CHECK_EQ(limiter_need(l, LIMITER_BUCKET, bytes), 0);
    CHECK_EQ(limiter_need(l, LIMITER_WINDOW, bytes), 0);
}

static u32 admitted(struct limiter *l, const struct limiter_rule *r, u64 key, u64 now_ns, u32 times)
{
    u32 n = 0;

    for (u32 i = 0; i < times; i++)
        n += limiter_take(l, r, key, now_ns).admitted;
    return n;
}

static void a_full_bucket_serves_its_burst_and_then_one_for_each_token(void)
{
    struct limiter l;
    struct limiter_rule r = rule_of(LIMITER_BUCKET, 10, NS_PER_S, 20);
    struct rate_verdict v;

    begin(&l, TABLE);
    CHECK_EQ(admitted(&l, &r, 7, START_NS, 50), 20);
    v = limiter_take(&l, &r, 7, START_NS);
    CHECK(!v.admitted);
    CHECK_EQ(v.retry_ns, 100 * NS_PER_MS);
    CHECK_EQ(v.reset_ns, 2 * NS_PER_S);
    CHECK_EQ(admitted(&l, &r, 7, START_NS + v.retry_ns - 1, 2), 0);
    CHECK_EQ(admitted(&l, &r, 7, START_NS + v.retry_ns, 2), 1);
    CHECK_EQ(admitted(&l, &r, 8, START_NS, 50), 20); /* another client */
    v = limiter_take(&l, &r, 9, START_NS);
    CHECK(v.admitted);
    CHECK_EQ(v.remaining, 19);
    limiter_done(&l);
}

static void a_window_serves_its_count_and_has_all_of_it_again_a_ninth_later_at_most(void)
{
    struct limiter l;
    struct limiter_rule r = rule_of(LIMITER_WINDOW, 5, 9 * NS_PER_S, 5);
    struct rate_verdict v;

    begin(&l, TABLE);
    CHECK_EQ(limiter_take(&l, &r, 1, START_NS).remaining, 4);
    CHECK_EQ(admitted(&l, &r, 1, START_NS + NS_PER_S, 9), 4);
    v = limiter_take(&l, &r, 1, START_NS + NS_PER_S);
    CHECK(!v.admitted && v.retry_ns >= 8 * NS_PER_S && v.retry_ns <= 9 * NS_PER_S);
    CHECK_EQ(admitted(&l, &r, 1, START_NS + NS_PER_S + v.retry_ns, 9), 1);
    CHECK_EQ(admitted(&l, &r, 1, START_NS + 30 * NS_PER_S, 9), 5);
    limiter_done(&l);
}

static void what_is_given_back_can_be_taken_again(void)
{
    struct limiter l;

    begin(&l, TABLE);
    for (u32 a = 0; a < LIMITER_ALGORITHMS; a++) {
        struct limiter_rule r = rule_of((enum limiter_algorithm)a, 3, NS_PER_S, 3);

        CHECK_EQ(admitted(&l, &r, 5, START_NS, 3), 3);
        limiter_give(&l, &r, 5, START_NS);
        CHECK_EQ(admitted(&l, &r, 5, START_NS, 3), 1);
    }
    limiter_done(&l);
}

/* The times at which one client was admitted; no stretch of them may hold more than is allowed. */
enum { TIMES = 4000 };

static void stretches_check(const struct limiter_rule *r, const u64 *at, u32 n, u32 count,
                            u64 period_ns, u32 burst)
{
    u32 too_many = 0;

    for (u32 i = 0; i < n; i++) {
        for (u32 j = i; j < n && j < i + 300; j++) {
            u64 stretch_ns = at[j] - at[i];

            if (r->algorithm == LIMITER_BUCKET)
                too_many += j - i + 1 > burst + stretch_ns * count / period_ns;
            else
                too_many += stretch_ns < period_ns && j - i + 1 > count;
        }
    }
    CHECK_EQ(too_many, 0);
}

static void no_stretch_of_time_has_more_than_the_budget(void)
{
    static u64 at[TIMES];

    for (u32 round = 0; round < 60; round++) {
        u32 count = 1 + (u32)(random_next() % 40), burst = 1 + (u32)(random_next() % 60), n = 0;
        u64 period_ns = 1 + random_next() % (10 * NS_PER_S), now_ns = START_NS;
        struct limiter_rule r =
            rule_of(round % 2 ? LIMITER_BUCKET : LIMITER_WINDOW, count, period_ns, burst);
        struct limiter l;

        if (period_ns / count < 100)
            continue;
        begin(&l, TABLE);
        for (u32 i = 0; i < TIMES; i++) {
            now_ns += random_next() % (random_next() % 50 == 0 ? 3 * period_ns : period_ns / count);
            if (limiter_take(&l, &r, 99, now_ns).admitted)
                at[n++] = now_ns;
        }
        CHECK(n > 0);
        stretches_check(&r, at, n, count, period_ns, burst);
        limiter_done(&l);
    }
}

/* Threads look at the clock at different times: one may come with an older one. */
static void a_time_that_jumps_back_admits_no_more(void)
{
    for (u32 a = 0; a < LIMITER_ALGORITHMS; a++) {
        struct limiter_rule r = rule_of((enum limiter_algorithm)a, 100, 10 * NS_PER_S, 100);
        u32 n = 0;
        struct limiter l;

        begin(&l, TABLE);
        for (u32 i = 0; i < 5000; i++) /* up to a second before or after, for a second */
            n += limiter_take(&l, &r, 3, START_NS + random_next() % NS_PER_S).admitted;
        CHECK(n >= 100 && n <= 100 + 10);
        CHECK_EQ(limiter_take(&l, &r, 3, START_NS - 100 * NS_PER_S).admitted, false);
        limiter_done(&l);
    }
}

static void a_jump_far_ahead_makes_a_budget_whole_and_not_more(void)
{
    for (u32 a = 0; a < LIMITER_ALGORITHMS; a++) {
        struct limiter_rule r = rule_of((enum limiter_algorithm)a, 4, NS_PER_S, 4);
        struct limiter l;

        begin(&l, TABLE);
        CHECK_EQ(admitted(&l, &r, 3, START_NS, 9), 4);
        CHECK_EQ(admitted(&l, &r, 3, START_NS + (1ull << 60), 9), 4);
        limiter_done(&l);
    }
}

/* ---- threads ---- */

enum { THREADS = 4, KEYS = 16, ROUNDS = 20000 };

struct worker {
    struct limiter *limiter;
    const struct limiter_rule *rule;
    u32 admitted[KEYS];
};

static void *take_all(void *arg)
{
    struct worker *w = arg;

    for (u32 i = 0; i < ROUNDS; i++)
        w->admitted[i % KEYS] +=
            limiter_take(w->limiter, w->rule, 1 + i % KEYS, START_NS + i % 1000).admitted;
    return NULL;
}

static void threads_share_one_budget_to_the_last_token(void)
{
    for (u32 a = 0; a < LIMITER_ALGORITHMS; a++) {
        struct limiter_rule r = rule_of((enum limiter_algorithm)a, 1000, 3600 * NS_PER_S, 1000);
        struct worker w[THREADS];
        pthread_t id[THREADS];
        struct limiter l;

        begin(&l, 4096); /* few sets: they meet */
        for (u32 i = 0; i < THREADS; i++) {
            w[i] = (struct worker){ &l, &r, { 0 } };
            CHECK_EQ(pthread_create(&id[i], NULL, take_all, &w[i]), 0);
        }
        for (u32 i = 0; i < THREADS; i++)
            pthread_join(id[i], NULL);
        for (u32 k = 0; k < KEYS; k++) {
            u32 sum = 0;

            for (u32 i = 0; i < THREADS; i++)
                sum += w[i].admitted[k];
            CHECK_EQ(sum, 1000);
        }
        limiter_done(&l);
    }
}

/* ---- crowds ---- */

static void a_million_strangers_take_no_more_memory_and_no_budget_that_is_used_up(void)
{
    struct limiter_rule r = rule_of(LIMITER_BUCKET, 100, 60 * NS_PER_S, 100);
    enum { HONEST = 200, CROWD = 1000000 };
    struct buckets_sum sum;
    u32 again = 0;
    struct limiter l;

    begin(&l, TABLE);
    for (u32 i = 0; i < HONEST; i++)
        CHECK_EQ(admitted(&l, &r, random_state + i * 0x9e3779b97f4a7c15ull, START_NS, 101), 100);
    u64 first = random_state;
    for (u32 i = 0; i < CROWD; i++)
        CHECK(limiter_take(&l, &r, random_next() * 0x9e3779b97f4a7c15ull, START_NS + i).admitted);
    for (u32 i = 0; i < HONEST; i++)
        again += limiter_take(&l, &r, first + i * 0x9e3779b97f4a7c15ull, START_NS + CROWD).admitted;
    CHECK_EQ(again, 0); /* who had used his up is still known */
    sum = buckets_sum(l.table[LIMITER_BUCKET]);
    CHECK(sum.used <= sum.places && sum.places * 18 <= TABLE + sum.places * 3);
    CHECK(sum.forgotten > CROWD / 2);
    limiter_done(&l);
}

static void a_budget_that_is_whole_again_is_given_away_first(void)
{
    struct limiter_rule r = rule_of(LIMITER_BUCKET, 10, NS_PER_S, 10);
    struct buckets_sum sum;
    struct limiter l;

    begin(&l, 4096);
    for (u32 i = 1; i < 5000; i++) /* each when the one before is long whole again */
        CHECK(limiter_take(&l, &r, random_next(), START_NS + i * NS_PER_S).admitted);
    sum = buckets_sum(l.table[LIMITER_BUCKET]);
    CHECK_EQ(sum.forgotten, 0);
    limiter_done(&l);
}

static void without_a_table_all_are_admitted(void)
{
    struct limiter_rule r = rule_of(LIMITER_BUCKET, 1, NS_PER_S, 1);
    struct limiter l;

    limiter_init(&l);
    CHECK_EQ(admitted(&l, &r, 1, START_NS, 5), 5);
    limiter_give(&l, &r, 1, START_NS);
    CHECK_EQ(limiter_need(&l, LIMITER_BUCKET, 10), -EINVAL);
    limiter_done(&l);
}

/* For people: ns a decision, when asked for (FETTLE_MEASURE=1). */
static void a_decision_can_be_measured(void)
{
    struct limiter_rule r[2] = { rule_of(LIMITER_BUCKET, 100, NS_PER_S, 100),
                                 rule_of(LIMITER_WINDOW, 100, NS_PER_S, 100) };
    static const u32 crowd[] = { 1, 1000, 100000 };
    enum { DECISIONS = 5000000 };
    struct limiter l;

    if (!getenv("FETTLE_MEASURE"))
        return;
    begin(&l, 16 << 20);
    for (u32 a = 0; a < 2; a++) {
        for (u32 c = 0; c < ARRAY_LEN(crowd); c++) {
            u64 t = clock_now_ns();

            for (u32 i = 0; i < DECISIONS; i++) {
                u8 name[24] = { 0 };
                u64 n = random_next() % crowd[c];

                memcpy(name, &n, sizeof(n));
                (void)limiter_take(
                    &l, &r[a], hash_str(&l.hash_key, str_make((char *)name, sizeof(name))), t + i);
            }
            printf("# %s, %u clients: %.1f ns with the hash\n", a ? "window" : "bucket", crowd[c],
                   (double)(clock_now_ns() - t) / DECISIONS);
        }
    }
    limiter_done(&l);
}

int main(void)
{
    TEST(a_full_bucket_serves_its_burst_and_then_one_for_each_token);
    TEST(a_window_serves_its_count_and_has_all_of_it_again_a_ninth_later_at_most);
    TEST(what_is_given_back_can_be_taken_again);
    TEST(no_stretch_of_time_has_more_than_the_budget);
    TEST(a_time_that_jumps_back_admits_no_more);
    TEST(a_jump_far_ahead_makes_a_budget_whole_and_not_more);
    TEST(threads_share_one_budget_to_the_last_token);
    TEST(a_million_strangers_take_no_more_memory_and_no_budget_that_is_used_up);
    TEST(a_budget_that_is_whole_again_is_given_away_first);
    TEST(without_a_table_all_are_admitted);
    TEST(a_decision_can_be_measured);
    return tap_done();
}
