/* test/unit/upstream_endpoint_health_test.c -- when an endpoint is left alone, and when it is back
 */
#include "upstream/endpoint_health.h"

#include "base/random.h"
#include "upstream/choose.h"

#include "tap.h"

#define START (1000 * NS_PER_S)
#define S NS_PER_S

static struct shm_upstream shm;
static struct endpoints g;
static struct endpoints_rules rules;
static enum endpoints_change changes[ENDPOINTS_MAX];
static u64 now_ns;

static void begin(u32 n)
{
    static struct endpoints_target to[ENDPOINTS_MAX];

    shm = (struct shm_upstream){ 0 };
    endpoints_init(&g, &shm);
    now_ns = START;
    rules = (struct endpoints_rules){ .failures = 5,
                                      .errors = 30000,
                                      .eject_ns = 10 * S,
                                      .eject_max_ns = 60 * S,
                                      .eject_most = 50000,
                                      .rise = 2,
                                      .fall = 3 };
    for (u32 i = 0; i < n; i++) {
        to[i] = (struct endpoints_target){ .weight = 1 };
        CHECK(addr_parse_ip(STR("127.0.0.1"), &to[i].addr));
        to[i].addr.port = (u16)(1000 + i);
    }
    CHECK_EQ(endpoints_put(&g, 0, to, n, now_ns), 0);
}

static u32 state(u32 i)
{
    return shm.endpoint[i].state;
}

/* What becomes of `n` requests at one endpoint, whoever would have been chosen. */
static enum endpoints_change results(u32 i, enum shm_endpoint_result result, u32 n)
{
    enum endpoints_change change = ENDPOINTS_SAME;

    for (u32 k = 0; k < n; k++) {
        struct endpoints_call call = { &g.of[i], now_ns };

        shm.endpoint[i].in_flight++;
        change = endpoints_ended(&g, &call, &rules, result, NS_PER_MS, now_ns);
    }
    return change;
}

static enum endpoints_change look(u64 after_ns, u32 i)
{
    now_ns += after_ns;
    endpoint_health_look(&g, &rules, now_ns, changes);
    return changes[i];
}

static enum endpoints_change probe(u32 i, enum shm_probe_result result)
{
    return endpoint_health_probe(&g, &g.of[i], &rules, result, 0, now_ns);
}

static void five_failures_in_a_row_eject(void)
{
    begin(3);
    CHECK_EQ(results(0, SHM_ENDPOINT_CONNECT, 4), ENDPOINTS_SAME);
    CHECK_EQ(results(0, SHM_ENDPOINT_OK, 1), ENDPOINTS_SAME);
    CHECK_EQ(results(0, SHM_ENDPOINT_RESET, 4), ENDPOINTS_SAME);
    CHECK_EQ(results(0, SHM_ENDPOINT_UNKNOWN, 9), ENDPOINTS_SAME);
    CHECK_EQ(state(0), SHM_ENDPOINT_UP);
    CHECK_EQ(results(0, SHM_ENDPOINT_TIMEOUT, 1), ENDPOINTS_EJECTED);
    CHECK_EQ(state(0), SHM_ENDPOINT_EJECTED);
    CHECK_EQ(shm.endpoint[0].reason, SHM_ENDPOINT_IN_A_ROW);
    CHECK_EQ(look(9 * S, 0), ENDPOINTS_SAME);
    CHECK_EQ(look(1 * S, 0), ENDPOINTS_RETURNED);
    CHECK_EQ(state(0), SHM_ENDPOINT_UP);
    CHECK_EQ(shm.endpoint[0].up_since_ns, now_ns);
}

static void statuses_of_the_app_do_not_count_in_a_row(void)
{
    begin(3);
    CHECK_EQ(results(0, SHM_ENDPOINT_ERROR, 100), ENDPOINTS_SAME);
    CHECK_EQ(state(0), SHM_ENDPOINT_UP);
}

