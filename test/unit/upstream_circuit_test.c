/* test/unit/upstream_circuit_test.c -- the states of a circuit breaker, and one probe at a time */
#include "upstream/circuit.h"

#include "base/clock.h"

#include "tap.h"

enum { THREADS = 4 };
#define START (1000 * NS_PER_S)

static struct shm_circuit shm;
static struct circuit c;
static struct circuit_rules rules;
static u64 now_ns;

static void begin(void)
{
    shm = (struct shm_circuit){ 0 };
    circuit_init(&c, &shm);
    rules = (struct circuit_rules){ .in_a_row = 5,
                                    .calls_least = 10,
                                    .window_ns = 10 * NS_PER_S,
                                    .open_ns = 5 * NS_PER_S,
                                    .open_max_ns = 20 * NS_PER_S,
                                    .probes = 2 };
    now_ns = START;
}

static enum circuit_change one_took(enum circuit_result result, u64 took_ns)
{
    struct circuit_call call;
    u64 wait_ns;

    CHECK(circuit_ask(&c, &rules, now_ns, &call, &wait_ns) != CIRCUIT_REFUSE);
    return circuit_tell(&call, &rules, result, took_ns, now_ns);
}

static enum circuit_change one(enum circuit_result result)
{
    return one_took(result, 0);
}

static u64 refused_for(void)
{
    struct circuit_call call;
    u64 wait_ns = 0;

    CHECK_EQ(circuit_ask(&c, &rules, now_ns, &call, &wait_ns), CIRCUIT_REFUSE);
    CHECK(call.circuit == NULL);
    return wait_ns;
}

static void fail(u32 n)
{
    for (u32 i = 0; i < n; i++)
        CHECK_EQ(one(CIRCUIT_FAILED), i + 1 == n ? CIRCUIT_OPENS : CIRCUIT_SAME);
}

static void failures_in_a_row_open_it(void)
{
    begin();
    for (u32 i = 0; i < 4; i++)
        CHECK_EQ(one(CIRCUIT_FAILED), CIRCUIT_SAME);
    CHECK_EQ(one(CIRCUIT_OK), CIRCUIT_SAME);
    fail(5);
    CHECK_EQ(shm.state, SHM_CIRCUIT_OPEN);
    CHECK_EQ(shm.reason, SHM_CIRCUIT_IN_A_ROW);
    CHECK_EQ(refused_for(), 5 * NS_PER_S);
    now_ns += 2 * NS_PER_S;
    CHECK_EQ(refused_for(), 3 * NS_PER_S);
    CHECK_EQ(shm.refused, 2);
}

static void clients_that_give_up_count_for_nothing(void)
{
    begin();
    for (u32 i = 0; i < 3; i++)
        CHECK_EQ(one(CIRCUIT_FAILED), CIRCUIT_SAME);
    CHECK_EQ(one(CIRCUIT_UNKNOWN), CIRCUIT_SAME);
    CHECK_EQ(shm.calls, 3);
    fail(2);
}

static void a_share_of_failures_opens_it_once_there_are_enough_calls(void)
{
    begin();
    rules.in_a_row = 0;
    rules.errors = 50000;
    for (u32 i = 0; i < 5; i++)
        CHECK_EQ(one(CIRCUIT_OK), CIRCUIT_SAME);
    fail(5);
    CHECK_EQ(shm.reason, SHM_CIRCUIT_ERRORS);
}

static void what_is_older_than_the_window_is_forgotten(void)
{
    begin();
    rules.in_a_row = 0;
    rules.errors = 50000;
    for (u32 i = 0; i < 9; i++)
        CHECK_EQ(one(CIRCUIT_FAILED), CIRCUIT_SAME);
    CHECK_EQ(circuit_sums(&shm, rules.window_ns, now_ns).failures, 9);
    now_ns += 10 * NS_PER_S;
    CHECK_EQ(circuit_sums(&shm, rules.window_ns, now_ns).failures, 0);
    CHECK_EQ(one(CIRCUIT_FAILED), CIRCUIT_SAME);
}

