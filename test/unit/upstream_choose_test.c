/* test/unit/upstream_choose_test.c -- which endpoint gets a request, case by case */
#include "upstream/choose.h"

#include "base/clock.h"

#include "tap.h"

#define NOW (1000 * NS_PER_S)
#define MS NS_PER_MS
enum { ROUNDS = 20000, PANIC = 25000 };

static struct choose_rules rules;

static struct choose_endpoint of[CHOOSE_MAX];
static struct random dice;
static u32 count[CHOOSE_MAX], spilled, again, panicked;

static void begin(u32 n)
{
    dice.state = 7;
    rules = (struct choose_rules){ .panic = PANIC };
    for (u32 i = 0; i < n; i++)
        of[i] = (struct choose_endpoint){ .weight = 1,
                                          .ramp = CHOOSE_RAMP_ALL,
                                          .idle = CHOOSE_IDLE_UNKNOWN,
                                          .latency_ns = MS,
                                          .latency_at_ns = NOW };
}

/* Asks ROUNDS times and counts. */
static void ask(u32 n)
{
    memset(count, 0, sizeof(count));
    spilled = again = panicked = 0;
    for (u32 i = 0; i < ROUNDS; i++) {
        struct choose_found found;

        CHECK_EQ(choose(of, n, &rules, NOW, &dice, &found), CHOOSE_FOUND);
        count[found.index]++;
        spilled += found.spilled;
        again += found.again;
        panicked += found.panic;
    }
}

/* Whether endpoint i got this share, within two percentage points. */
static bool got(u32 i, double share)
{
    double has = (double)count[i] / ROUNDS;

    if (has >= share - 0.02 && has <= share + 0.02)
        return true;
    printf("# endpoint %u got %.3f\n", i, has);
    return false;
}

static void nobody_is_there_to_choose(void)
{
    struct choose_found found;

    begin(2);
    CHECK_EQ(choose(of, 0, &rules, NOW, &dice, &found), CHOOSE_NOBODY);
    of[0].weight = of[1].weight = 0;
    CHECK_EQ(choose(of, 2, &rules, NOW, &dice, &found), CHOOSE_NOBODY);
}

static void weights_are_kept_among_equals(void)
{
    begin(3);
    of[1].weight = 3, of[2].weight = 6;
    ask(3);
    CHECK(got(0, 0.1) && got(1, 0.3) && got(2, 0.6));
    of[0].in_flight = 1, of[1].in_flight = 3, of[2].in_flight = 6; /* what their weights have it */
    ask(3);
    CHECK(got(0, 0.1) && got(1, 0.3) && got(2, 0.6));
    of[1].weight = 0;
    ask(3);
    CHECK(got(1, 0));
}

static void a_slow_one_gets_nothing_while_others_are_free(void)
{
    begin(2);
    of[0].latency_ns = 100 * MS;
    ask(2);
    CHECK(got(0, 0) && got(1, 1));
    of[1].in_flight = 200; /* now it is worth it */
    ask(2);
    CHECK(got(0, 1));
}

/* It drifts to what the best one takes. */
static void a_slow_one_that_nobody_has_asked_for_long_is_tried_again(void)
{
    begin(2);
    of[0].latency_ns = 100 * MS;
    of[0].latency_at_ns = NOW - 120 * NS_PER_S;
    ask(2);
    CHECK(got(0, 0.5));
}

static void one_that_nothing_is_known_of_is_taken_for_as_good_as_the_best(void)
{
    begin(3);
    of[0].latency_ns = of[0].latency_at_ns = 0;
    of[1].latency_ns = 50 * MS;
    ask(3);
    CHECK(got(0, 0.5) && got(1, 0) && got(2, 0.5));
}

static void requests_in_flight_are_evened_out(void)
{
    begin(2);
    of[0].in_flight = 5;
    of[1].in_flight = 3;
    ask(2);
    CHECK(got(0, 0) && got(1, 1));
}

