/* test/unit/guard_concurrency_test.c -- the limit that is learned, against simulated apps
 *
 * A discrete simulation in steps of a millisecond: requests come at random moments (open loop), are
 * passed on while the limit allows it, else wait in a queue that sheds what has waited for half a
 * second; behind it is an app whose capacity is known. Seeded: the same each time.
 */
#include "guard/concurrency.h"

#include "base/clock.h"

#include "tap.h"

#include <math.h>

enum { JOBS_MAX = 1 << 16, WORKERS = 2, SHED_MS = 500, LOOK_MS = 100 };

struct app {
    u32 places;                 /* that are served at once, like connections to a database */
    double serve_ms;            /* the mean of what one takes in its place */
    double thrash;              /* each that waits for a place makes all slower by this part */
    double long_share, long_ms; /* so many take no place but this long: long polls */
};

struct sim {
    struct app app;
    struct concurrency c;
    u64 seed;
    double now_ms, owed;    /* arrivals */
    double queue[JOBS_MAX]; /* when they came */
    u32 queue_at, queue_n;
    struct job {
        double came_ms, passed_ms, left_ms; /* left < 0: waits for a place */
        bool is_long;
    } job[JOBS_MAX];
    u32 jobs, served_now;
    u64 answers, answer_ns, met;
    /* counted since sim_count() */
    u32 good, shed;
    double worst_ms;
    u32 limit;
};

static double chance(struct sim *s)
{
    s->seed = s->seed * 6364136223846793005ull + 1442695040888963407ull;
    return (double)(s->seed >> 11) / (double)(1ull << 53);
}

static void pass(struct sim *s, double came_ms)
{
    struct job *j = &s->job[s->jobs++];

    *j = (struct job){ .came_ms = came_ms, .passed_ms = s->now_ms, .left_ms = -1 };
    j->is_long = chance(s) < s->app.long_share;
    if (j->is_long)
        j->left_ms = s->app.long_ms;
}

static u32 load_of(const struct sim *s)
{
    u32 n = 0;

    for (u32 i = 0; i < s->jobs; i++)
        n += !s->job[i].is_long || s->now_ms - s->job[i].passed_ms < 1000; /* then they are idle */
    return n;
}

static void over(struct sim *s, struct job *j)
{
    double took_ms = s->now_ms - j->passed_ms, most = s->c.usual_ns / 1e6 * CONCURRENCY_SAMPLE;

    s->answers++;
    s->answer_ns +=
        (u64)((s->c.usual_ns > 0 ? fmin(took_ms, fmax(most, CONCURRENCY_SAMPLE)) : took_ms) * 1e6);
    if (!j->is_long) {
        s->good++;
        s->worst_ms = fmax(s->worst_ms, s->now_ms - j->came_ms);
        s->served_now--;
    }
    *j = s->job[--s->jobs];
}

/* The app works for a millisecond. */
static void work(struct sim *s)
{
    u32 waiting = 0;
    double speed;

    for (u32 i = 0; i < s->jobs; i++) {
        struct job *j = &s->job[i];

        if (j->left_ms >= 0)
            continue;
        if (s->served_now < s->app.places) {
            j->left_ms = -log(1 - chance(s)) * s->app.serve_ms;
            s->served_now++;
        } else {
            waiting++;
        }
    }
    speed = 1 / (1 + s->app.thrash * waiting);
    for (u32 i = 0; i < s->jobs;) {
        struct job *j = &s->job[i];

        if (j->left_ms >= 0 && (j->left_ms -= j->is_long ? 1 : speed) <= 0)
            over(s, j);
        else
            i++;
    }
}

static void run(struct sim *s, double seconds, double per_second)
{
    double until_ms = s->now_ms + seconds * 1000;

    while (s->now_ms < until_ms) {
        u32 load = load_of(s);

        s->now_ms++;
        s->owed += -log(1 - chance(s)) * per_second / 1000;
        for (; s->owed >= 1; s->owed--) {
            if (s->queue_n < JOBS_MAX)
                s->queue[(s->queue_at + s->queue_n++) % JOBS_MAX] = s->now_ms;
        }
        for (; s->queue_n && s->now_ms - s->queue[s->queue_at] > SHED_MS; s->queue_n--, s->shed++)
            s->queue_at = (s->queue_at + 1) % JOBS_MAX;
        for (; s->queue_n && (s->limit == 0 || load < s->limit) && s->jobs < JOBS_MAX - 1;
             s->queue_n--, load++) {
            pass(s, s->queue[s->queue_at]);
            s->queue_at = (s->queue_at + 1) % JOBS_MAX;
        }
        work(s);
        if ((u64)s->now_ms % LOOK_MS == 0) {
            struct concurrency_reading r = { .now_ns = (u64)(s->now_ms * 1e6),
                                             .answers = s->answers,
                                             .answer_ns = s->answer_ns,
                                             .refused = s->met += s->queue_n > 0,
                                             .in_flight = load_of(s),
                                             .workers = WORKERS };

            s->limit = concurrency_look(&s->c, &r);
        }
    }
}

static struct sim *begin(struct app app)
{
    static struct sim *s;

    free(s);
    s = calloc(1, sizeof(*s));
    assert(s);
    s->app = app;
    s->seed = 42;
    s->now_ms = 1000;
    return s;
}

static void count(struct sim *s)
{
    s->good = s->shed = 0;
    s->worst_ms = 0;
}

