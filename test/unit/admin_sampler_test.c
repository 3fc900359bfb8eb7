#include "admin_fixture.h"

static struct shm *shm;
static struct sampler *sampler;
static struct reading r[SHM_SLOTS_MAX];
static u64 now_ns;

static void begin(void)
{
    free(shm);
    sampler_free(sampler);
    shm = fixture_shm();
    now_ns = FIXTURE_NOW;
    assert(sampler_new(&sampler) == 0);
}

static u32 look(void)
{
    return sampler_read_all(sampler, shm, now_ns, r);
}

/* A second in which slot 0 runs in turns of `turn_ns` for `busy_ns`. */
static void second(u64 busy_ns, u64 turn_ns)
{
    struct shm_loop *loop = &shm->slot[0].loop;

    now_ns += NS_PER_S;
    loop->busy_ns += busy_ns;
    loop->wait_ns += NS_PER_S - busy_ns;
    if (turn_ns)
        loop->delay_count[shm_delay_bucket(turn_ns)] += busy_ns / turn_ns;
    loop->waits_since_ns = now_ns;
    shm->slot[0].cpu_user_ns += busy_ns;
    shm->slot[0].requests += 10;
    sampler_tick(sampler, shm, now_ns);
}

static void a_young_history_answers_for_the_whole_life(void)
{
    begin();
    CHECK_EQ(look(), 3);
    CHECK_EQ(r[0].utilization_ppm, 100000); /* 10 of 100 s */
}

static void utilization_is_of_the_last_second(void)
{
    begin();
    sampler_tick(sampler, shm, now_ns);
    for (int i = 0; i < 5; i++)
        second(0, 0);
    second(750 * MS, MS);
    CHECK_EQ(look(), 3);
    CHECK_EQ(r[0].utilization_ppm, 750000);
    now_ns += NS_PER_S;
    CHECK_EQ(look(), 3);
    CHECK_EQ(r[0].utilization_ppm, 0);
}

static void a_blocked_loop_is_fully_used_before_its_turn_ends(void)
{
    begin();
    second(0, 0);
    shm->slot[0].loop.waits_since_ns = 0;
    shm->slot[0].loop.busy_since_ns = now_ns;
    for (int i = 0; i < 3; i++) {
        now_ns += NS_PER_S;
        sampler_tick(sampler, shm, now_ns);
    }
    now_ns += NS_PER_S / 2;
    CHECK_EQ(look(), 3);
    CHECK_EQ(r[0].utilization_ppm, 1000000);
    CHECK_EQ(r[0].running_ns, 3500 * MS);
    CHECK_EQ(r[0].lag_newest_ns, 3500 * MS);
    CHECK(r[0].lag_arrival.max_ns >= 3500 * MS);
}

static void quantiles_forget_after_ten_seconds(void)
{
    begin();
    sampler_tick(sampler, shm, now_ns);
    second(900 * MS, 100 * MS);
    CHECK_EQ(look(), 3);
    CHECK(r[0].lag_arrival.p90_ns > 50 * MS);
    for (int i = 0; i < 12; i++)
        second(0, 0);
    CHECK_EQ(look(), 3);
    CHECK_EQ(r[0].lag_arrival.max_ns, 0);
    CHECK_EQ(r[0].lag_timer.p99_ns, SAMPLER_LAG_INTERVAL_NS);
}

static void five_minutes_are_kept(void)
{
    u32 count = 0;

    begin();
    for (int i = 0; i < 400; i++)
        second(i == 399 ? 500 * MS : 0, MS);
    CHECK_EQ(look(), 3);
    while (sampler_sample(sampler, &r[0], count))
        count++;
    CHECK_EQ(count, SAMPLER_SAMPLES);
    CHECK_EQ(sampler_sample(sampler, &r[0], 0)->at_ns, now_ns - 299 * NS_PER_S);
    CHECK_EQ(sampler_sample(sampler, &r[0], 299)->utilization_ppm, 500000);
    CHECK_EQ(sampler_sample(sampler, &r[0], 299)->requests, 5000);
}

static void a_new_process_in_the_slot_begins_anew(void)
{
    begin();
    for (int i = 0; i < 5; i++)
        second(900 * MS, MS);
    fixture_slot(shm, 0, 1, true);
    shm->slot[0].generation = 2;
    shm->slot[0].started_ns = now_ns;
    shm->slot[0].loop.busy_ns = 0;
    CHECK_EQ(look(), 3);
    CHECK(sampler_sample(sampler, &r[0], 0) == NULL);
    CHECK_EQ(r[0].busy_ns, 0);
}