static void without_an_ejection_time_nothing_is_ejected(void)
{
    begin(3);
    rules.eject_ns = 0;
    CHECK_EQ(results(0, SHM_ENDPOINT_CONNECT, 100), ENDPOINTS_SAME);
    begin(3);
    rules.failures = 0;
    CHECK_EQ(results(0, SHM_ENDPOINT_CONNECT, 100), ENDPOINTS_SAME);
}

static void an_ejection_lasts_twice_as_long_as_the_last_one(void)
{
    static const u64 lengths_s[] = { 10, 20, 40, 60, 60 };

    begin(2);
    for (u32 i = 0; i < ARRAY_LEN(lengths_s); i++) {
        CHECK_EQ(results(0, SHM_ENDPOINT_CONNECT, 5), ENDPOINTS_EJECTED);
        CHECK_EQ(shm.endpoint[0].until_ns, now_ns + lengths_s[i] * S);
        CHECK_EQ(look(lengths_s[i] * S, 0), ENDPOINTS_RETURNED);
    }
    now_ns += 71 * S; /* well for longer than that, and a window */
    CHECK_EQ(results(0, SHM_ENDPOINT_CONNECT, 5), ENDPOINTS_EJECTED);
    CHECK_EQ(shm.endpoint[0].until_ns, now_ns + 10 * S);
    CHECK_EQ(shm.endpoint[0].ejections, ARRAY_LEN(lengths_s) + 1);
}

static void never_more_than_the_share_is_ejected(void)
{
    u32 ejected = 0;

    begin(7);
    for (u32 i = 0; i < 7; i++)
        ejected += results(i, SHM_ENDPOINT_CONNECT, 50) == ENDPOINTS_EJECTED;
    CHECK_EQ(ejected, 0); /* the change is told once, by the fifth; so count the states */
    for (u32 i = 0; i < 7; i++)
        ejected += state(i) == SHM_ENDPOINT_EJECTED;
    CHECK_EQ(ejected, 3);
}

static void one_of_two_may_be_ejected_and_one_alone_may_not(void)
{
    begin(2);
    rules.eject_most = 0;
    CHECK_EQ(results(0, SHM_ENDPOINT_CONNECT, 5), ENDPOINTS_EJECTED);
    CHECK_EQ(results(1, SHM_ENDPOINT_CONNECT, 50), ENDPOINTS_SAME);
    CHECK_EQ(state(1), SHM_ENDPOINT_UP);
    begin(1);
    CHECK_EQ(results(0, SHM_ENDPOINT_CONNECT, 50), ENDPOINTS_SAME);
}

static void one_that_fails_more_often_than_the_others_is_ejected(void)
{
    begin(3);
    for (u32 i = 0; i < 3; i++) /* what the window before has seen */
        (void)results(i, SHM_ENDPOINT_OK, 1);
    look(0, 0);
    look(10 * S, 0);
    for (u32 i = 0; i < 3; i++)
        (void)results(i, SHM_ENDPOINT_OK, 50);
    (void)results(0, SHM_ENDPOINT_ERROR, 25); /* a third */
    (void)results(1, SHM_ENDPOINT_ERROR, 5);
    CHECK_EQ(look(9 * S, 0), ENDPOINTS_SAME);
    look(1 * S, 0);
    CHECK_EQ(changes[0], ENDPOINTS_SAME); /* by 29 points only */
    (void)results(1, SHM_ENDPOINT_OK, 100);
    (void)results(2, SHM_ENDPOINT_OK, 100);
    (void)results(0, SHM_ENDPOINT_OK, 65);
    (void)results(0, SHM_ENDPOINT_ERROR, 35);
    CHECK_EQ(look(10 * S, 0), ENDPOINTS_EJECTED);
    CHECK_EQ(shm.endpoint[0].reason, SHM_ENDPOINT_OUTLIER);
    CHECK_EQ(changes[1], ENDPOINTS_SAME);
}

static void an_app_that_fails_everywhere_has_no_outlier(void)
{
    begin(3);
    for (u32 window = 0; window < 4; window++) {
        for (u32 i = 0; i < 3; i++)
            (void)results(i, SHM_ENDPOINT_ERROR, 100);
        CHECK_EQ(look(10 * S, 0), ENDPOINTS_SAME);
    }
    for (u32 i = 0; i < 3; i++)
        CHECK_EQ(state(i), SHM_ENDPOINT_UP);
}

