/* proxy/throttle.h -- rate limits, where a request meets them
 *
 * A step of admission (admission.h): each limit of the rule gives one of the client's budget, or
 * none does and the answer is 429. What is left is told with the answer.
 */
#pragma once

#include "proxy/admission.h"

enum admission throttle_admit(struct exchange *x);

/* RateLimit and its like for an answer of the app: lines, in `out`; empty if the app has such
 * fields itself. */
struct throttle_fields {
    size_t len;
    char text[1024];
};
struct str throttle_fields(struct exchange *x, const char *bytes, struct throttle_fields *out);

/* Now and then, thread 0: how full the tables are, for the monitor. */
void throttle_tick(struct proxy *p);
