/* test/unit/io_loop_test.c -- descriptors, timers, and work for the end of a turn
 *
 * Deadlines here are only for finding out that something hangs: a busy machine may
 * make timers late, never early.
 */
#include "io/loop.h"

#include "tap.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/socket.h>

enum { PATIENCE_TURNS = 100000 };

static struct loop *loop;

/* ---- timers ---- */

enum { TIMERS = 400 };

struct alarm_clock {
    struct timer timer;
    u64 want_ns, early_ns;
    u32 order, fired;
};

static u32 fired_n;

static void ring(struct timer *t)
{
    struct alarm_clock *a = container_of(t, struct alarm_clock, timer);
    u64 now_ns = clock_now_ns();

    a->early_ns = now_ns < a->want_ns ? a->want_ns - now_ns : 0;
    a->order = fired_n++;
    a->fired++;
    CHECK(!loop_timer_armed(t));
    CHECK(loop_now_ns(loop) >= a->want_ns);
}

static void set_alarm(struct alarm_clock *a, u64 in_ns)
{
    a->want_ns = clock_now_ns() + in_ns;
    loop_timer(loop, &a->timer, a->want_ns, ring);
    CHECK(loop_timer_armed(&a->timer));
}

static void timers_never_fire_early_and_never_twice(void)
{
    static struct alarm_clock a[TIMERS];
    u64 seed = 99;

    fired_n = 0;
    memset(a, 0, sizeof(a));
    for (int i = 0; i < TIMERS; i++) {
        seed = seed * 6364136223846793005ull + 1442695040888963407ull;
        set_alarm(&a[i], (seed >> 33) % (300 * NS_PER_MS));
    }
    for (int i = 0; i < PATIENCE_TURNS && fired_n < TIMERS; i++)
        loop_turn(loop, -1);
    loop_turn(loop, 20);
    for (int i = 0; i < TIMERS; i++) {
        CHECK_EQ(a[i].fired, 1);
        CHECK_EQ(a[i].early_ns, 0);
    }
}

static void timers_fire_in_order_but_for_their_slack(void)
{
    static struct alarm_clock a[TIMERS];
    u64 seed = 7;

    fired_n = 0;
    memset(a, 0, sizeof(a));
    for (int i = 0; i < TIMERS; i++) {
        seed = seed * 6364136223846793005ull + 1442695040888963407ull;
        set_alarm(&a[i], (seed >> 33) % (200 * NS_PER_MS));
    }
    for (int i = 0; i < PATIENCE_TURNS && fired_n < TIMERS; i++)
        loop_turn(loop, -1);
    for (int i = 0; i < TIMERS; i++)
        for (int k = 0; k < TIMERS; k++)
            if (a[i].want_ns + TIMER_SLACK_NS <= a[k].want_ns)
                CHECK(a[i].order < a[k].order);
}

static void an_idle_loop_sleeps_until_its_timer(void)
{
    struct alarm_clock a = { 0 };
    u32 turns = 0;

    fired_n = 0;
    set_alarm(&a, 150 * NS_PER_MS);
    while (!a.fired && turns++ < 1000)
        loop_turn(loop, -1);
    CHECK(a.fired);
    CHECK(turns < 10); /* it does not spin */
}

static void a_timer_that_is_armed_again_fires_at_its_last_time_only(void)
{
    struct alarm_clock a = { 0 };

    fired_n = 0;
    for (int i = 0; i < 2000; i++)
        set_alarm(&a, (u64)(i % 90) * NS_PER_MS);
    set_alarm(&a, 60 * NS_PER_MS);
    for (int i = 0; i < 100 && !a.fired; i++)
        loop_turn(loop, 100);
    for (int i = 0; i < 5; i++)
        loop_turn(loop, 20);
    CHECK_EQ(a.fired, 1);
    CHECK_EQ(a.early_ns, 0);
}

