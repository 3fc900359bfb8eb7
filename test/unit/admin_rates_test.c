/* test/unit/admin_rates_test.c */
#include "admin/rates.h"

#include "admin_fixture.h"

static struct shm *shm;
static struct sampler *sampler;
static struct rates *rates;
static u64 now_ns;

static void set_up(void)
{
    shm = calloc(1, sizeof(*shm));
    if (!shm || sampler_new(&sampler) < 0 || rates_new(&rates) < 0)
        abort();
    shm->apps = 2;
    shm->slots_used = 3;
    now_ns = FIXTURE_NOW;
    for (u32 i = 0; i < 3; i++) {
        fixture_slot(shm, i, i % 2 + 1, true);
        shm->slot[i].app = i == 2;
    }
}

static void tear_down(void)
{
    rates_free(rates);
    sampler_free(sampler);
    free(shm);
}

static void seconds(u32 n, u32 slot, u64 requests, u64 took_ns)
{
    while (n--) {
        now_ns += NS_PER_S;
        shm->slot[slot].took_count[shm_delay_bucket(took_ns)] += requests;
        sampler_tick(sampler, shm, now_ns);
        rates_tick(rates, sampler, shm, now_ns);
    }
}

static bool is_near(u64 got, u64 want)
{
    return got > want * 85 / 100 && got < want * 115 / 100;
}

static void a_process_and_its_app_have_the_rates_of_the_last_ten_seconds(void)
{
    set_up();
    seconds(30, 0, 50, 4 * MS);
    CHECK(is_near(shm->slot[0].rates.requests_per_1000s, 50000));
    CHECK(is_near(shm->slot[0].rates.p99_ns, 4 * MS));
    CHECK_EQ(shm->slot[0].rates.at_ns, now_ns);
    CHECK_EQ(shm->slot[0].rates.generation, 1);
    CHECK_EQ(shm->slot[1].rates.requests_per_1000s, 0);
    CHECK_EQ(shm->slot[1].rates.p99_ns, 0);
    CHECK(is_near(shm->app[0].rates.requests_per_1000s, 50000));
    CHECK_EQ(shm->app[1].rates.requests_per_1000s, 0);
    seconds(12, 2, 10, 100 * MS);
    CHECK_EQ(shm->app[0].rates.requests_per_1000s, 0);
    CHECK(is_near(shm->app[1].rates.requests_per_1000s, 10000));
    CHECK(is_near(shm->app[1].rates.p99_ns, 100 * MS));
    tear_down();
}

static void one_slow_request_in_fifty_is_the_p99(void)
{
    set_up();
    for (u32 i = 0; i < 12; i++) {
        shm->slot[0].took_count[shm_delay_bucket(200 * MS)] += 1;
        seconds(1, 0, 49, 1 * MS);
    }
    CHECK(is_near(shm->app[0].rates.p99_ns, 200 * MS));
    tear_down();
}

static void a_successor_in_the_slot_begins_anew(void)
{
    set_up();
    seconds(12, 0, 50, 4 * MS);
    fixture_slot(shm, 0, 1, true);
    shm->slot[0].generation = 2;
    shm->slot[0].started_ns = now_ns;
    memset((void *)shm->slot[0].took_count, 0, sizeof(shm->slot[0].took_count));
    seconds(1, 0, 0, MS);
    CHECK_EQ(shm->slot[0].rates.generation, 2);
    CHECK_EQ(shm->slot[0].rates.requests_per_1000s, 0);
    tear_down();
}

static void sums_that_go_back_or_overflow_make_no_nonsense(void)
{
    set_up();
    shm->slots_used = UINT32_MAX;
    shm->apps = UINT32_MAX;
    shm->slot[1].app = UINT32_MAX;
    seconds(3, 0, UINT64_MAX / 2, MS);
    shm->slot[0].took_count[shm_delay_bucket(MS)] = 5;
    seconds(2, 1, 1, MS);
    CHECK(shm->slot[0].rates.requests_per_1000s <= 1000000000000000ull);
    tear_down();
}

int main(void)
{
    TEST(a_process_and_its_app_have_the_rates_of_the_last_ten_seconds);
    TEST(one_slow_request_in_fifty_is_the_p99);
    TEST(a_successor_in_the_slot_begins_anew);
    TEST(sums_that_go_back_or_overflow_make_no_nonsense);
    return tap_done();
}
