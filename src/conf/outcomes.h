/* conf/outcomes.h -- what can become of an attempt, as `retry-on` and `breaker-on` name it
 *
 *   connect-failure,reset,timeout,5xx,503
 */
#pragma once

#include "base/buf.h"
#include "base/problem.h"

/* It is no answer at all. */
enum outcome {
    OUTCOME_CONNECT = BIT(0), /* no connection could be made */
    OUTCOME_RESET = BIT(1),   /* the connection ended, or what came was not HTTP */
    OUTCOME_TIMEOUT = BIT(2), /* no answer in time */
};

enum { OUTCOMES_STATUS_FIRST = 400, OUTCOMES_STATUS_LAST = 599 };

/* A set of them, and of statuses. All zero: empty. */
struct outcomes {
    u32 kinds;     /* enum outcome */
    u64 status[4]; /* bit i: OUTCOMES_STATUS_FIRST + i */
};

/* Words and statuses with commas between; empty and "off": none. -EINVAL with p->text. */
MUST_USE int outcomes_parse(struct str text, struct outcomes *out, struct problem *p);
/* The same again, in the order of the words; "off" when there is none. */
void outcomes_text(const struct outcomes *o, struct buf *out);

static inline bool outcomes_have_status(const struct outcomes *o, u32 status)
{
    u32 i = status - OUTCOMES_STATUS_FIRST;

    return status >= OUTCOMES_STATUS_FIRST && status <= OUTCOMES_STATUS_LAST &&
           o->status[i / 64] >> (i % 64) & 1;
}
