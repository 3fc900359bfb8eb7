/* Whether a turn takes too long, on a simulated clock. */
#include "finding/blocking.h"

#include "tap.h"

#define MS NS_PER_MS
#define LIMIT (100 * MS)

/* One loop and its watcher. */
static struct blocking blocking;
static struct blocking_view view;
static u64 again_ns, asks, ends;

static void begin(void)
{
    blocking = (struct blocking){ 0 };
    view = (struct blocking_view){ .now_ns = 1000 * MS, .limit_ns = LIMIT };
    again_ns = asks = ends = 0;
}

static enum blocking_verdict look(u64 now_ns)
{
    enum blocking_verdict verdict;

    view.now_ns = now_ns;
    verdict = blocking_look(&blocking, &view, &again_ns);
    CHECK(again_ns >= now_ns);
    asks += verdict == BLOCKING_ASK;
    ends += verdict == BLOCKING_ENDED;
    if (verdict == BLOCKING_ENDED)
        blocking.since_ns = 0;
    return verdict;
}

static void a_turn_is_seen_at_the_moment_at_which_it_is_too_long(void)
{
    begin();
    look(1000 * MS);
    CHECK_EQ(again_ns, 1100 * MS);
    view.busy_since_ns = 1040 * MS;
    CHECK_EQ(look(again_ns), BLOCKING_FINE);
    CHECK_EQ(again_ns, 1140 * MS);
    CHECK_EQ(look(again_ns), BLOCKING_ASK);
    CHECK_EQ(blocking.since_ns, 1040 * MS);
    CHECK_EQ(blocking.took_ns, LIMIT);
}

static void it_is_asked_about_again_at_twice_and_four_times_that_and_not_for_ever(void)
{
    u64 at[8], n = 0;

    begin();
    view.busy_since_ns = 1000 * MS;
    again_ns = 1100 * MS;
    for (u64 now_ns = again_ns; now_ns < 100 * NS_PER_S; now_ns = again_ns)
        if (look(now_ns) == BLOCKING_ASK && n < ARRAY_LEN(at))
            at[n++] = now_ns - view.busy_since_ns;
    CHECK_EQ(n, 6);
    CHECK_EQ(at[0], LIMIT);
    CHECK(at[1] >= 200 * MS && at[1] < 220 * MS);
    CHECK(at[2] >= 400 * MS && at[2] < 450 * MS);
}

static void its_end_tells_how_long_it_took(void)
{
    begin();
    view.busy_since_ns = 1000 * MS;
    view.long_ns = 5000 * MS;
    look(1100 * MS);
    view.busy_since_ns = 0;
    view.long_ns = 5107 * MS; /* as the loop itself has measured it */
    CHECK_EQ(look(again_ns), BLOCKING_ENDED);
    CHECK_EQ(blocking.took_ns, 107 * MS);
    CHECK_EQ(look(again_ns), BLOCKING_FINE);
    CHECK_EQ(ends, 1);
}

static void a_loop_that_does_not_measure_is_measured_from_outside(void)
{
    begin();
    view.busy_since_ns = 1000 * MS;
    look(1100 * MS);
    view.busy_since_ns = 1108 * MS; /* the next turn */
    CHECK_EQ(look(1112 * MS), BLOCKING_ENDED);
    CHECK_EQ(blocking.took_ns, 108 * MS);
}

static void a_second_block_follows_the_first(void)
{
    begin();
    view.busy_since_ns = 1000 * MS;
    look(1100 * MS);
    view.busy_since_ns = 1120 * MS;
    CHECK_EQ(look(1300 * MS), BLOCKING_ENDED);
    CHECK_EQ(again_ns, 1300 * MS);
    CHECK_EQ(look(again_ns), BLOCKING_ASK);
    CHECK_EQ(blocking.since_ns, 1120 * MS);
}

