/* test/unit/guard_concurrency_test.c -- the limit that is learned, against
 * simulated apps
 *
 * A discrete simulation in steps of a millisecond: requests come at random
 * moments (open loop), are passed on while the limit allows it, else wait in a
 * queue that sheds what has waited for half a second; behind it is an app whose
 * capacity is known. Seeded: the same each time.
 */
#include "guard/concurrency.h"

#include "base/clock.h"
#include "guard/codel.h"

#include "tap.h"

#include <math.h>

enum { JOBS_MAX = 1 << 18, WORKERS = 2, SHED_MS = 500, LOOK_MS = 100 };

struct app {
    u32 places;                 /* that are served at once, like connections to a database */
    double serve_ms;            /* the mean of what one takes in its place */
    double thrash;              /* each that waits for a place makes all slower by this part */
    bool unfair;                /* those that wait are served at random */
    double long_share, long_ms; /* so many take no place but this long: long polls */
};

struct sim {
    struct app app;
    struct concurrency c;
    struct codel codel;
    u64 seed;
    double now_ms, owed;    /* arrivals */
    double queue[JOBS_MAX]; /* when they came */
    u32 queue_at, queue_n;
    struct job {
        double came_ms, left_ms;
    } waits[JOBS_MAX], served[JOBS_MAX], polls[JOBS_MAX];
    u32 waits_at, waits_n, served_n, polls_n, fresh_polls;
    u64 answers, met;
    /* since count() */
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
    struct job j = { .came_ms = came_ms };

    if (chance(s) < s->app.long_share) {
        j.left_ms = s->app.long_ms;
        s->polls[s->polls_n++] = j;
    } else {
        s->waits[(s->waits_at + s->waits_n++) % JOBS_MAX] = j;
    }
    assert(s->waits_n < JOBS_MAX && s->polls_n < JOBS_MAX);
}

/* What is a load: after a second, a long poll is none. */
static u32 load_of(const struct sim *s)
{
    u32 n = s->waits_n + s->served_n;

    for (u32 i = s->polls_n; i-- > 0 && s->app.long_ms - s->polls[i].left_ms < 1000;)
        n++;
    return n;
}

/* The app works for a millisecond. */
static void work(struct sim *s)
{
    double speed;

    for (; s->waits_n && s->served_n < s->app.places; s->waits_n--) {
        u32 next =
            s->app.unfair ? (s->waits_at + (u32)(chance(s) * s->waits_n)) % JOBS_MAX : s->waits_at;
        struct job j = s->waits[next];

        s->waits[next] = s->waits[s->waits_at];
        s->waits_at = (s->waits_at + 1) % JOBS_MAX;
        j.left_ms = -log(1 - chance(s)) * s->app.serve_ms;
        s->served[s->served_n++] = j;
    }
    speed = 1 / (1 + s->app.thrash * s->waits_n);
    for (u32 i = 0; i < s->served_n;) {
        struct job *j = &s->served[i];

        j->left_ms -= speed;
        if (j->left_ms > 0) {
            i++;
            continue;
        }
        s->answers++;
        s->good++;
        s->worst_ms = fmax(s->worst_ms, s->now_ms - j->came_ms);
        *j = s->served[--s->served_n];
    }
    for (u32 i = 0; i < s->polls_n; i++)
        s->polls[i].left_ms--;
    if (s->polls_n && s->polls[0].left_ms <= 0) {
        u32 n = 0;

        for (; n < s->polls_n && s->polls[n].left_ms <= 0; n++)
            s->answers++;
        memmove(s->polls, s->polls + n, (s->polls_n -= n) * sizeof(s->polls[0]));
    }
}

static void look(struct sim *s)
{
    struct concurrency_reading r = { .now_ns = (u64)(s->now_ms * 1e6),
                                     .answers = s->answers,
                                     .refused = s->met += s->queue_n > 0,
                                     .in_flight = load_of(s),
                                     .workers = WORKERS };

    s->limit = concurrency_look(&s->c, &r);
}

