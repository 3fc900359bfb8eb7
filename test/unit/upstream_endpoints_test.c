/* test/unit/upstream_endpoints_test.c -- who is in a group of endpoints, and who gets a request */
#include "upstream/endpoints.h"

#include "tap.h"

#define START (1000 * NS_PER_S)

static struct shm_upstream shm;
static struct endpoints g;
static struct endpoints_rules rules;
static u64 now_ns;

static struct endpoints_target at(const char *ip, u16 port)
{
    struct endpoints_target to = { .weight = 1, .name = str_of(ip) };

    CHECK(addr_parse_ip(str_of(ip), &to.addr));
    to.addr.port = port;
    return to;
}

static void begin(void)
{
    shm = (struct shm_upstream){ 0 };
    endpoints_init(&g, &shm);
    rules = (struct endpoints_rules){ .failures = 5, .eject_ns = 10 * NS_PER_S };
    now_ns = START;
}

static void put_two(void)
{
    struct endpoints_target to[] = { at("127.0.0.2", 80), at("127.0.0.3", 80) };

    CHECK_EQ(endpoints_put(&g, 0, to, 2, now_ns), 0);
}

/* The port and last byte of who was chosen: 127.0.0.N:80 is N. */
static u32 choose(struct endpoints_call *call, u64 tried, u64 random)
{
    struct endpoints_want want = {
        .rules = &rules, .tried = tried, .random = random, .now_ns = now_ns
    };

    return endpoints_choose(&g, &want, call) ? call->to->addr.ip[3] : 0;
}

static void end(struct endpoints_call *call, enum shm_endpoint_result result)
{
    (void)endpoints_ended(&g, call, &rules, result, NS_PER_MS, now_ns);
}

static void an_empty_group_has_nobody(void)
{
    struct endpoints_call call;

    begin();
    CHECK_EQ(choose(&call, 0, 0), 0);
    CHECK_EQ(shm.none, 1);
}

static void those_with_the_least_in_flight_come_first(void)
{
    struct endpoints_call a, b;

    begin();
    put_two();
    CHECK(choose(&a, 0, 1) != choose(&b, 0, 1));
    CHECK_EQ(shm.endpoint[0].in_flight, 1);
    CHECK_EQ(shm.endpoint[1].in_flight, 1);
    end(&a, SHM_ENDPOINT_OK);
    end(&b, SHM_ENDPOINT_RESET);
    CHECK(a.to == NULL);
    CHECK_EQ(shm.endpoint[0].in_flight + shm.endpoint[1].in_flight, 0);
    CHECK_EQ(shm.endpoint[0].results[SHM_ENDPOINT_OK] + shm.endpoint[1].results[SHM_ENDPOINT_OK],
             1);
}

static void one_that_has_failed_the_request_is_asked_again_only_when_it_is_alone(void)
{
    struct endpoints_call call;
    struct endpoints_target to[] = { at("127.0.0.2", 80), at("127.0.0.3", 80) };

    begin();
    put_two();
    for (u64 random = 0; random < 4; random++) {
        CHECK_EQ(choose(&call, 1, random), 3);
        end(&call, SHM_ENDPOINT_OK);
    }
    CHECK_EQ(endpoints_put(&g, 0, to, 1, now_ns), 0);
    CHECK_EQ(choose(&call, 1, 0), 2);
    end(&call, SHM_ENDPOINT_OK);
}

static void a_higher_priority_waits_for_the_lower_to_be_gone(void)
{
    struct endpoints_call call;
    struct endpoints_target to[] = { at("127.0.0.2", 80), at("127.0.0.3", 80) };

    begin();
    to[0].priority = 1;
    CHECK_EQ(endpoints_put(&g, 0, to, 2, now_ns), 0);
    for (u64 random = 0; random < 4; random++)
        CHECK_EQ(choose(&call, 0, random), 3);
    CHECK_EQ(choose(&call, 2, 0), 2);
}

static void what_is_taken_off_the_list_gets_nothing_more(void)
{
    struct endpoints_call held, call;
    struct endpoints_target to[] = { at("127.0.0.3", 80) };

    begin();
    put_two();
    for (u64 random = 1; random < 100 && choose(&held, 0, random) != 2; random++)
        end(&held, SHM_ENDPOINT_OK);
    CHECK_EQ(endpoints_put(&g, 0, to, 1, now_ns), 0);
    CHECK_EQ(held.to->shm->state, SHM_ENDPOINT_LEAVING);
    for (u64 random = 0; random < 4; random++)
        CHECK_EQ(choose(&call, 0, random), 3);
    endpoints_keep(&g, NULL, 0, now_ns);
    CHECK_EQ(choose(&call, 0, 0), 0);
}