static void what_is_down_gets_nothing_until_too_few_are_up(void)
{
    begin(5);
    of[0].down = of[1].down = of[2].down = true;
    ask(5);
    CHECK(got(0, 0) && got(3, 0.5) && got(4, 0.5));
    CHECK_EQ(panicked, 0);
    of[3].down = true; /* a fifth is up: less than PANIC */
    ask(5);
    CHECK_EQ(panicked, ROUNDS);
    CHECK(got(0, 0.2) && got(4, 0.2));
}

static void when_all_are_down_all_are_tried(void)
{
    struct choose_found found;

    begin(2);
    of[0].down = of[1].down = true;
    rules.panic = 0;
    for (u32 i = 0; i < 10; i++) {
        CHECK_EQ(choose(of, 2, &rules, NOW, &dice, &found), CHOOSE_FOUND);
        CHECK(found.panic);
    }
    ask(2);
    CHECK(got(0, 0.5));
}

static void one_that_was_tried_is_tried_again_only_when_all_were(void)
{
    begin(3);
    of[0].tried = true;
    of[1].down = true;
    ask(3);
    CHECK(got(2, 1));
    CHECK_EQ(again, 0);
    of[2].tried = true;
    ask(3);
    CHECK(got(0, 0.5) && got(1, 0) && got(2, 0.5));
    CHECK_EQ(again, ROUNDS);
}

static void one_that_is_full_gets_nothing_more(void)
{
    struct choose_found found;

    begin(2);
    of[0].full = true;
    ask(2);
    CHECK(got(1, 1));
    of[1].tried = true;
    ask(2);
    CHECK(got(1, 1));
    of[1].full = true;
    CHECK_EQ(choose(of, 2, &rules, NOW, &dice, &found), CHOOSE_FULL);
}

static void slow_start_grows_from_a_tenth(void)
{
    u64 since = NOW - 5 * NS_PER_S;

    CHECK_EQ(choose_ramp(0, 10 * NS_PER_S, NOW), CHOOSE_RAMP_ALL);
    CHECK_EQ(choose_ramp(NOW, 10 * NS_PER_S, NOW), CHOOSE_RAMP_LEAST);
    CHECK_EQ(choose_ramp(since, 10 * NS_PER_S, NOW), CHOOSE_RAMP_ALL / 2);
    CHECK_EQ(choose_ramp(since, 5 * NS_PER_S, NOW), CHOOSE_RAMP_ALL);
    CHECK_EQ(choose_ramp(since, 0, NOW), CHOOSE_RAMP_ALL);
    CHECK_EQ(choose_ramp(NOW + 1, 10 * NS_PER_S, NOW), CHOOSE_RAMP_LEAST);
}

static void one_in_slow_start_gets_its_share_even_when_the_other_is_busy(void)
{
    begin(2);
    of[0].ramp = 100;
    ask(2);
    CHECK(got(0, 0.1 / 1.1));
    of[1].in_flight = 50;
    ask(2);
    CHECK((double)count[0] / ROUNDS < 0.2);
}

static void a_host_without_a_waiting_loop_gets_nothing_while_another_has_some(void)
{
    begin(3);
    of[0].idle = 0;
    of[1].idle = 2, of[1].in_flight = 8; /* busier, but it has room */
    of[2].idle = 0;
    ask(3);
    CHECK(got(1, 1));
    of[2].idle = CHOOSE_IDLE_UNKNOWN; /* says nothing: it may have some */
    ask(3);
    CHECK(got(0, 0) && count[2] > 0);
    of[1].idle = of[2].idle = 0;
    ask(3);
    CHECK(count[0] > 0 && count[1] < count[0]);
}

static void waiting_loops_of_one_in_slow_start_do_not_draw_everything_there(void)
{
    begin(2);
    of[0].idle = 0;
    of[1].idle = 4, of[1].ramp = 100;
    ask(2);
    CHECK((double)count[1] / ROUNDS < 0.2);
}