static void run(struct sim *s, double seconds, double per_second)
{
    static const struct codel_rules rules = { SHED_MS * NS_PER_MS, NS_PER_S, 16 };
    double until_ms = s->now_ms + seconds * 1000;

    while (s->now_ms < until_ms) {
        u32 load = load_of(s);
        bool passed = false;

        s->now_ms++;
        s->owed += -log(1 - chance(s)) * per_second / 1000;
        for (; s->owed >= 1; s->owed--)
            s->queue[(s->queue_at + s->queue_n++) % JOBS_MAX] = s->now_ms;
        assert(s->queue_n < JOBS_MAX);
        for (; s->queue_n && (s->limit == 0 || load < s->limit); s->queue_n--, load++) {
            pass(s, s->queue[s->queue_at]);
            s->queue_at = (s->queue_at + 1) % JOBS_MAX;
            passed = true;
        }
        if (passed)
            codel_look(&s->codel, &rules, s->queue_n,
                       s->queue_n ? (u64)((s->now_ms - s->queue[s->queue_at]) * 1e6) : 0,
                       (u64)(s->now_ms * 1e6));
        for (; s->queue_n && codel_sheds(&s->codel, rules.target_ns,
                                         (u64)((s->now_ms - s->queue[s->queue_at]) * 1e6));
             s->queue_n--, s->shed++)
            s->queue_at = (s->queue_at + 1) % JOBS_MAX;
        work(s);
        if ((u64)s->now_ms % LOOK_MS == 0)
            look(s);
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

/* As many as it answers when nothing limits it: a millisecond of the simulation
 * is lost between two in a place. */
static const struct app database = { .places = 20, .serve_ms = 10 };
enum { CAPACITY = 1900 };

static void an_app_that_is_not_overloaded_has_no_limit(void)
{
    struct sim *s = begin(database);

    for (u32 i = 0; i < 20; i++) {
        run(s, 5, i % 2 ? 1400 : 50);
        CHECK_EQ(s->limit, 0);
    }
    CHECK_EQ(s->shed, 0);
    CHECK(s->c.usual_ns > 5e6 && s->c.usual_ns < 20e6);
}

static void under_three_times_its_load_it_answers_as_many_as_it_can_and_soon(void)
{
    struct sim *s = begin(database);

    run(s, 10, 1000);
    run(s, 10, 6000); /* to find out, and for what had been passed before */
    CHECK(s->limit >= CONCURRENCY_FREE * WORKERS && s->limit <= 80);
    count(s);
    run(s, 60, 6000);
    printf("# good %u of %u, worst %.0f ms, limit %u\n", s->good, 60 * CAPACITY, s->worst_ms,
           s->limit);
    CHECK(s->good >= 60 * CAPACITY * 0.95);
    CHECK(s->worst_ms < SHED_MS + 300);
    CHECK(s->limit <= 80);
    run(s, 20, 1000); /* when it is over, the limit goes */
    count(s);
    run(s, 10, 1000);
    CHECK_EQ(s->limit, 0);
    CHECK_EQ(s->shed, 0);
}

/* Whom it serves by chance is no measure of how long the others are there. */
static void the_same_where_those_who_wait_are_served_at_random(void)
{
    struct app app = database;
    struct sim *s;

    app.unfair = true;
    s = begin(app);
    run(s, 10, 1000);
    run(s, 10, 6000);
    CHECK(s->limit >= CONCURRENCY_FREE * WORKERS && s->limit <= 80);
    count(s);
    run(s, 30, 6000);
    CHECK(s->good >= 30 * CAPACITY * 0.95);
}

/* Each request beyond what it serves at once makes it slower: without a limit
 * it answers next to nothing. */
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

/* Three times as slow and more, and yet it does with any number at once: to
 * limit it would refuse what it could answer. */
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
    CHECK(s->shed < 0.02 * s->good); /* while it was tried */
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
    CHECK(s->polls_n > 2000);
}

static void an_overload_from_the_first_request_on_is_found_out(void)
{
    struct sim *s = begin(database);

    run(s, 60, 6000);
    count(s);
    run(s, 30, 6000);
    printf("# good %u of 60000, worst %.0f ms, limit %u\n", s->good, s->worst_ms, s->limit);
    CHECK(s->good >= 30 * CAPACITY * 0.95);
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

/* What a saturated loop of short requests looks like: soon enough, however many
 * there are. */
static void answers_within_a_few_milliseconds_are_never_limited(void)
{
    struct concurrency c = { 0 };
    struct concurrency_reading r = { .workers = WORKERS };

    for (u32 i = 0; i < 600; i++) {
        r.now_ns += 100 * NS_PER_MS;
        r.answers += i < 100 ? 100 : 2500;
        r.in_flight = i < 100 ? 1 : 400; /* 1 ms at first, then 16 */
        CHECK_EQ(concurrency_look(&c, &r), 0);
    }
}

/* Whatever it reads. */
static void the_limit_is_never_below_what_is_free(void)
{
    struct concurrency c = { 0 };
    struct concurrency_reading r = { .now_ns = NS_PER_S, .workers = 3 };
    u64 seed = 7;

    for (u32 i = 0; i < 300000; i++) {
        u32 limit = concurrency_look(&c, &r);

        seed = seed * 6364136223846793005ull + 1442695040888963407ull;
        CHECK(limit == 0 || limit >= CONCURRENCY_FREE * 3);
        r.now_ns += seed >> 34;
        r.answers += (seed >> 20) % 50;
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
    TEST(the_same_where_those_who_wait_are_served_at_random);
    TEST(an_app_that_breaks_down_under_load_is_kept_from_it);
    TEST(an_app_that_becomes_slow_but_not_overloaded_is_left_alone);
    TEST(long_polls_are_no_load);
    TEST(an_overload_from_the_first_request_on_is_found_out);
    TEST(a_capacity_that_changes_is_followed);
    TEST(answers_within_a_few_milliseconds_are_never_limited);
    TEST(the_limit_is_never_below_what_is_free);
    return tap_done();
}
