/* guard/codel.h -- whether a queue of requests has become too long, and when it pays to come again
 *
 * A queue that empties between bursts does good; one that never does only adds its length to every
 * answer, until clients give up and come again. What tells them apart is how long the oldest has
 * waited, looked at over a while (CoDel, Nichols and Jacobson, RFC 8289; for requests: Maurer, Fail
 * at Scale, 2015): longer than the target all the time for an interval is an overload. Then what
 * has waited for longer than the target is shed, and the newest are served first: in an overload
 * somebody gets no answer anyway, and those who get one get it at once.
 *
 * It is looked at when somebody has been served, so that loops that all block for a moment are no
 * overload: what waited for them is served when they go on, and has an interval for it. Nor are a
 * `few` that wait, however long each of them takes. It is over when there are only half of those.
 *
 * Values and clock in, verdict out; the caller has the lock.
 */
#pragma once

#include "base/base.h"

enum { CODEL_FEW_LEAST = 16, CODEL_FEW_BY_WORKER = 8, CODEL_RETRY_MOST_S = 60 };

/* All zero: nothing has been seen. */
struct codel {
    u64 above_ns;      /* since when the oldest waits for longer than the target; 0: it does not */
    u64 overloaded_ns; /* since when there are too many; 0: there are not */
};

struct codel_rules {
    u64 target_ns; /* 0: nobody is ever shed */
    u64 interval_ns;
    u32 few; /* so many may wait for as long as they like */
};

/* Somebody has been served, and `waiting` are left, of whom the oldest has waited for so long. */
void codel_look(struct codel *c, const struct codel_rules *rules, u32 waiting, u64 oldest_wait_ns,
                u64 now_ns);

/* Whether one that has waited so long is given up. */
static inline bool codel_sheds(const struct codel *c, u64 target_ns, u64 wait_ns)
{
    return c->overloaded_ns && target_ns && wait_ns > target_ns;
}

static inline u32 codel_few(u32 workers)
{
    return max((u32)CODEL_FEW_LEAST, workers * CODEL_FEW_BY_WORKER);
}

/* How quickly a queue is served. All zero: nothing is known. */
struct codel_drain {
    u64 last_ns; /* when the last one left; 0: nobody waits */
    u64 gap_ns;  /* the mean of what lies between two, lately */
};
void codel_drained(struct codel_drain *d, u64 now_ns);

/* After so many seconds it may be worth another try: when those who wait now have been served, and
 * the n-th that is told so a little later than the one before, so that they do not all come at
 * once. 1 … CODEL_RETRY_MOST_S. */
u32 codel_retry_after_s(u64 gap_ns, u32 waiting, u64 nth);
