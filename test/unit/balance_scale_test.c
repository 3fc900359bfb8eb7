/* test/unit/balance_scale_test.c -- how many workers there should be: single cases, and a
 * simulation
 *
 * The simulated app: a load in workers' worth of work; whatever does not fit waits (and is bounded,
 * as clients are); CPUs are taken by the loops that run.
 */
#include "balance/scale.h"

#include "base/clock.h"
#include "tap.h"

#include <math.h>

#define TICK_NS (250 * NS_PER_MS)

struct sim {
    struct scale scale;
    struct scale_conf conf;
    u64 now_ns;
    u32 workers, ups, downs, most_seen;
    double others; /* CPUs that other programs use */
    double backlog;
    u32 memory_most;
    u32 starts_in; /* ticks until those that were added serve */
    u32 ready;
    enum scale_reason reason; /* of the newest change */
    u64 random;
};

static struct sim sim_new(u32 least, u32 most, double cpus)
{
    return (struct sim){
        .conf = { .least = least, .most = most, .cpus = cpus, .period_ns = NS_PER_S },
        .now_ns = NS_PER_S,
        .workers = least,
        .ready = least,
        .memory_most = UINT32_MAX,
        .random = 88172645463325252ull,
    };
}

static double noise(struct sim *s) /* 0 … 1 */
{
    s->random ^= s->random << 13;
    s->random ^= s->random >> 7;
    s->random ^= s->random << 17;
    return (double)(s->random >> 11) / 9007199254740992.0;
}

static void sim_apply(struct sim *s, struct scale_verdict v)
{
    if (v.workers == s->workers)
        return;
    s->ups += v.workers > s->workers;
    s->downs += v.workers < s->workers;
    s->reason = v.reason;
    s->starts_in = v.workers > s->workers ? 2 : 0;
    s->workers = v.workers;
    s->ready = min(s->ready, s->workers);
    s->most_seen = max(s->most_seen, s->workers);
}

/* `load`: loops that would be kept busy if there were enough; `cpu`: what each of them takes. */
static void sim_tick(struct sim *s, double load, double cpu)
{
    struct scale_reading r = { .now_ns = s->now_ns += TICK_NS, .memory_most = s->memory_most };
    double free = max(s->conf.cpus - s->others, 0.1), can, busy;

    if (s->starts_in && --s->starts_in == 0)
        s->ready = s->workers;
    /* With too few CPUs loops wait for their turn: they do less, and are as busy. */
    can = cpu > 0 ? min((double)s->ready, free / cpu) : s->ready;
    s->backlog = max(s->backlog + (load - can) * 0.25, 0.0);
    s->backlog = min(s->backlog, 20.0);
    busy = s->backlog > 0 ? s->ready : min(load * s->ready / max(can, 0.01), (double)s->ready);
    r.workers = s->workers;
    r.ready = s->ready;
    r.busy = busy;
    r.waiting = s->backlog > 0 ? s->backlog * 4 : load / s->ready > 0.9 ? 0.5 : 0;
    r.cpus_free = max(free - min(load, can) * cpu, 0.0);
    sim_apply(s, scale_reading(&s->scale, &s->conf, &r));
}

static void sim_run(struct sim *s, double seconds, double load, double cpu)
{
    for (double t = 0; t < seconds; t += 0.25)
        sim_tick(s, load, cpu);
}

static void a_step_is_followed_within_seconds(void)
{
    struct sim s = sim_new(2, 8, 8);

    sim_run(&s, 60, 0.5, 1);
    CHECK_EQ(s.workers, 2);
    sim_run(&s, 12, 4, 1);
    CHECK(s.workers >= 5 && s.workers <= 7);
    CHECK(s.ups <= 4);
    sim_run(&s, 300, 4, 1);
    CHECK_EQ(s.downs, 0);
}

