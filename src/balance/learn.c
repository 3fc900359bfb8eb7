/* balance/learn.c -- how long a worker's requests keep its loop, lately */
#include "balance/learn.h"

/* 0.5 to the power of 1 / LEARN_HALF_LIFE */
static const double fade = 0.965936;

/* Below this there is not enough to go by. */
enum { REQUESTS_MIN = 8 };

void learn_reading(struct learn *l, u64 busy_ns, u64 requests, u64 long_turns)
{
    if (busy_ns < l->last_busy_ns || requests < l->last_requests || long_turns < l->last_long_turns)
        *l = (struct learn){ 0 };
    l->busy_ns = l->busy_ns * fade + (double)(busy_ns - l->last_busy_ns);
    l->requests = l->requests * fade + (double)(requests - l->last_requests);
    l->long_turns = l->long_turns * fade + (double)(long_turns - l->last_long_turns);
    l->last_busy_ns = busy_ns;
    l->last_requests = requests;
    l->last_long_turns = long_turns;
}

u64 learn_request_mean_ns(const struct learn *l)
{
    return l->requests < REQUESTS_MIN ? 0 : (u64)(l->busy_ns / l->requests) + 1;
}

u64 learn_ahead_max(const struct learn *l)
{
    u64 mean_ns = learn_request_mean_ns(l);
    double ahead = LEARN_AHEAD_MAX;

    if (mean_ns == 0)
        return 0;
    ahead = min(ahead, (double)LEARN_AHEAD_NS / (double)mean_ns);
    if (l->long_turns > 0)
        ahead = min(ahead, l->requests / (l->long_turns * LEARN_STUCK_ONE_IN));
    return ahead < 2 ? 0 : (u64)ahead;
}
