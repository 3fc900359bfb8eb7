/* test/unit/upstream_retry_budget_test.c -- never more repeats than the budget has, over all
 * threads */
#include "upstream/retry_budget.h"

#include "base/clock.h"

#include "tap.h"

enum { SHARE = 20000, THREADS = 4 }; /* 20 % */
#define START (1000 * NS_PER_S)

static u32 take_all(struct retry_budget *b, u64 now_ns)
{
    u32 n = 0;

    while (n < 100000 && retry_budget_take(b, SHARE, now_ns))
        n++;
    return n;
}

static void an_app_without_traffic_has_a_few(void)
{
    struct retry_budget b;

    retry_budget_init(&b);
    CHECK_EQ(take_all(&b, START), RETRY_BUDGET_LEAST);
    CHECK(!retry_budget_take(&b, SHARE, START + 9 * NS_PER_S));
    CHECK_EQ(take_all(&b, START + 10 * NS_PER_S), RETRY_BUDGET_LEAST);
}

static void a_fifth_of_the_requests_of_ten_seconds_may_be_repeated(void)
{
    struct retry_budget b;

    retry_budget_init(&b);
    for (u32 i = 0; i < 5000; i++)
        retry_budget_request(&b, START + i * 2 * NS_PER_MS); /* over ten seconds */
    CHECK_EQ(take_all(&b, START + 9 * NS_PER_S), RETRY_BUDGET_LEAST + 1000);
    CHECK_EQ(take_all(&b, START + 12 * NS_PER_S), 0);
    CHECK_EQ(take_all(&b, START + 19 * NS_PER_S), RETRY_BUDGET_LEAST);
}

static void without_a_share_there_is_no_limit(void)
{
    struct retry_budget b;

    retry_budget_init(&b);
    for (u32 i = 0; i < 10 * RETRY_BUDGET_LEAST; i++)
        CHECK(retry_budget_take(&b, 0, START));
    CHECK_EQ(take_all(&b, START), RETRY_BUDGET_LEAST); /* and those are not counted */
}

/* A machine that has just started has a clock near 0. */
static void time_may_begin_at_nought(void)
{
    struct retry_budget b;

    retry_budget_init(&b);
    retry_budget_request(&b, 0);
    CHECK_EQ(take_all(&b, 0), RETRY_BUDGET_LEAST);
    CHECK_EQ(take_all(&b, NS_PER_S), 0);
}

static struct shared {
    struct retry_budget b;
    _Atomic u32 taken;
    _Atomic u64 now_ns;
} shared;

static void *ask_much(void *arg)
{
    u32 taken = 0;

    (void)arg;
    for (u32 i = 0; i < 20000; i++) {
        u64 now_ns = atomic_fetch_add(&shared.now_ns, 10000);

        if (i % 4 == 0)
            retry_budget_request(&shared.b, now_ns);
        taken += retry_budget_take(&shared.b, SHARE, now_ns);
    }
    atomic_fetch_add(&shared.taken, taken);
    return NULL;
}

/* 80,000 takes in 0.8 s, at the border of two seconds. */
static void many_threads_get_no_more_than_one_would(void)
{
    pthread_t thread[THREADS];

    retry_budget_init(&shared.b);
    shared.now_ns = START + 600 * NS_PER_MS;
    for (u32 i = 0; i < THREADS; i++)
        CHECK_EQ(pthread_create(&thread[i], NULL, ask_much, NULL), 0);
    for (u32 i = 0; i < THREADS; i++)
        pthread_join(thread[i], NULL);
    CHECK_EQ(take_all(&shared.b, shared.now_ns) + shared.taken,
             retry_budget_most(THREADS * 20000 / 4, SHARE));
}

int main(void)
{
    TEST(an_app_without_traffic_has_a_few);
    TEST(a_fifth_of_the_requests_of_ten_seconds_may_be_repeated);
    TEST(without_a_share_there_is_no_limit);
    TEST(time_may_begin_at_nought);
    TEST(many_threads_get_no_more_than_one_would);
    return tap_done();
}