static void the_own_zone_goes_first(void)
{
    begin(4);
    of[2].far = of[3].far = true;
    ask(4);
    CHECK(got(0, 0.5) && got(1, 0.5));
    CHECK_EQ(spilled, 0);
    of[0].in_flight = 1; /* is no overload */
    of[1].in_flight = 1;
    ask(4);
    CHECK_EQ(spilled, 0);
}

static void without_an_endpoint_in_the_own_zone_the_others_are_all_there_is(void)
{
    begin(2);
    of[0].far = of[1].far = true;
    ask(2);
    CHECK(got(0, 0.5));
    CHECK_EQ(spilled, 0);
}

static void a_zone_of_which_too_much_is_down_spills_over(void)
{
    begin(4);
    of[0].down = true;
    of[2].far = of[3].far = true;
    ask(4);
    CHECK(got(1, 0.7)); /* 1.4 times a half */
    CHECK_EQ(spilled, ROUNDS - count[1]);
    of[1].down = true;
    ask(4);
    CHECK(got(2, 0.5) && got(3, 0.5));
}

static void an_overloaded_zone_spills_over(void)
{
    begin(4);
    of[2].far = of[3].far = true;
    of[0].in_flight = of[1].in_flight = 10;
    ask(4);
    CHECK_EQ(spilled, ROUNDS);
    of[2].latency_ns = of[3].latency_ns = 20 * MS; /* it is too far for that */
    ask(4);
    CHECK_EQ(spilled, 0);
}

static void a_zone_without_a_waiting_loop_spills_over_to_one_that_has_some(void)
{
    begin(2);
    of[1].far = true;
    of[0].idle = 0, of[0].in_flight = 1;
    of[1].idle = 1, of[1].latency_ns = 2 * MS;
    ask(2);
    CHECK(got(1, 1));
}

static void a_higher_priority_waits_until_the_lower_is_in_panic(void)
{
    begin(6);
    of[4].priority = 7, of[5].priority = UINT32_MAX;
    of[0].weight = 2;
    of[1].down = of[2].down = of[3].down = true;
    ask(6);
    CHECK(got(0, 1) && got(4, 0) && got(5, 0));
    of[0].weight = 1, of[1].weight = 3; /* a sixth is left, which all would crush */
    ask(6);
    CHECK(got(4, 1));
    CHECK_EQ(panicked, 0);
    of[4].tried = true;
    ask(6);
    CHECK(got(5, 1));
    of[1].weight = 1;
    of[0].down = of[4].down = of[5].down = true;
    of[4].tried = false;
    ask(6);
    CHECK(got(0, 1.0 / 6) && got(5, 1.0 / 6));
    CHECK_EQ(panicked, ROUNDS);
}

static void what_has_a_key_sticks(void)
{
    static u32 had[3000];
    u32 moved = 0;

    begin(4);
    of[2].weight = 2;
    for (u32 i = 0; i < 4; i++)
        of[i].id = 0x9e3779b97f4a7c15ull * (i + 1);
    memset(count, 0, sizeof(count));
    for (u32 round = 0; round < 4; round++)
        for (u32 key = 0; key < ARRAY_LEN(had); key++) {
            struct choose_found f;

            rules.key = (key + 1) * 0x632be59bd9b4e019ull;
            of[0].latency_ns = round == 1 ? NS_PER_S : MS; /* whatever it costs */
            of[3].down = round == 2;
            CHECK_EQ(choose(of, 4, &rules, NOW, &dice, &f), CHOOSE_FOUND);
            if (round == 0)
                had[key] = f.index, count[f.index]++;
            else if (round == 2)
                moved += f.index != had[key];
            else
                CHECK_EQ(f.index, had[key]);
        }
    CHECK_EQ(moved, count[3]); /* those of the one that is down, and no others */
    CHECK(count[2] > 1000 && count[2] < 1400);
    CHECK(count[3] > 500 && count[3] < 700);
}