/* As a keep-alive connection does it: short and long time-outs in turns, each later than before. */
static void a_timer_that_is_put_off_again_and_again_fires_once_at_its_last_time(void)
{
    struct alarm_clock a = { 0 };
    u64 end_ns = clock_now_ns() + 100 * NS_PER_MS;

    fired_n = 0;
    while (clock_now_ns() < end_ns) {
        set_alarm(&a, 20 * NS_PER_S);
        set_alarm(&a, 10 * NS_PER_S);
        loop_turn(loop, 1);
    }
    CHECK_EQ(a.fired, 0);
    set_alarm(&a, 40 * NS_PER_MS); /* earlier than any before */
    set_alarm(&a, 80 * NS_PER_MS);
    for (int i = 0; i < 100 && !a.fired; i++)
        loop_turn(loop, 100);
    for (int i = 0; i < 5; i++)
        loop_turn(loop, 20);
    CHECK_EQ(a.fired, 1);
    CHECK_EQ(a.early_ns, 0);
}

static void a_stopped_timer_does_not_fire(void)
{
    struct alarm_clock a = { 0 }, b = { 0 };

    fired_n = 0;
    loop_timer_stop(&a.timer); /* never armed */
    set_alarm(&a, 20 * NS_PER_MS);
    set_alarm(&b, 60 * NS_PER_MS);
    loop_timer_stop(&a.timer);
    loop_timer_stop(&a.timer);
    CHECK(!loop_timer_armed(&a.timer));
    for (int i = 0; i < 100 && !b.fired; i++)
        loop_turn(loop, 100);
    CHECK_EQ(a.fired, 0);
    CHECK_EQ(b.fired, 1);
}

static void a_time_in_the_past_fires_in_a_next_turn(void)
{
    struct alarm_clock a = { 0 };

    a.want_ns = 1;
    loop_timer(loop, &a.timer, 1, ring);
    CHECK_EQ(a.fired, 0);
    for (int i = 0; i < 100 && !a.fired; i++)
        loop_turn(loop, -1);
    CHECK_EQ(a.fired, 1);
}

static struct alarm_clock pair[2];

static void stop_the_other(struct timer *t)
{
    struct alarm_clock *a = container_of(t, struct alarm_clock, timer);

    a->fired++;
    loop_timer_stop(&pair[a == &pair[0]].timer);
}

static void a_timer_may_stop_another_that_is_due_in_the_same_turn(void)
{
    memset(pair, 0, sizeof(pair));
    loop_timer(loop, &pair[0].timer, 1, stop_the_other);
    loop_timer(loop, &pair[1].timer, 1, stop_the_other);
    for (int i = 0; i < 5; i++)
        loop_turn(loop, 20);
    CHECK_EQ(pair[0].fired + pair[1].fired, 1);
}

static void rearm_at_once(struct timer *t)
{
    struct alarm_clock *a = container_of(t, struct alarm_clock, timer);

    a->fired++;
    loop_timer(loop, t, 0, rearm_at_once);
}

static void a_timer_that_arms_itself_for_now_does_not_hold_the_turn(void)
{
    struct alarm_clock a = { 0 };

    loop_timer(loop, &a.timer, 0, rearm_at_once);
    for (int i = 0; i < 3; i++) {
        u32 before = a.fired;

        loop_turn(loop, 100);
        CHECK(a.fired <= before + 1);
    }
    CHECK(a.fired > 0);
    loop_timer_stop(&a.timer);
}

/* A round of the wheel is 1024 slots of 10 ms: too long to wait for, so the timers are armed far
 * off and the loop is made to look at their slots by others that are due. */
static void a_timer_of_a_later_round_waits_for_its_round(void)
{
    static struct alarm_clock far[50];
    struct alarm_clock near[50] = { 0 };
    u64 round_ns = 1024 * TIMER_SLACK_NS;

    fired_n = 0;
    memset(far, 0, sizeof(far));
    for (int i = 0; i < 50; i++) {
        set_alarm(&far[i], round_ns * (1 + (u64)i % 3) + (u64)i * 4 * NS_PER_MS);
        set_alarm(&near[i], (u64)i * 4 * NS_PER_MS);
    }
    for (int i = 0; i < PATIENCE_TURNS && fired_n < 50; i++)
        loop_turn(loop, -1);
    for (int i = 0; i < 50; i++) {
        CHECK_EQ(near[i].fired, 1);
        CHECK_EQ(far[i].fired, 0);
        CHECK(loop_timer_armed(&far[i].timer));
        loop_timer_stop(&far[i].timer);
    }
}

static void a_time_that_never_comes_is_no_time_in_the_past(void)
{
    struct alarm_clock a = { 0 };

    loop_timer(loop, &a.timer, UINT64_MAX, ring);
    for (int i = 0; i < 5; i++)
        loop_turn(loop, 15);
    CHECK_EQ(a.fired, 0);
    loop_timer_stop(&a.timer);
}