static void a_few_requests_say_nothing(void)
{
    begin(2);
    for (u32 window = 0; window < 3; window++) {
        (void)results(0, SHM_ENDPOINT_ERROR, ENDPOINT_HEALTH_CALLS_LEAST - 1);
        (void)results(1, SHM_ENDPOINT_OK, 100);
        CHECK_EQ(look(10 * S, 0), ENDPOINTS_SAME);
    }
}

static void the_first_probe_decides_alone(void)
{
    begin(2);
    CHECK_EQ(probe(0, SHM_PROBE_CONNECT), ENDPOINTS_DOWN);
    CHECK_EQ(state(0), SHM_ENDPOINT_DOWN);
    CHECK_EQ(probe(1, SHM_PROBE_OK), ENDPOINTS_SAME);
    CHECK_EQ(shm.endpoint[1].up_since_ns, 0);
}

static void so_many_probes_have_to_agree(void)
{
    begin(2);
    CHECK_EQ(probe(0, SHM_PROBE_OK), ENDPOINTS_SAME);
    CHECK_EQ(probe(0, SHM_PROBE_TIMEOUT), ENDPOINTS_SAME);
    CHECK_EQ(probe(0, SHM_PROBE_STATUS), ENDPOINTS_SAME); /* it fails, however */
    CHECK_EQ(probe(0, SHM_PROBE_OK), ENDPOINTS_SAME);
    CHECK_EQ(probe(0, SHM_PROBE_RESET), ENDPOINTS_SAME);
    CHECK_EQ(probe(0, SHM_PROBE_RESET), ENDPOINTS_SAME);
    CHECK_EQ(probe(0, SHM_PROBE_CONNECT), ENDPOINTS_DOWN);
    CHECK_EQ(probe(0, SHM_PROBE_CONNECT), ENDPOINTS_SAME);
    CHECK_EQ(probe(0, SHM_PROBE_OK), ENDPOINTS_SAME);
    CHECK_EQ(probe(0, SHM_PROBE_CONNECT), ENDPOINTS_SAME);
    CHECK_EQ(probe(0, SHM_PROBE_OK), ENDPOINTS_SAME);
    now_ns += S;
    CHECK_EQ(probe(0, SHM_PROBE_OK), ENDPOINTS_UP);
    CHECK_EQ(shm.endpoint[0].up_since_ns, now_ns);
    CHECK_EQ(shm.endpoint[0].probes[SHM_PROBE_OK], 5);
}

static void what_probes_call_down_neither_is_ejected_nor_comes_back_by_itself(void)
{
    begin(3);
    CHECK_EQ(results(0, SHM_ENDPOINT_CONNECT, 5), ENDPOINTS_EJECTED);
    CHECK_EQ(probe(0, SHM_PROBE_CONNECT), ENDPOINTS_DOWN);
    CHECK_EQ(look(100 * S, 0), ENDPOINTS_SAME);
    CHECK_EQ(results(0, SHM_ENDPOINT_CONNECT, 50), ENDPOINTS_SAME);
    CHECK_EQ(state(0), SHM_ENDPOINT_DOWN);
    CHECK_EQ(endpoint_health_unprobe(&g, &g.of[0], now_ns), ENDPOINTS_UP);
    CHECK_EQ(endpoint_health_unprobe(&g, &g.of[0], now_ns), ENDPOINTS_SAME);
}

static void a_good_probe_does_not_end_an_ejection(void)
{
    begin(2);
    CHECK_EQ(probe(0, SHM_PROBE_OK), ENDPOINTS_SAME);
    CHECK_EQ(results(0, SHM_ENDPOINT_RESET, 5), ENDPOINTS_EJECTED);
    CHECK_EQ(probe(0, SHM_PROBE_OK), ENDPOINTS_SAME);
    CHECK_EQ(state(0), SHM_ENDPOINT_EJECTED);
}