/* Whatever is there: who is chosen is there, has a weight and room, and is up unless that is
 * panic. */
static void whoever_is_chosen_may_be_chosen(void)
{
    struct random r = { 42 };
    struct choose_found f;

    for (u32 round = 0; round < 20000; round++) {
        u32 n = random_u64(&r) % 8, may = 0, any = 0;
        struct choose_rules one = { .panic = random_u64(&r) % 2 ? 0 : PANIC,
                                    .key = random_u64(&r) % 2 ? 0 : random_u64(&r) };

        for (u32 i = 0; i < n; i++) {
            u64 bits = random_u64(&r);

            of[i] = (struct choose_endpoint){
                .weight = bits % 4 ? 1 + bits / 4 % CHOOSE_WEIGHT_MAX : 0,
                .ramp = bits >> 12 & 1 ? CHOOSE_RAMP_ALL : bits >> 13 & 511,
                .in_flight = bits >> 22 & 1 ? UINT32_MAX : bits >> 23 & 7,
                .idle = bits >> 26 & 1 ? CHOOSE_IDLE_UNKNOWN : bits >> 27 & 3,
                .priority = random_u64(&r) % 3,
                .latency_ns = bits >> 29 & 1 ? 0 : random_u64(&r) >> (bits >> 30 & 63),
                .latency_at_ns = random_u64(&r) >> (random_u64(&r) & 63),
                .far = bits >> 36 & 1,
                .down = bits >> 37 & 1,
                .tried = bits >> 38 & 1,
                .full = bits >> 39 & 1,
            };
            any += of[i].weight > 0;
            may += of[i].weight > 0 && !of[i].down && !of[i].full && !of[i].tried;
        }
        switch (choose(of, n, &one, NOW, &r, &f)) {
        case CHOOSE_FOUND:
            CHECK(f.index < n);
            CHECK(of[f.index].weight > 0 && !of[f.index].full);
            CHECK(f.panic || !of[f.index].down);
            CHECK(may == 0 || !f.again);
            CHECK(f.again || !of[f.index].tried);
            CHECK(!f.spilled || of[f.index].far);
            break;
        case CHOOSE_FULL:
            CHECK(any > 0 && may == 0);
            break;
        case CHOOSE_NOBODY:
            CHECK_EQ(any, 0);
            break;
        }
    }
}

int main(void)
{
    TEST(nobody_is_there_to_choose);
    TEST(weights_are_kept_among_equals);
    TEST(a_slow_one_gets_nothing_while_others_are_free);
    TEST(a_slow_one_that_nobody_has_asked_for_long_is_tried_again);
    TEST(one_that_nothing_is_known_of_is_taken_for_as_good_as_the_best);
    TEST(requests_in_flight_are_evened_out);
    TEST(what_is_down_gets_nothing_until_too_few_are_up);
    TEST(when_all_are_down_all_are_tried);
    TEST(one_that_was_tried_is_tried_again_only_when_all_were);
    TEST(one_that_is_full_gets_nothing_more);
    TEST(slow_start_grows_from_a_tenth);
    TEST(one_in_slow_start_gets_its_share_even_when_the_other_is_busy);
    TEST(a_host_without_a_waiting_loop_gets_nothing_while_another_has_some);
    TEST(waiting_loops_of_one_in_slow_start_do_not_draw_everything_there);
    TEST(the_own_zone_goes_first);
    TEST(without_an_endpoint_in_the_own_zone_the_others_are_all_there_is);
    TEST(a_zone_of_which_too_much_is_down_spills_over);
    TEST(an_overloaded_zone_spills_over);
    TEST(a_zone_without_a_waiting_loop_spills_over_to_one_that_has_some);
    TEST(a_higher_priority_waits_until_the_lower_is_in_panic);
    TEST(what_has_a_key_sticks);
    TEST(whoever_is_chosen_may_be_chosen);
    return tap_done();
}
