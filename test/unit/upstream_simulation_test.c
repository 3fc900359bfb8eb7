/* test/unit/upstream_simulation_test.c -- what choosing endpoints is worth, simulated
 *
 * A discrete-event simulation drives upstream/choose.c: hosts of some event loops each, requests
 * that come at random moments (open loop), each loop one request at a time. The proxy sees of a
 * host what it sees in life: what is in flight there, how long answers took and, if it says so with
 * its answers, how many of its loops wait. Seeded: the same each time.
 */
#include "base/clock.h"
#include "upstream/choose.h"
#include "upstream/peak_ewma.h"

#include "tap.h"

#include <math.h>

enum { HOSTS_MAX = 8, LOOPS_MAX = 16, JOBS_MAX = 1 << 14, TOOK_MAX = 1 << 19 };
#define MS ((double)NS_PER_MS)
#define START (1000.0 * NS_PER_S)

struct host {
    u32 weight, loops;
    double service_ns;                  /* the mean, exponential */
    double blocking_share, blocking_ns; /* such a share of its requests takes so long instead */
    double stall_from_ns, stall_to_ns;  /* its loops do nothing meanwhile */
    double back_ns;                     /* when it came back; 0: it was always there */
    bool reports;
    double free_ns[LOOPS_MAX];
    u32 in_flight, given; /* given: since its report */
    u32 reported;
    _Atomic u64 latency_ns, latency_at_ns;
    u32 got;
};

struct job {
    double done_ns, came_ns;
    u32 host;
    bool blocks;
};

static struct host host[HOSTS_MAX];
static u32 hosts;
static struct job heap[JOBS_MAX]; /* in flight; the first one ends first */
static u32 jobs;
static double took_ns[TOOK_MAX];
static u32 tooks;
static struct random dice;
static const struct choose_rules rules = { .panic = 25000 };
static double slow_start_ns;
static bool is_steady; /* all requests take the same time, but for a tenth */

static void begin(u32 n)
{
    memset(host, 0, sizeof(host));
    hosts = n, jobs = tooks = 0, slow_start_ns = 0, is_steady = false;
    dice.state = 1;
    for (u32 i = 0; i < n; i++) {
        host[i].weight = 1, host[i].loops = 4;
        host[i].service_ns = 5 * MS;
        host[i].reported = CHOOSE_IDLE_UNKNOWN;
    }
}

static double exponential(double mean)
{
    return -mean * log(1 - random_unit(&dice));
}

static double service(double mean)
{
    return is_steady ? mean * (0.9 + random_unit(&dice) / 5) : exponential(mean);
}

static void job_push(struct job one)
{
    u32 i = jobs++;

    for (; i && heap[(i - 1) / 2].done_ns > one.done_ns; i = (i - 1) / 2)
        heap[i] = heap[(i - 1) / 2];
    heap[i] = one;
}

static struct job job_pop(void)
{
    struct job first = heap[0], last = heap[--jobs];
    u32 i = 0;

    for (u32 child; (child = 2 * i + 1) < jobs; i = child) {
        if (child + 1 < jobs && heap[child + 1].done_ns < heap[child].done_ns)
            child++;
        if (heap[child].done_ns >= last.done_ns)
            break;
        heap[i] = heap[child];
    }
    heap[i] = last;
    return first;
}

static void finish(void)
{
    struct job one = job_pop();
    struct host *h = &host[one.host];
    double took = one.done_ns - one.came_ns;

    h->in_flight--;
    peak_ewma_observe(&h->latency_ns, &h->latency_at_ns, (u64)took, (u64)one.done_ns);
    if (tooks < TOOK_MAX && !one.blocks)
        took_ns[tooks++] = took;
    if (!h->reports)
        return;
    h->reported = 0;
    for (u32 i = 0; i < h->loops; i++)
        h->reported += h->free_ns[i] <= one.done_ns;
    h->given = 0;
}

/* The loop that is free first takes it up, when the host does not stall. */
static void give(u32 index, double now_ns)
{
    struct host *h = &host[index];
    u32 first = 0;
    double begin_ns;
    bool blocks = random_unit(&dice) < h->blocking_share;

    for (u32 i = 1; i < h->loops; i++)
        if (h->free_ns[i] < h->free_ns[first])
            first = i;
    begin_ns = fmax(now_ns, h->free_ns[first]);
    if (begin_ns >= h->stall_from_ns && begin_ns < h->stall_to_ns)
        begin_ns = h->stall_to_ns;
    h->free_ns[first] = begin_ns + (blocks ? h->blocking_ns : service(h->service_ns));
    h->in_flight++, h->given++, h->got++;
    job_push((struct job){ h->free_ns[first], now_ns, index, blocks });
}

/* `rate` requests a second from from_s on, until to_s. */
static void run(double from_s, double to_s, double rate)
{
    double now_ns = START + from_s * NS_PER_S;

    for (u32 i = 0; i < hosts; i++)
        host[i].got = 0;
    tooks = 0;
    for (;;) {
        struct choose_endpoint of[HOSTS_MAX];
        struct choose_found found;

        now_ns += exponential(NS_PER_S / rate);
        if (now_ns >= START + to_s * NS_PER_S)
            return;
        while (jobs && heap[0].done_ns <= now_ns)
            finish();
        for (u32 i = 0; i < hosts; i++) {
            struct host *h = &host[i];

            of[i] = (struct choose_endpoint){
                .weight = h->weight,
                .ramp = choose_ramp((u64)h->back_ns, (u64)slow_start_ns, (u64)now_ns),
                .in_flight = h->in_flight,
                .idle = h->reported == CHOOSE_IDLE_UNKNOWN ? CHOOSE_IDLE_UNKNOWN
                        : h->reported > h->given           ? h->reported - h->given
                                                           : 0,
                .latency_ns = h->latency_ns,
                .latency_at_ns = h->latency_at_ns,
                .down = h->back_ns > now_ns,
            };
        }
        CHECK_EQ(choose(of, hosts, &rules, (u64)now_ns, &dice, &found), CHOOSE_FOUND);
        give(found.index, now_ns);
    }
}