static void a_counter_never_goes_back(void)
{
    begin();
    CHECK_EQ(look(), 3);
    shm->slot[0].loop.busy_ns -= NS_PER_S;
    now_ns += NS_PER_S;
    CHECK_EQ(look(), 3);
    CHECK_EQ(r[0].busy_ns, 10 * NS_PER_S);
}

static void children_are_numbered_as_long_as_they_live(void)
{
    begin();
    fixture_slot(shm, 3, 2, false);
    CHECK_EQ(look(), 4);
    CHECK_STR(str_of(r[0].id), "1");
    CHECK_STR(str_of(r[1].id), "2");
    CHECK_STR(str_of(r[2].id), "2.1");
    CHECK_STR(str_of(r[3].id), "2.2");
    shm->slot[2].state = SHM_FREE;
    sampler_tick(sampler, shm, now_ns);
    CHECK_EQ(look(), 3);
    CHECK_STR(str_of(r[2].id), "2.2");
    fixture_slot(shm, 2, 2, false);
    shm->slot[2].generation = 9;
    CHECK_EQ(look(), 4);
    CHECK_STR(str_of(r[2].id), "2.1");
    CHECK_EQ(r[2].generation, 9);
}

static void a_reload_never_shows_one_id_twice(void)
{
    begin();
    /* The replacement of worker 1 comes up, takes over, and the old one drains. */
    fixture_slot(shm, 3, 1, false)->state = SHM_STARTING;
    CHECK_EQ(look(), 4);
    CHECK_STR(str_of(r[0].id), "1");
    CHECK_EQ(r[0].slot, 0);
    CHECK_STR(str_of(r[1].id), "1.1");
    shm->slot[3].is_main = 1; /* both say so for a moment */
    shm->slot[3].started_ns += 50 * NS_PER_S;
    CHECK_EQ(look(), 4);
    CHECK_STR(str_of(r[0].id), "1");
    CHECK_EQ(r[0].slot, 3);
    CHECK_STR(str_of(r[1].id), "1.1");
    CHECK_EQ(r[1].slot, 0);
    shm->slot[0].is_main = 0;
    shm->slot[0].state = SHM_DRAINING;
    CHECK_EQ(look(), 4);
    CHECK_STR(str_of(r[1].id), "1.1");
    shm->slot[0].state = SHM_DEAD;
    CHECK_EQ(look(), 3);
}

static void a_dead_main_is_shown_until_it_is_replaced(void)
{
    begin();
    shm->slot[0].state = SHM_DEAD;
    CHECK_EQ(look(), 3);
    CHECK_EQ(r[0].state, SHM_DEAD);
    fixture_slot(shm, 3, 1, true);
    CHECK_EQ(look(), 3);
    CHECK_EQ(r[0].slot, 3);
    CHECK_EQ(r[0].state, SHM_READY);
}

static void traffic_is_of_the_last_ten_seconds(void)
{
    struct traffic t;

    begin();
    sampler_tick(sampler, shm, now_ns);
    for (int i = 0; i < 11; i++)
        second(0, 0);
    sampler_traffic(sampler, shm, now_ns, &t);
    CHECK_EQ(t.requests, 0);
    shm->series[1].bucket[3] += 100; /* 2 to 5 ms */
    sampler_traffic(sampler, shm, now_ns, &t);
    CHECK_EQ(t.requests, 100);
    CHECK(t.p50_ns >= 2 * MS && t.p50_ns <= 5 * MS);
    CHECK_EQ(t.window_ns, 10 * NS_PER_S);
}

static void fettles_own_processes_are_measured(void)
{
    struct usage usage;

    begin();
    CHECK(!sampler_own_usage(sampler, SAMPLER_SUPERVISOR, &usage));
    sampler_tick(sampler, shm, now_ns);
    CHECK(sampler_own_usage(sampler, SAMPLER_SUPERVISOR, &usage)); /* the fixture says it is us */
    CHECK(usage.rss_bytes > 100000);
    CHECK(!sampler_own_usage(sampler, SAMPLER_PROXY, &usage));
}

int main(void)
{
    TEST(a_young_history_answers_for_the_whole_life);
    TEST(utilization_is_of_the_last_second);
    TEST(a_blocked_loop_is_fully_used_before_its_turn_ends);
    TEST(quantiles_forget_after_ten_seconds);
    TEST(five_minutes_are_kept);
    TEST(a_new_process_in_the_slot_begins_anew);
    TEST(a_counter_never_goes_back);
    TEST(children_are_numbered_as_long_as_they_live);
    TEST(a_reload_never_shows_one_id_twice);
    TEST(a_dead_main_is_shown_until_it_is_replaced);
    TEST(traffic_is_of_the_last_ten_seconds);
    TEST(fettles_own_processes_are_measured);
    free(shm);
    sampler_free(sampler);
    return tap_done();
}