static void what_leaves_has_no_health(void)
{
    begin(2);
    endpoints_keep(&g, NULL, 0, now_ns);
    CHECK_EQ(results(0, SHM_ENDPOINT_CONNECT, 50), ENDPOINTS_SAME);
    CHECK_EQ(probe(0, SHM_PROBE_CONNECT), ENDPOINTS_SAME);
    CHECK_EQ(state(0), SHM_ENDPOINT_LEAVING);
}

static bool chosen(u32 wanted, u32 *panics)
{
    struct endpoints_call call;
    bool found = false;

    for (u64 i = 0; i < 200; i++) {
        struct endpoints_want want = { .rules = &rules, .random = i, .now_ns = now_ns };

        CHECK(endpoints_choose(&g, &want, &call));
        found |= endpoints_index(&g, call.to) == wanted;
        (void)endpoints_ended(&g, &call, &rules, SHM_ENDPOINT_UNKNOWN, 0, now_ns);
    }
    *panics = (u32)shm.panics;
    return found;
}

static void when_all_are_down_all_are_tried(void)
{
    u32 panics;

    begin(3);
    CHECK_EQ(probe(0, SHM_PROBE_CONNECT), ENDPOINTS_DOWN);
    CHECK(!chosen(0, &panics));
    CHECK_EQ(panics, 0);
    CHECK_EQ(probe(1, SHM_PROBE_CONNECT), ENDPOINTS_DOWN);
    CHECK_EQ(probe(2, SHM_PROBE_CONNECT), ENDPOINTS_DOWN);
    CHECK(chosen(0, &panics) && chosen(1, &panics) && chosen(2, &panics));
    CHECK_EQ(panics, 600);
}

/* Whatever happens: never more than the share ejected, never the only one. */
static void no_row_of_events_ejects_too_many(void)
{
    struct random r = { 11 };

    for (u32 round = 0; round < 300; round++) {
        u32 n = 1 + random_u64(&r) % 9;

        begin(n);
        rules.eject_most = random_u64(&r) % 100000;
        for (u32 i = 0; i < 400; i++) {
            u32 at = random_u64(&r) % n, ejected = 0, out = 0;

            switch (random_u64(&r) % 4) {
            case 0:
                (void)results(at, random_u64(&r) % SHM_ENDPOINT_RESULTS, random_u64(&r) % 60);
                break;
            case 1:
                (void)results(at, SHM_ENDPOINT_CONNECT, 5);
                break;
            case 2:
                (void)probe(at, random_u64(&r) % 2 ? SHM_PROBE_OK : SHM_PROBE_TIMEOUT);
                break;
            case 3:
                look(random_u64(&r) % (12 * S), 0);
                break;
            }
            for (u32 k = 0; k < n; k++) {
                ejected += state(k) == SHM_ENDPOINT_EJECTED;
                out += state(k) != SHM_ENDPOINT_UP;
            }
            CHECK(ejected <= max(1u, n * rules.eject_most / 100000));
            CHECK(ejected < n);
            CHECK(out <= n);
        }
    }
}

int main(void)
{
    TEST(five_failures_in_a_row_eject);
    TEST(statuses_of_the_app_do_not_count_in_a_row);
    TEST(without_an_ejection_time_nothing_is_ejected);
    TEST(an_ejection_lasts_twice_as_long_as_the_last_one);
    TEST(never_more_than_the_share_is_ejected);
    TEST(one_of_two_may_be_ejected_and_one_alone_may_not);
    TEST(one_that_fails_more_often_than_the_others_is_ejected);
    TEST(an_app_that_fails_everywhere_has_no_outlier);
    TEST(a_few_requests_say_nothing);
    TEST(the_first_probe_decides_alone);
    TEST(so_many_probes_have_to_agree);
    TEST(what_probes_call_down_neither_is_ejected_nor_comes_back_by_itself);
    TEST(a_good_probe_does_not_end_an_ejection);
    TEST(what_leaves_has_no_health);
    TEST(when_all_are_down_all_are_tried);
    TEST(no_row_of_events_ejects_too_many);
    return tap_done();
}