static void a_share_of_slow_answers_opens_it(void)
{
    begin();
    rules.slow_ns = NS_PER_S;
    rules.slow_share = 80000;
    for (u32 i = 0; i < 2; i++)
        CHECK_EQ(one_took(CIRCUIT_OK, NS_PER_S), CIRCUIT_SAME);
    for (u32 i = 0; i < 7; i++)
        CHECK_EQ(one_took(CIRCUIT_OK, NS_PER_S + 1), CIRCUIT_SAME);
    CHECK_EQ(one_took(CIRCUIT_OK, NS_PER_S + 1), CIRCUIT_OPENS);
    CHECK_EQ(shm.reason, SHM_CIRCUIT_SLOW);
}

static void probes_that_succeed_close_it(void)
{
    begin();
    fail(5);
    now_ns += 5 * NS_PER_S;
    CHECK_EQ(one(CIRCUIT_OK), CIRCUIT_SAME);
    CHECK_EQ(shm.state, SHM_CIRCUIT_HALF_OPEN);
    CHECK_EQ(one(CIRCUIT_OK), CIRCUIT_CLOSES);
    CHECK_EQ(one(CIRCUIT_FAILED), CIRCUIT_SAME);
    CHECK_EQ(shm.in_a_row, 1);
}

static void a_probe_that_fails_opens_it_for_twice_as_long(void)
{
    u64 wanted[] = { 5, 10, 20, 20 };

    begin();
    fail(5);
    for (u32 i = 0; i < ARRAY_LEN(wanted); i++) {
        u64 wait_ns = refused_for();

        CHECK_EQ(wait_ns, wanted[i] * NS_PER_S);
        now_ns += wait_ns;
        CHECK_EQ(one(CIRCUIT_FAILED), CIRCUIT_OPENS);
        CHECK_EQ(shm.reason, SHM_CIRCUIT_PROBE);
    }
    now_ns += refused_for();
    CHECK_EQ(one(CIRCUIT_OK), CIRCUIT_SAME);
    CHECK_EQ(one(CIRCUIT_OK), CIRCUIT_CLOSES);
    fail(5);
    CHECK_EQ(refused_for(), 5 * NS_PER_S); /* all is forgotten */
}

static void one_probe_runs_at_a_time(void)
{
    struct circuit_call probe, other;
    u64 wait_ns;

    begin();
    fail(5);
    now_ns += 5 * NS_PER_S;
    CHECK_EQ(circuit_ask(&c, &rules, now_ns, &probe, &wait_ns), CIRCUIT_PROBE);
    CHECK_EQ(refused_for(), 5 * NS_PER_S);
    CHECK_EQ(circuit_tell(&probe, &rules, CIRCUIT_UNKNOWN, 0, now_ns), CIRCUIT_SAME);
    CHECK_EQ(circuit_ask(&c, &rules, now_ns, &other, &wait_ns), CIRCUIT_PROBE);
    CHECK_EQ(refused_for(), 5 * NS_PER_S);
}

static void a_probe_that_hangs_is_given_up(void)
{
    struct circuit_call hangs, next;
    u64 wait_ns;

    begin();
    fail(5);
    now_ns += 5 * NS_PER_S;
    CHECK_EQ(circuit_ask(&c, &rules, now_ns, &hangs, &wait_ns), CIRCUIT_PROBE);
    now_ns += 5 * NS_PER_S;
    CHECK_EQ(circuit_ask(&c, &rules, now_ns, &next, &wait_ns), CIRCUIT_PROBE);
    CHECK_EQ(circuit_tell(&hangs, &rules, CIRCUIT_FAILED, 0, now_ns), CIRCUIT_SAME);
    CHECK_EQ(shm.state, SHM_CIRCUIT_HALF_OPEN);
    CHECK_EQ(refused_for(), 5 * NS_PER_S); /* the second one still runs */
    CHECK_EQ(circuit_tell(&next, &rules, CIRCUIT_OK, 0, now_ns), CIRCUIT_SAME);
    CHECK_EQ(shm.probes_ok, 1);
}

static void what_began_before_says_nothing_of_now(void)
{
    struct circuit_call before;
    u64 wait_ns;

    begin();
    CHECK_EQ(circuit_ask(&c, &rules, now_ns, &before, &wait_ns), CIRCUIT_PASS);
    fail(5);
    now_ns += 5 * NS_PER_S;
    CHECK_EQ(one(CIRCUIT_OK), CIRCUIT_SAME);
    CHECK_EQ(circuit_tell(&before, &rules, CIRCUIT_FAILED, 0, now_ns), CIRCUIT_SAME);
    CHECK_EQ(shm.state, SHM_CIRCUIT_HALF_OPEN);
}