static void it_goes_down_one_at_a_time_and_slowly(void)
{
    struct sim s = sim_new(2, 8, 8);
    u32 high;

    sim_run(&s, 60, 5, 1);
    high = s.workers;
    CHECK(high >= 6);
    sim_run(&s, 25, 0.2, 1);
    CHECK_EQ(s.workers, high);
    sim_run(&s, 40, 0.2, 1);
    CHECK(s.workers < high && s.workers >= high - 2);
    CHECK_EQ(s.reason, SCALE_IDLE);
    sim_run(&s, 400, 0.2, 1);
    CHECK_EQ(s.workers, 2);
    CHECK_EQ(s.downs, high - 2);
}

static void a_ramp_up_and_down_never_turns_back(void)
{
    struct sim s = sim_new(1, 16, 16);
    u32 high;

    for (int i = 0; i < 1200; i++)
        sim_tick(&s, i / 120.0, 1);
    CHECK_EQ(s.downs, 0);
    CHECK(s.workers >= 11 && s.workers <= 15);
    high = s.ups;
    for (int i = 2400; i > 0; i--)
        sim_tick(&s, i / 240.0, 1);
    CHECK_EQ(s.ups, high);
    sim_run(&s, 600, 0, 1);
    CHECK_EQ(s.workers, 1);
}

static void bursts_are_met_with_what_they_need_and_it_stays(void)
{
    struct sim s = sim_new(1, 8, 8);

    for (int i = 0; i < 60; i++) { /* 20 minutes: 4 s of load, 16 s of nothing */
        sim_run(&s, 4, 3.0, 1);
        sim_run(&s, 16, 0.1, 1);
    }
    CHECK(s.workers >= 4);
    CHECK(s.downs <= 1);
}

static void bursts_far_apart_make_it_patient(void)
{
    struct sim s = sim_new(1, 4, 8);
    u32 first, last;

    for (int i = 0; i < 10; i++) { /* every 100 s */
        sim_run(&s, 5, 2.0, 1);
        sim_run(&s, 95, 0.1, 1);
    }
    first = s.ups + s.downs;
    for (int i = 0; i < 10; i++) {
        sim_run(&s, 5, 2.0, 1);
        sim_run(&s, 95, 0.1, 1);
    }
    last = s.ups + s.downs - first;
    CHECK(last <= first / 2);
}

static void noise_does_not_make_it_flap(void)
{
    for (int level = 1; level <= 28; level++) {
        struct sim s = sim_new(1, 8, 8);

        for (int i = 0; i < 4 * 3600; i++) /* an hour */
            sim_tick(&s, max(level * 0.25 * (0.4 + 1.2 * noise(&s)), 0.0), 1);
        if (s.ups + s.downs > 14)
            printf("# load %.2f: %u up, %u down, %u workers\n", level * 0.25, s.ups, s.downs,
                   s.workers);
        CHECK(s.ups + s.downs <= 14);
    }
}

static void without_a_free_cpu_no_loop_is_added(void)
{
    struct sim s = sim_new(2, 8, 2);

    sim_run(&s, 600, 6, 1);
    CHECK_EQ(s.workers, 2);
    s = sim_new(2, 8, 8);
    s.others = 7.8;
    sim_run(&s, 600, 6, 1);
    CHECK_EQ(s.workers, 2);
}

static void a_quota_counts_as_cpus(void)
{
    struct sim s = sim_new(1, 8, 1.5);

    sim_run(&s, 600, 6, 1);
    CHECK_EQ(s.workers, 2);
}

static void loops_that_block_without_a_cpu_may_be_more_than_cpus(void)
{
    struct sim s = sim_new(1, 8, 2);

    sim_run(&s, 60, 5, 0.05);
    CHECK(s.workers >= 6);
    /* Then they compute: those beyond the CPUs and one take turns for nothing. */
    sim_run(&s, 1200, 8, 1);
    CHECK_EQ(s.workers, 3);
    CHECK_EQ(s.reason, SCALE_CPUS);
}