static double share(u32 i)
{
    double all = 0;

    for (u32 j = 0; j < hosts; j++)
        all += host[j].got;
    return host[i].got / all;
}

static int compare(const void *a, const void *b)
{
    return *(const double *)a < *(const double *)b ? -1 : *(const double *)a > *(const double *)b;
}

static double quantile_ms(double q)
{
    qsort(took_ns, tooks, sizeof(*took_ns), compare);
    return took_ns[(u32)(q * (tooks - 1))] / MS;
}

/* Within so many percentage points of what its weight says. */
static bool has_share(u32 i, double want, double points)
{
    double has = share(i);

    if (fabs(has - want) <= points / 100)
        return true;
    printf("# host %u got %.4f, not %.4f\n", i, has, want);
    return false;
}

static void weights_are_kept_at_every_load(void)
{
    for (u32 steady = 0; steady < 2; steady++)
        for (double load = 0.2; load < 0.95; load += 0.2) {
            double points = steady ? 3 : 4;

            begin(3);
            is_steady = steady;
            host[0].weight = 1, host[1].weight = 2, host[2].weight = 5;
            host[0].loops = 2, host[1].loops = 4, host[2].loops = 10;
            run(0, 60, load * 16 / 0.005);
            printf("# load %.1f, %s: %.4f %.4f %.4f\n", load, steady ? "steady" : "exponential",
                   share(0), share(1), share(2));
            CHECK(has_share(0, 0.125, points) && has_share(1, 0.25, points) &&
                  has_share(2, 0.625, points));
        }
}

static void equals_get_equal_parts(void)
{
    begin(5);
    run(0, 60, 0.7 * 20 / 0.005);
    for (u32 i = 0; i < 5; i++)
        CHECK(has_share(i, 0.2, 2));
}

static void a_slow_host_among_fast_ones_gets_little(void)
{
    double alone_ms;

    begin(3);
    run(0, 60, 1000);
    alone_ms = quantile_ms(0.99);
    begin(4);
    host[3].service_ns = 100 * MS;
    run(0, 10, 1000);
    run(10, 60, 1000);
    printf("# the slow one got %.4f; p99 %.1f ms, %.1f without it\n", share(3), quantile_ms(0.99),
           alone_ms);
    CHECK(share(3) < 0.005);
    CHECK(quantile_ms(0.99) < 1.5 * alone_ms);
}

static void a_host_that_stalls_is_left_alone_until_it_is_well(void)
{
    begin(3);
    host[0].stall_from_ns = START + 10.0 * NS_PER_S;
    host[0].stall_to_ns = START + 20.0 * NS_PER_S;
    run(0, 10.1, 1000);
    run(10.1, 20, 1000);
    printf("# %u of %u went to it while it stalled\n", host[0].got, host[1].got + host[2].got);
    CHECK(host[0].got < 20);
    run(20, 100, 1000);
    run(100, 120, 1000);
    CHECK(has_share(0, 1.0 / 3, 4));
}

static void one_that_comes_back_gets_more_and_more(void)
{
    double before = 0;

    begin(3);
    host[2].back_ns = START + 10.0 * NS_PER_S;
    slow_start_ns = 20.0 * NS_PER_S;
    run(0, 10, 1500);
    CHECK_EQ(host[2].got, 0);
    for (u32 i = 0; i < 5; i++) {
        double ramp = fmax(0.1, (2 + 4 * i) / 20.0);

        run(10 + 4 * i, 14 + 4 * i, 1500);
        printf("# after %u s: %.3f\n", 4 + 4 * i, share(2));
        CHECK(share(2) > 0.8 * ramp / (2 + ramp));
        CHECK(share(2) < 2.2 * ramp / (2 + ramp)); /* it is free when the others are busy */
        CHECK(share(2) > before);
        before = share(2);
    }
    run(30, 60, 1500);
    CHECK(has_share(2, 1.0 / 3, 4));
}

/* Most requests are short and some block a loop for long: what idle-first is for, over hosts. */
static double p99_ms(bool reports)
{
    begin(4);
    for (u32 i = 0; i < 4; i++) {
        host[i].reports = reports;
        host[i].loops = 2;
        host[i].service_ns = 1 * MS;
        host[i].blocking_share = 0.02;
        host[i].blocking_ns = 100 * MS;
    }
    run(0, 120, 1300); /* half of what the loops can do */
    return quantile_ms(0.99);
}

static void reports_of_loops_keep_requests_away_from_busy_hosts(void)
{
    double with = p99_ms(true), without = p99_ms(false);

    printf("# p99 %.1f ms with reports, %.1f without\n", with, without);
    CHECK(with < without * 0.9);
}

int main(void)
{
    TEST(weights_are_kept_at_every_load);
    TEST(equals_get_equal_parts);
    TEST(a_slow_host_among_fast_ones_gets_little);
    TEST(a_host_that_stalls_is_left_alone_until_it_is_well);
    TEST(one_that_comes_back_gets_more_and_more);
    TEST(reports_of_loops_keep_requests_away_from_busy_hosts);
    return tap_done();
}