static void time_without_a_cpu_does_not_count(void)
{
    begin();
    view.waited_ns = 500 * MS;
    look(1000 * MS);
    view.busy_since_ns = 1010 * MS;
    view.waited_ns = 560 * MS;
    CHECK_EQ(look(1110 * MS), BLOCKING_FINE);
    CHECK_EQ(again_ns, 1170 * MS);
    view.waited_ns = 580 * MS;
    CHECK_EQ(look(1170 * MS), BLOCKING_FINE);
    CHECK_EQ(look(1190 * MS), BLOCKING_ASK);
    CHECK_EQ(blocking.took_ns, 180 * MS);
    CHECK_EQ(blocking.held_ns, 80 * MS);
}

static void one_that_waits_for_a_cpu_still_is_given_the_benefit_of_the_doubt(void)
{
    begin();
    view.waited_ns = 500 * MS;
    view.cpu_ns = 900 * MS;
    look(1000 * MS);
    view.busy_since_ns = 1000 * MS;
    view.runnable = true;
    view.cpu_ns = 910 * MS; /* of 100 ms it has run 10 */
    CHECK_EQ(look(1100 * MS), BLOCKING_FINE);
    CHECK_EQ(again_ns, 1105 * MS);
    view.waited_ns = 595 * MS;
    CHECK_EQ(look(1105 * MS), BLOCKING_FINE);
    CHECK_EQ(again_ns, 1195 * MS);
    /* The same from one that slept in a system call: it is a little later. */
    begin();
    view.waited_ns = 500 * MS;
    view.cpu_ns = 900 * MS;
    look(1000 * MS);
    view.busy_since_ns = 1000 * MS;
    view.cpu_ns = 910 * MS;
    CHECK_EQ(look(1100 * MS), BLOCKING_ASK);
}

static void a_process_that_is_stopped_is_not_blocked(void)
{
    begin();
    view.busy_since_ns = 1000 * MS;
    view.stopped = true;
    for (u64 now_ns = 1000 * MS; now_ns <= 60 * NS_PER_S; now_ns += LIMIT)
        CHECK_EQ(look(now_ns), BLOCKING_FINE);
    view.stopped = false; /* and now it goes on: what it was at before is over soon */
    CHECK_EQ(look(60 * NS_PER_S + 10 * MS), BLOCKING_FINE);
}

static void what_fettle_has_v8_do_is_no_block(void)
{
    begin();
    look(1000 * MS);
    view.busy_since_ns = 1050 * MS;
    view.inspected_ns = 70 * MS; /* it goes on */
    CHECK_EQ(look(1150 * MS), BLOCKING_FINE);
    CHECK_EQ(again_ns, 1220 * MS);
    view.inspected_ns = 140 * MS; /* and still */
    CHECK_EQ(look(1220 * MS), BLOCKING_FINE);
    CHECK_EQ(again_ns, 1290 * MS);
    CHECK_EQ(look(1290 * MS), BLOCKING_ASK); /* this is the app's own */
    CHECK_EQ(blocking.held_ns, 140 * MS);
}

static void how_long_a_turn_has_run_is_counted_from_its_beginning(void)
{
    begin();
    view.cpu_ns = 500 * MS;
    look(1000 * MS);
    view.busy_since_ns = 1090 * MS;
    view.cpu_ns = 580 * MS; /* in turns before that, for the most part */
    look(1100 * MS);
    CHECK_EQ(blocking.ran_ns, 10 * MS);
    view.cpu_ns = 610 * MS;
    CHECK_EQ(look(1190 * MS), BLOCKING_ASK);
    CHECK_EQ(blocking.ran_ns, 40 * MS);
    view.busy_since_ns = 0;
    CHECK_EQ(look(again_ns), BLOCKING_ENDED);
    CHECK_EQ(blocking.ran_ns, 40 * MS);
}

static void a_machine_that_stood_still_is_nobodys_block(void)
{
    begin();
    look(1000 * MS);
    view.busy_since_ns = 1050 * MS;
    view.late_ns = 5 * NS_PER_S; /* a virtual machine that was halted */
    CHECK_EQ(look(6100 * MS), BLOCKING_FINE);
}

static void many_short_requests_in_a_turn_are_no_block(void)
{
    begin();
    view.busy_since_ns = 1000 * MS;
    view.requests = 1000;
    CHECK_EQ(look(1150 * MS), BLOCKING_FINE);
    view.requests = 3;
    CHECK_EQ(look(1150 * MS), BLOCKING_ASK);
}