static void memory_is_a_limit(void)
{
    struct sim s = sim_new(2, 8, 8);

    s.memory_most = 3;
    sim_run(&s, 60, 6, 1);
    CHECK_EQ(s.workers, 3);
    s.memory_most = 1; /* what is there already stays */
    sim_run(&s, 60, 6, 1);
    CHECK_EQ(s.workers, 3);
}

static void the_workers_that_fit_are_counted_by_limit_or_mean(void)
{
    u64 mb = 1 << 20;

    CHECK_EQ(scale_memory_most(1000 * mb, 0, 0, 0), UINT32_MAX);
    CHECK_EQ(scale_memory_most(1000 * mb, 2, 100 * mb, 0), 10); /* 1200 MB, less a tenth */
    CHECK_EQ(scale_memory_most(1000 * mb, 2, 100 * mb, 512 * mb), 2);
    CHECK_EQ(scale_memory_most(0, 2, 100 * mb, 512 * mb), 0);
}

static void a_number_outside_of_the_limits_is_put_right_at_once(void)
{
    struct sim s = sim_new(2, 4, 8);

    s.workers = s.ready = 1;
    sim_tick(&s, 0, 1);
    CHECK_EQ(s.workers, 2);
    CHECK_EQ(s.reason, SCALE_LEAST);
    s.workers = s.ready = 9;
    sim_tick(&s, 0, 1);
    CHECK_EQ(s.workers, 4);
    CHECK_EQ(s.reason, SCALE_MOST);
}

static void nothing_changes_while_workers_start_or_fail(void)
{
    struct scale s = { 0 };
    struct scale_conf conf = { .least = 1, .most = 8, .cpus = 8, .period_ns = NS_PER_S };
    struct scale_reading r = {
        .workers = 3, .ready = 2, .busy = 2, .waiting = 50, .cpus_free = 5, .memory_most = 8
    };

    for (int i = 0; i < 4000; i++) {
        r.now_ns += TICK_NS;
        CHECK_EQ(scale_reading(&s, &conf, &r).workers, 3);
    }
    r.ready = 0;
    r.busy = 0;
    CHECK_EQ(scale_reading(&s, &conf, &r).workers, 3);
}

static void reasons_are_said_with_their_figures(void)
{
    struct scale s = { .fast = { .busy = 1.9, .waiting = 3.21, .cpus_free = 1.44 },
                       .slow = { .busy = 0.5 } };
    struct scale_reading r = { .workers = 2, .ready = 2 };
    struct scale_verdict v = { 3, SCALE_WAITING };
    AUTO(buf_done) struct buf text = { 0 };

    scale_reason_text(&s, &r, &v, &text);
    CHECK_STR(buf_str(&text), "requests wait (3.2 at a time), and 1.4 CPUs are free");
    buf_clear(&text);
    v.reason = SCALE_BUSY;
    scale_reason_text(&s, &r, &v, &text);
    CHECK_STR(buf_str(&text), "the loops are busy for 95 % of the time, and 1.4 CPUs are free");
    buf_clear(&text);
    v.reason = SCALE_IDLE;
    scale_reason_text(&s, &r, &v, &text);
    CHECK_STR(buf_str(&text), "the loops have been busy for 25 % of the time: one less is enough");
}

int main(void)
{
    TEST(a_step_is_followed_within_seconds);
    TEST(it_goes_down_one_at_a_time_and_slowly);
    TEST(a_ramp_up_and_down_never_turns_back);
    TEST(bursts_are_met_with_what_they_need_and_it_stays);
    TEST(bursts_far_apart_make_it_patient);
    TEST(noise_does_not_make_it_flap);
    TEST(without_a_free_cpu_no_loop_is_added);
    TEST(a_quota_counts_as_cpus);
    TEST(loops_that_block_without_a_cpu_may_be_more_than_cpus);
    TEST(memory_is_a_limit);
    TEST(the_workers_that_fit_are_counted_by_limit_or_mean);
    TEST(a_number_outside_of_the_limits_is_put_right_at_once);
    TEST(nothing_changes_while_workers_start_or_fail);
    TEST(reasons_are_said_with_their_figures);
    return tap_done();
}
