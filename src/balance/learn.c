/* balance/learn.c -- how long a worker's requests keep its loop, lately */
#include "balance/learn.h"

/* 0.5 to the power of 1 / LEARN_HALF_LIFE */
static const double fade = 0.965936;

/* Below this there is not enough to go by. */
enum { REQUESTS_MIN = 8 };
/* What rounding leaves of none. */
#define LONG_TURNS_LEAST 1e-6
#define SHARE_LEAST 0.25

static bool fell(const struct learn_counters *now, const struct learn_counters *before)
{
    return now->busy_ns < before->busy_ns || now->requests < before->requests ||
           now->long_turns < before->long_turns || now->slow_ns < before->slow_ns ||
           now->slow_requests < before->slow_requests || now->slow_turns < before->slow_turns;
}

/* What has come of something, less the part of it that is due to slow kinds. That may be counted a
 * reading earlier or later than the whole, so the difference can be negative for a while. */
static double grown(u64 now, u64 before, u64 slow_now, u64 slow_before)
{
    return (double)(now - before) - (double)(slow_now - slow_before);
}

void learn_reading(struct learn *l, const struct learn_counters *c)
{
    const struct learn_counters *before = &l->last;

    if (!l->begun || fell(c, before)) {
        *l = (struct learn){ .last = *c, .begun = true };
        return;
    }
    l->busy_ns =
        l->busy_ns * fade + grown(c->busy_ns, before->busy_ns, c->slow_ns, before->slow_ns);
    l->requests = l->requests * fade +
                  grown(c->requests, before->requests, c->slow_requests, before->slow_requests);
    l->long_turns = l->long_turns * fade +
                    grown(c->long_turns, before->long_turns, c->slow_turns, before->slow_turns);
    l->all_ns = l->all_ns * fade + (double)(c->busy_ns - before->busy_ns);
    l->delay_ns = l->delay_ns * fade +
                  (double)(c->delay_ns > before->delay_ns ? c->delay_ns - before->delay_ns : 0);
    l->last = *c;
}

/* The part of its busy time in which the loop had a CPU. Some of the delay is from before a turn
 * begins, so it may be less than it seems. */
static double share(const struct learn *l)
{
    return l->all_ns > 0 ? max(1 - l->delay_ns / l->all_ns, SHARE_LEAST) : 1;
}

u64 learn_request_mean_ns(const struct learn *l)
{
    return l->requests < REQUESTS_MIN ? 0 : (u64)max(l->busy_ns / l->requests, 0.0) + 1;
}

u64 learn_ahead_max(const struct learn *l, bool lanes)
{
    u64 mean_ns = learn_request_mean_ns(l);
    double ahead = LEARN_AHEAD_MAX, on_cpu = lanes ? 1 : share(l);

    if (mean_ns == 0)
        return 0;
    ahead = min(ahead, (double)LEARN_AHEAD_NS / ((double)mean_ns * on_cpu));
    if (l->long_turns > LONG_TURNS_LEAST)
        ahead = min(ahead, l->requests / (l->long_turns * on_cpu * LEARN_STUCK_ONE_IN));
    return ahead < 2 ? 0 : (u64)ahead;
}