static void a_place_rests_before_it_gets_another_address(void)
{
    struct endpoints_call held;
    struct endpoints_target two = at("127.0.0.2", 80), three = at("127.0.0.3", 80);

    begin();
    CHECK_EQ(endpoints_put(&g, 0, &two, 1, now_ns), 0);
    CHECK_EQ(choose(&held, 0, 0), 2);
    for (u32 i = 1; i < ENDPOINTS_MAX; i++) { /* all other places have been somebody's */
        two.addr.port = (u16)(1000 + i);
        CHECK_EQ(endpoints_put(&g, i, &two, 1, now_ns), 0);
    }
    endpoints_keep(&g, NULL, 0, now_ns);
    CHECK_EQ(endpoints_put(&g, 0, &three, 1, now_ns), -ENOSPC);
    now_ns += ENDPOINTS_REST_NS;
    for (u32 i = 1; i < ENDPOINTS_MAX; i++)
        CHECK_EQ(endpoints_put(&g, i, &three, 1, now_ns), 0);
    CHECK_EQ(endpoints_put(&g, 0, &three, 1, now_ns), -ENOSPC); /* the first one is still used */
    end(&held, SHM_ENDPOINT_OK);
    CHECK_EQ(endpoints_put(&g, 0, &three, 1, now_ns), 0);
}

static void only_who_joins_later_has_a_slow_start(void)
{
    struct endpoints_target two = at("127.0.0.2", 80), three = at("127.0.0.3", 80);

    begin();
    CHECK_EQ(endpoints_put(&g, 0, &two, 1, now_ns), 0);
    now_ns += ENDPOINTS_BEGIN_NS - 1; /* items of one list come one after the other */
    CHECK_EQ(endpoints_put(&g, 1, &three, 1, now_ns), 0);
    CHECK_EQ(shm.endpoint[0].up_since_ns, 0);
    CHECK_EQ(shm.endpoint[1].up_since_ns, 0);
    two.addr.port = 81;
    now_ns += 1;
    CHECK_EQ(endpoints_put(&g, 2, &two, 1, now_ns), 0);
    CHECK_EQ(shm.endpoint[2].up_since_ns, now_ns);
    endpoints_keep(&g, NULL, 0, now_ns);
    now_ns += NS_PER_S;
    CHECK_EQ(endpoints_put(&g, 2, &two, 1, now_ns), 0); /* it is alone: for whom should it wait? */
    CHECK_EQ(shm.endpoint[2].up_since_ns, 0);
}

static void one_that_comes_back_is_the_same_and_goes_on_counting(void)
{
    struct endpoints_call call;
    struct endpoints_target to = at("127.0.0.2", 80);

    begin();
    put_two();
    CHECK_EQ(choose(&call, 2, 0), 2);
    end(&call, SHM_ENDPOINT_OK);
    endpoints_keep(&g, NULL, 0, now_ns);
    CHECK_EQ(endpoints_put(&g, 0, &to, 1, now_ns), 0);
    CHECK_EQ(shm.endpoint[0].state, SHM_ENDPOINT_UP);
    CHECK_EQ(shm.endpoint[0].results[SHM_ENDPOINT_OK], 1);
    shm.endpoint[0].in_flight = 7; /* of a proxy that has died */
    endpoints_init(&g, &shm);
    CHECK_EQ(shm.endpoint[0].in_flight, 0);
    CHECK_EQ(choose(&call, 0, 0), 0);
    CHECK_EQ(endpoints_put(&g, 5, &to, 1, now_ns), 0);
    CHECK_EQ(shm.endpoint[0].state, SHM_ENDPOINT_UP);
    CHECK_EQ(shm.endpoint[0].results[SHM_ENDPOINT_OK], 1);
}

int main(void)
{
    TEST(an_empty_group_has_nobody);
    TEST(those_with_the_least_in_flight_come_first);
    TEST(one_that_has_failed_the_request_is_asked_again_only_when_it_is_alone);
    TEST(a_higher_priority_waits_for_the_lower_to_be_gone);
    TEST(what_is_taken_off_the_list_gets_nothing_more);
    TEST(a_place_rests_before_it_gets_another_address);
    TEST(only_who_joins_later_has_a_slow_start);
    TEST(one_that_comes_back_is_the_same_and_goes_on_counting);
    return tap_done();
}