static const struct app database = { .places = 20, .serve_ms = 10 }; /* 2,000 a second */

static void an_app_that_is_not_overloaded_has_no_limit(void)
{
    struct sim *s = begin(database);

    for (u32 i = 0; i < 20; i++) {
        run(s, 5, i % 2 ? 1400 : 50);
        CHECK_EQ(s->limit, 0);
    }
    CHECK_EQ(s->shed, 0);
    CHECK(s->c.usual_ns > 9e6 && s->c.usual_ns < 14e6);
}

static void under_three_times_its_load_it_answers_as_many_as_it_can_and_soon(void)
{
    struct sim *s = begin(database);

    run(s, 10, 1000);
    run(s, 10, 6000); /* to find out, and for what had been passed before */
    CHECK(s->limit >= CONCURRENCY_FREE * WORKERS && s->limit <= 80);
    count(s);
    run(s, 60, 6000);
    printf("# good %u of 120000, worst %.0f ms, limit %u\n", s->good, s->worst_ms, s->limit);
    CHECK(s->good >= 120000 * 0.95);
    CHECK(s->worst_ms < SHED_MS + 200);
    CHECK(s->limit <= 80);
    run(s, 20, 1000); /* when it is over, the limit goes */
    count(s);
    run(s, 10, 1000);
    CHECK_EQ(s->limit, 0);
    CHECK_EQ(s->shed, 0);
}

/* Each request beyond what it serves at once makes it slower: without a limit it answers next to
 * nothing. */
static void an_app_that_breaks_down_under_load_is_kept_from_it(void)
{
    struct app app = database;
    struct sim *s;

    app.thrash = 0.01;
    s = begin(app);
    run(s, 10, 1000);
    run(s, 30, 4000);
    count(s);
    run(s, 30, 4000);
    printf("# good %u of 60000 at best, limit %u\n", s->good, s->limit);
    CHECK(s->good >= 60000 * 0.8);
}

/* Three times as slow and more, and yet it does with any number at once: to limit it would refuse
 * what it could answer. */
static void an_app_that_becomes_slow_but_not_overloaded_is_left_alone(void)
{
    struct app app = { .places = 10000, .serve_ms = 20 };
    struct sim *s = begin(app);

    run(s, 10, 500);
    for (u32 i = 0; i < 5; i++) {
        s->app.serve_ms *= 2.5; /* 50, 125, 312, 781, 1953 ms */
        run(s, 40, 500);
        CHECK_EQ(s->limit, 0);
    }
    printf("# shed %u of %u\n", s->shed, s->shed + s->good);
    CHECK(s->shed == 0);
}

static void long_polls_are_no_load(void)
{
    struct app app = database;
    struct sim *s;

    app.long_share = 0.1;
    app.long_ms = 25000;
    s = begin(app);
    run(s, 60, 1000); /* 2,500 of them at once */
    CHECK_EQ(s->limit, 0);
    CHECK_EQ(s->shed, 0);
    CHECK(s->jobs > 2000);
}

static void an_overload_from_the_first_request_on_is_found_out(void)
{
    struct sim *s = begin(database);

    run(s, 60, 6000);
    count(s);
    run(s, 30, 6000);
    printf("# good %u of 60000, worst %.0f ms, limit %u\n", s->good, s->worst_ms, s->limit);
    CHECK(s->good >= 60000 * 0.9);
    CHECK(s->worst_ms < 1500);
}

static void a_capacity_that_changes_is_followed(void)
{
    struct sim *s = begin(database);

    run(s, 10, 1000);
    run(s, 20, 6000);
    s->app.places = 60; /* three times as many */
    run(s, 30, 6000);
    count(s);
    run(s, 20, 6000);
    printf("# good %u of 120000, limit %u\n", s->good, s->limit);
    CHECK(s->good >= 120000 * 0.85);
}

/* Whatever it reads. */
static void the_limit_is_never_below_what_is_free(void)
{
    struct concurrency c = { 0 };
    struct concurrency_reading r = { .now_ns = NS_PER_S, .workers = 3 };
    u64 seed = 7;

    for (u32 i = 0; i < 1000000; i++) {
        u32 limit = concurrency_look(&c, &r);

        seed = seed * 6364136223846793005ull + 1442695040888963407ull;
        CHECK(limit == 0 || limit >= CONCURRENCY_FREE * 3);
        r.now_ns += seed >> 34;
        r.answers += (seed >> 20) % 50;
        r.answer_ns += (seed >> 20) % 50 * ((seed >> 40) % (400 * NS_PER_MS));
        r.refused += (seed >> 50) % 3 == 0;
        r.in_flight = (u32)((seed >> 30) % 2000);
        if (seed >> 60 == 5 && i % 1000 == 0)
            r.answers = 0; /* a proxy that comes back */
    }
}

int main(void)
{
    TEST(an_app_that_is_not_overloaded_has_no_limit);
    TEST(under_three_times_its_load_it_answers_as_many_as_it_can_and_soon);
    TEST(an_app_that_breaks_down_under_load_is_kept_from_it);
    TEST(an_app_that_becomes_slow_but_not_overloaded_is_left_alone);
    TEST(long_polls_are_no_load);
    TEST(an_overload_from_the_first_request_on_is_found_out);
    TEST(a_capacity_that_changes_is_followed);
    TEST(the_limit_is_never_below_what_is_free);
    return tap_done();
}
