/* balance/learn.h -- how long a worker's turns and requests take, lately
 *
 * Fed a few times a second with a loop's counters, it keeps two moving means:
 * the length of a turn weighted by time (what a request that comes at a random
 * moment of a running loop finds), and the loop's time for one request. Old
 * readings fade with a half-life of about LEARN_HALF_LIFE readings.
 */
#pragma once

#include "base/base.h"

enum { LEARN_BUCKETS = 128, LEARN_HALF_LIFE = 20 };

struct learn {
    double turn_ns;         /* sum of the turns' lengths, faded */
    double turn_square_ns2; /* sum of their squares, faded */
    double busy_ns, requests;
    u64 last_busy_ns, last_requests;
    u64 last_count[LEARN_BUCKETS];
};

/* One reading: `count` is a histogram of turns whose bucket i has the middle mid_ns[i]; busy_ns
 * and requests only grow (a fall means a new process: learned values are forgotten). */
void learn_reading(struct learn *l, const u64 count[LEARN_BUCKETS], const u64 mid_ns[LEARN_BUCKETS],
                   u64 busy_ns, u64 requests);

/* 0 while nothing is known. */
u64 learn_turn_mean_ns(const struct learn *l);
u64 learn_request_mean_ns(const struct learn *l);