static void a_call_is_told_once(void)
{
    struct circuit_call call;
    u64 wait_ns;

    begin();
    CHECK_EQ(circuit_ask(&c, &rules, now_ns, &call, &wait_ns), CIRCUIT_PASS);
    CHECK_EQ(circuit_tell(&call, &rules, CIRCUIT_FAILED, 0, now_ns), CIRCUIT_SAME);
    CHECK_EQ(circuit_tell(&call, &rules, CIRCUIT_FAILED, 0, now_ns), CIRCUIT_SAME);
    CHECK_EQ(shm.failures, 1);
}

static void a_proxy_that_comes_back_goes_on_with_it(void)
{
    struct circuit_call lost;
    u64 wait_ns;

    begin();
    fail(5);
    now_ns += 5 * NS_PER_S;
    CHECK_EQ(circuit_ask(&c, &rules, now_ns, &lost, &wait_ns), CIRCUIT_PROBE);
    circuit_init(&c, &shm);
    CHECK_EQ(one(CIRCUIT_OK), CIRCUIT_SAME); /* its probe is nobody's */
    CHECK_EQ(shm.state, SHM_CIRCUIT_HALF_OPEN);
}

/* ---- threads ---- */

static _Atomic u32 running, most_running, probes;
static _Atomic u64 shared_ns;

static void *call_much(void *arg)
{
    u32 seed = (u32)(uintptr_t)arg;

    for (u32 i = 0; i < 20000; i++) {
        struct circuit_call call;
        u64 wait_ns, at_ns = atomic_fetch_add(&shared_ns, 1000);
        enum circuit_verdict v = circuit_ask(&c, &rules, at_ns, &call, &wait_ns);

        seed = seed * 1103515245 + 12345;
        if (v == CIRCUIT_REFUSE)
            continue;
        if (v == CIRCUIT_PROBE) {
            u32 n = atomic_fetch_add(&running, 1) + 1;

            if (n > atomic_load(&most_running))
                atomic_store(&most_running, n);
            atomic_fetch_add(&probes, 1);
            atomic_fetch_sub(&running, 1); /* before it is told: then another one may begin */
        }
        (void)circuit_tell(&call, &rules, seed >> 16 & 1 ? CIRCUIT_FAILED : CIRCUIT_OK, 0, at_ns);
    }
    return NULL;
}

static void over_all_threads_there_is_one_probe(void)
{
    pthread_t thread[THREADS];

    begin();
    rules.open_ns = 20000; /* a probe holds its place for a second: longer than all of this */
    rules.open_max_ns = 40000;
    rules.in_a_row = 3;
    rules.probes = 1;
    shared_ns = START;
    for (u32 i = 0; i < THREADS; i++)
        CHECK_EQ(pthread_create(&thread[i], NULL, call_much, (void *)(uintptr_t)(i + 1)), 0);
    for (u32 i = 0; i < THREADS; i++)
        pthread_join(thread[i], NULL);
    CHECK(probes > 100);
    CHECK_EQ(shm.opened > 50, true);
    printf("# %u probes, opened %llu times\n", probes, (unsigned long long)shm.opened);
    CHECK_EQ(most_running, 1);
}

int main(void)
{
    TEST(failures_in_a_row_open_it);
    TEST(clients_that_give_up_count_for_nothing);
    TEST(a_share_of_failures_opens_it_once_there_are_enough_calls);
    TEST(what_is_older_than_the_window_is_forgotten);
    TEST(a_share_of_slow_answers_opens_it);
    TEST(probes_that_succeed_close_it);
    TEST(a_probe_that_fails_opens_it_for_twice_as_long);
    TEST(one_probe_runs_at_a_time);
    TEST(a_probe_that_hangs_is_given_up);
    TEST(what_began_before_says_nothing_of_now);
    TEST(a_call_is_told_once);
    TEST(a_proxy_that_comes_back_goes_on_with_it);
    TEST(over_all_threads_there_is_one_probe);
    return tap_done();
}
