/* balance/learn.c -- how long a worker's turns and requests take, lately */
#include "balance/learn.h"

/* 0.5 to the power of 1 / LEARN_HALF_LIFE */
static const double fade = 0.965936;

/* Below this there is not enough to go by. */
enum { REQUESTS_MIN = 8 };

void learn_reading(struct learn *l, const u64 count[LEARN_BUCKETS], const u64 mid_ns[LEARN_BUCKETS],
                   u64 busy_ns, u64 requests)
{
    if (busy_ns < l->last_busy_ns || requests < l->last_requests)
        *l = (struct learn){ 0 };
    l->turn_ns *= fade;
    l->turn_square_ns2 *= fade;
    l->busy_ns *= fade;
    l->requests *= fade;
    for (u32 i = 0; i < LEARN_BUCKETS; i++) {
        double turns = count[i] > l->last_count[i] ? (double)(count[i] - l->last_count[i]) : 0;
        double mid = (double)mid_ns[i];

        l->turn_ns += turns * mid;
        l->turn_square_ns2 += turns * mid * mid;
        l->last_count[i] = count[i];
    }
    l->busy_ns += (double)(busy_ns - l->last_busy_ns);
    l->requests += (double)(requests - l->last_requests);
    l->last_busy_ns = busy_ns;
    l->last_requests = requests;
}

u64 learn_turn_mean_ns(const struct learn *l)
{
    if (l->requests < REQUESTS_MIN || l->turn_ns <= 0)
        return 0;
    return (u64)(l->turn_square_ns2 / l->turn_ns) + 1;
}

u64 learn_request_mean_ns(const struct learn *l)
{
    return l->requests < REQUESTS_MIN ? 0 : (u64)(l->busy_ns / l->requests) + 1;
}