/* ---- descriptors ---- */

struct end {
    struct watch watch;
    int fd, other;
    u32 called;
    u32 events;
    struct end *victim;
};

static void note(struct watch *w, u32 events)
{
    struct end *e = container_of(w, struct end, watch);

    e->called++;
    e->events |= events;
    if (e->victim && e->victim->watch.loop) {
        loop_unwatch(&e->victim->watch);
        close(e->victim->fd);
        e->victim->fd = -1;
    }
}

static void end_open(struct end *e, u32 events)
{
    int fds[2];

    CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) == 0);
    *e = (struct end){ .fd = fds[0], .other = fds[1] };
    CHECK_EQ(loop_watch(loop, &e->watch, e->fd, events, note), 0);
}

static void end_close(struct end *e)
{
    loop_unwatch(&e->watch);
    fd_closep(&e->fd);
    fd_closep(&e->other);
}

static void a_watch_hears_what_it_asked_for(void)
{
    struct end e;

    end_open(&e, EPOLLIN);
    loop_turn(loop, 0);
    CHECK_EQ(e.called, 0);
    CHECK_EQ(write(e.other, "x", 1), 1);
    loop_turn(loop, 1000);
    CHECK_EQ(e.called, 1);
    CHECK_EQ(e.events, EPOLLIN);
    loop_watch_set(&e.watch, EPOLLOUT);
    e.events = 0;
    loop_turn(loop, 1000);
    CHECK_EQ(e.events, EPOLLOUT);
    loop_watch_set(&e.watch, 0);
    e.called = 0;
    loop_turn(loop, 10);
    CHECK_EQ(e.called, 0);
    end_close(&e);
}

static void an_unwatched_descriptor_is_not_heard_any_more(void)
{
    struct end e;

    end_open(&e, EPOLLIN);
    CHECK_EQ(write(e.other, "x", 1), 1);
    loop_unwatch(&e.watch);
    loop_unwatch(&e.watch);
    loop_turn(loop, 10);
    CHECK_EQ(e.called, 0);
    CHECK_EQ(loop_watch(loop, &e.watch, e.fd, EPOLLIN, note), 0); /* and may come again */
    loop_turn(loop, 1000);
    CHECK_EQ(e.called, 1);
    end_close(&e);
}

/* Whichever of the two is first ends the other, whose event is pending already. */
static void a_watch_that_another_one_ends_in_the_same_turn_is_not_called(void)
{
    for (int round = 0; round < 20; round++) {
        struct end *a = calloc(1, sizeof(*a)), *b = calloc(1, sizeof(*b));

        end_open(a, EPOLLIN);
        end_open(b, EPOLLIN);
        a->victim = b;
        b->victim = a;
        CHECK_EQ(write(a->other, "x", 1), 1);
        CHECK_EQ(write(b->other, "x", 1), 1);
        loop_turn(loop, 1000);
        CHECK_EQ(a->called + b->called, 1);
        end_close(a);
        end_close(b);
        free(a);
        free(b);
    }
}

static void a_descriptor_that_cannot_be_watched_says_so(void)
{
    struct watch w = { 0 };
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

    CHECK_EQ(loop_watch(loop, &w, fd, EPOLLIN, note), -EPERM); /* no descriptor for epoll */
    CHECK(w.loop == NULL);
    close(fd);
    CHECK_EQ(loop_watch(loop, &w, fd, EPOLLIN, note), -EBADF);
    loop_unwatch(&w);
}

/* More events than one call of epoll_wait brings. */
static void no_event_is_lost_among_many(void)
{
    enum { MANY = 700 };
    static struct end e[MANY];
    u32 heard = 0;

    for (int i = 0; i < MANY / 2; i++) {
        end_open(&e[i], EPOLLIN | EPOLLET);
        CHECK_EQ(write(e[i].other, "x", 1), 1);
    }
    for (int i = 0; i < 20; i++)
        loop_turn(loop, 10);
    for (int i = 0; i < MANY / 2; i++) {
        heard += e[i].called == 1;
        end_close(&e[i]);
    }
    CHECK_EQ(heard, MANY / 2);
}