static void off_is_off(void)
{
    begin();
    view.limit_ns = 0;
    view.busy_since_ns = 1000 * MS;
    CHECK_EQ(look(100 * NS_PER_S), BLOCKING_FINE);
}

static void times_that_make_no_sense_do_no_harm(void)
{
    begin();
    view.busy_since_ns = UINT64_MAX;
    CHECK_EQ(look(1000 * MS), BLOCKING_FINE);
    view.waited_ns = UINT64_MAX;
    view.busy_since_ns = 1;
    look(1200 * MS);
    view.waited_ns = 1;
    view.long_ns = UINT64_MAX;
    look(1300 * MS);
    view.long_ns = 0;
    view.busy_since_ns = UINT64_MAX;
    look(1400 * MS);
    look(1500 * MS);
}

/* What a healthy loop does in an hour: turns of at most `most_ns` on the CPU, as many as there is
 * time for. The watcher comes up to 3 ms late; and the thread waits for a CPU now and then, at the
 * beginning of a turn, which the kernel counts when it gets one. */
static void hour(u64 most_ns, u64 pause_ns)
{
    u64 seed = 7, now_ns = 1000 * MS, end_ns = now_ns + 3600 * NS_PER_S, waited_ns = 1, cpu_ns = 1;

    begin();
    again_ns = now_ns;
    while (now_ns < end_ns) {
        u64 r, turn_ns = now_ns, wait_ns, run_ns;

        seed = seed * 6364136223846793005ull + 1442695040888963407ull;
        r = seed >> 33;
        wait_ns = r % 97 == 0 ? r / 97 % (150 * MS) : 0;
        run_ns = 1 + r % most_ns;
        while (again_ns < turn_ns + wait_ns + run_ns) {
            u64 at_ns = max(again_ns + r % (3 * MS), view.now_ns), in_ns;

            if (at_ns > turn_ns + wait_ns + run_ns)
                break; /* it comes when the turn is over */
            in_ns = at_ns > turn_ns ? at_ns - turn_ns : 0;
            view.busy_since_ns = at_ns > turn_ns ? turn_ns : 0;
            view.runnable = view.busy_since_ns != 0;
            view.waited_ns = waited_ns + (in_ns >= wait_ns ? wait_ns : 0);
            view.cpu_ns = cpu_ns + (in_ns > wait_ns ? in_ns - wait_ns : 0);
            view.requests = 1;
            look(at_ns);
        }
        waited_ns += wait_ns;
        cpu_ns += run_ns;
        now_ns = turn_ns + wait_ns + run_ns + (pause_ns ? r % pause_ns : 0);
    }
    CHECK_EQ(asks, 0);
}

static void an_hour_of_an_idle_app_gives_nothing(void)
{
    hour(2 * MS, 5 * NS_PER_S);
}

static void an_hour_of_a_busy_healthy_app_gives_nothing(void)
{
    hour(20 * MS, 0);
    hour(90 * MS, 0); /* nearly too long, each of them */
}

int main(void)
{
    TEST(a_turn_is_seen_at_the_moment_at_which_it_is_too_long);
    TEST(it_is_asked_about_again_at_twice_and_four_times_that_and_not_for_ever);
    TEST(its_end_tells_how_long_it_took);
    TEST(a_loop_that_does_not_measure_is_measured_from_outside);
    TEST(a_second_block_follows_the_first);
    TEST(time_without_a_cpu_does_not_count);
    TEST(one_that_waits_for_a_cpu_still_is_given_the_benefit_of_the_doubt);
    TEST(a_process_that_is_stopped_is_not_blocked);
    TEST(what_fettle_has_v8_do_is_no_block);
    TEST(how_long_a_turn_has_run_is_counted_from_its_beginning);
    TEST(a_machine_that_stood_still_is_nobodys_block);
    TEST(many_short_requests_in_a_turn_are_no_block);
    TEST(off_is_off);
    TEST(times_that_make_no_sense_do_no_harm);
    TEST(an_hour_of_an_idle_app_gives_nothing);
    TEST(an_hour_of_a_busy_healthy_app_gives_nothing);
    return tap_done();
}