/* ---- the end of a turn ---- */

struct job {
    struct task task;
    struct job *next;
    u32 ran;
    u64 turn;
};

static u64 turn_number;

static void run_job(struct task *t)
{
    struct job *j = container_of(t, struct job, task);

    j->ran++;
    j->turn = turn_number;
    if (j->next)
        loop_task(loop, &j->next->task, run_job);
}

static void a_task_that_is_asked_for_twice_runs_once(void)
{
    struct job j = { 0 };

    loop_task(loop, &j.task, run_job);
    loop_task(loop, &j.task, run_job);
    loop_turn(loop, -1); /* a task lets no turn wait */
    CHECK_EQ(j.ran, 1);
    loop_turn(loop, 0);
    CHECK_EQ(j.ran, 1);
    loop_task(loop, &j.task, run_job);
    loop_turn(loop, -1);
    CHECK_EQ(j.ran, 2);
}

static void a_task_added_by_a_task_runs_before_the_loop_waits(void)
{
    struct job c = { 0 }, b = { .next = &c }, a = { .next = &b };

    loop_task(loop, &a.task, run_job);
    for (turn_number = 1; turn_number <= 3; turn_number++)
        loop_turn(loop, -1); /* would hang here if it waited */
    CHECK(a.ran == 1 && b.ran == 1 && c.ran == 1);
    CHECK(a.turn <= b.turn && b.turn <= c.turn);
}

static void a_task_that_adds_itself_lets_others_have_their_turn(void)
{
    struct job a = { 0 };
    struct end e;

    a.next = &a;
    end_open(&e, EPOLLIN);
    loop_task(loop, &a.task, run_job);
    for (int i = 0; i < 5; i++)
        loop_turn(loop, -1);
    CHECK(a.ran <= 5);
    CHECK_EQ(write(e.other, "x", 1), 1);
    loop_turn(loop, -1);
    CHECK_EQ(e.called, 1);
    loop_task_stop(&a.task);
    end_close(&e);
}

static struct job jobs[2];

static void stop_other_job(struct task *t)
{
    struct job *j = container_of(t, struct job, task);

    j->ran++;
    loop_task_stop(&jobs[j == &jobs[0]].task);
}

static void a_task_may_stop_another_of_the_same_turn(void)
{
    memset(jobs, 0, sizeof(jobs));
    loop_task(loop, &jobs[0].task, stop_other_job);
    loop_task(loop, &jobs[1].task, stop_other_job);
    loop_turn(loop, 0);
    loop_turn(loop, 0);
    CHECK_EQ(jobs[0].ran, 1);
    CHECK_EQ(jobs[1].ran, 0);
    loop_task_stop(&jobs[1].task);
}

struct mortal {
    struct watch watch;
    struct timer timer;
    struct task task, grave;
    int fd, other;
};

static u32 buried;

static void mortal_gone(struct task *t)
{
    buried++;
    free(container_of(t, struct mortal, grave));
}

static void mortal_event(struct watch *w, u32 events)
{
    struct mortal *m = container_of(w, struct mortal, watch);

    (void)events;
    loop_unwatch(&m->watch);
    close(m->fd);
    close(m->other);
    loop_timer_stop(&m->timer);
    loop_task_stop(&m->task);
    loop_bury(loop, &m->grave, mortal_gone);
    CHECK_EQ(buried, 0); /* not inside the callback */
    m->fd = -1;          /* the memory is still there */
}

static void unreachable_timer(struct timer *t)
{
    (void)t;
    CHECK(!"a timer of what is buried fired");
}

static void unreachable_task(struct task *t)
{
    (void)t;
    CHECK(!"a task of what is buried ran");
}

static void what_is_buried_is_gone_after_the_turn(void)
{
    struct mortal *m = calloc(1, sizeof(*m));
    int fds[2];

    buried = 0;
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
    m->fd = fds[0];
    m->other = fds[1];
    CHECK_EQ(loop_watch(loop, &m->watch, m->fd, EPOLLIN, mortal_event), 0);
    loop_timer(loop, &m->timer, 0, unreachable_timer);
    loop_task(loop, &m->task, unreachable_task);
    CHECK_EQ(write(m->other, "x", 1), 1);
    loop_turn(loop, 1000);
    CHECK_EQ(buried, 1);
    loop_turn(loop, 0);
    CHECK_EQ(buried, 1);
}

static void what_is_buried_between_turns_does_not_wait_for_an_event(void)
{
    struct mortal *m = calloc(1, sizeof(*m));

    buried = 0;
    loop_bury(loop, &m->grave, mortal_gone);
    loop_turn(loop, -1);
    CHECK_EQ(buried, 1);
}

/* ---- other threads ---- */

static _Atomic u32 said;
static bool heard_all;

static void *wake_often(void *arg)
{
    (void)arg;
    for (int i = 0; i < 1000; i++) {
        said++;
        loop_wake(loop);
    }
    return NULL;
}

static void another_thread_can_wake_the_loop(void)
{
    pthread_t thread;

    said = 0;
    heard_all = false;
    CHECK(pthread_create(&thread, NULL, wake_often, NULL) == 0);
    for (int i = 0; i < PATIENCE_TURNS && !heard_all; i++) {
        loop_turn(loop, -1); /* hangs if a wake is lost */
        heard_all = said == 1000;
    }
    CHECK(heard_all);
    pthread_join(thread, NULL);
    loop_turn(loop, 0);
}

static struct alarm_clock stopper;

static void stop_loop(struct timer *t)
{
    (void)t;
    stopper.fired++;
    loop_stop(loop);
}

static void run_goes_on_until_stop_and_can_begin_again(void)
{
    memset(&stopper, 0, sizeof(stopper));
    for (u32 i = 1; i <= 2; i++) {
        loop_timer(loop, &stopper.timer, 0, stop_loop);
        loop_run(loop);
        CHECK_EQ(stopper.fired, i);
    }
}

static void freeing_a_loop_frees_what_is_buried(void)
{
    struct mortal *m = calloc(1, sizeof(*m));
    struct loop *other;

    buried = 0;
    CHECK_EQ(loop_new(&other), 0);
    loop_bury(other, &m->grave, mortal_gone);
    loop_free(other);
    CHECK_EQ(buried, 1);
    loop_free(NULL);
}

static void a_loop_leaves_no_descriptor_behind(void)
{
    int before = dup(0), after;
    struct loop *other;

    close(before);
    for (int i = 0; i < 10; i++) {
        CHECK_EQ(loop_new(&other), 0);
        loop_free(other);
    }
    after = dup(0);
    close(after);
    CHECK_EQ(after, before);
}

int main(void)
{
    if (loop_new(&loop) < 0)
        return 1;
    TEST(timers_never_fire_early_and_never_twice);
    TEST(timers_fire_in_order_but_for_their_slack);
    TEST(an_idle_loop_sleeps_until_its_timer);
    TEST(a_timer_that_is_armed_again_fires_at_its_last_time_only);
    TEST(a_timer_that_is_put_off_again_and_again_fires_once_at_its_last_time);
    TEST(a_stopped_timer_does_not_fire);
    TEST(a_time_in_the_past_fires_in_a_next_turn);
    TEST(a_timer_may_stop_another_that_is_due_in_the_same_turn);
    TEST(a_timer_that_arms_itself_for_now_does_not_hold_the_turn);
    TEST(a_timer_of_a_later_round_waits_for_its_round);
    TEST(a_time_that_never_comes_is_no_time_in_the_past);
    TEST(a_watch_hears_what_it_asked_for);
    TEST(an_unwatched_descriptor_is_not_heard_any_more);
    TEST(a_watch_that_another_one_ends_in_the_same_turn_is_not_called);
    TEST(a_descriptor_that_cannot_be_watched_says_so);
    TEST(no_event_is_lost_among_many);
    TEST(a_task_that_is_asked_for_twice_runs_once);
    TEST(a_task_added_by_a_task_runs_before_the_loop_waits);
    TEST(a_task_that_adds_itself_lets_others_have_their_turn);
    TEST(a_task_may_stop_another_of_the_same_turn);
    TEST(what_is_buried_is_gone_after_the_turn);
    TEST(what_is_buried_between_turns_does_not_wait_for_an_event);
    TEST(another_thread_can_wake_the_loop);
    TEST(run_goes_on_until_stop_and_can_begin_again);
    TEST(freeing_a_loop_frees_what_is_buried);
    TEST(a_loop_leaves_no_descriptor_behind);
    loop_free(loop);
    return tap_done();
}
