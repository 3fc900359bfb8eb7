/* balance/blame.h -- how much of the time that a loop was blocked is one request's doing
 *
 * Node tells nobody whose work a turn was. But the loop's sum of long turns (shm_loop.long_ns) is
 * read when a request is given and when it is over, so at most what came in between is its doing.
 * Several requests may have been there at that time. Each takes, when it is over, a part of what
 * nobody has taken yet, by what was expected of it against what is expected of all that are there:
 * whoever blocked before is believed to have blocked again, and who is there while nothing blocks
 * is cleared. Over many requests this finds out who it is, as expectation maximisation does
 * (Dempster, Laird and Rubin 1977), with one sum per loop.
 *
 * In the same way the whole time that a loop ran is divided, long turns or not: then `blocked`
 * below is how long it has run.
 */
#pragma once

#include "base/base.h"

/* What is expected at least of each, so that nobody is above suspicion. */
#define BLAME_LEAST_NS 50000ull

/* The same of the time that a loop runs; of a kind that is not known yet so much is expected. */
#define BLAME_LOOP_LEAST_NS 2000ull
#define BLAME_LOOP_UNKNOWN_NS 100000ull

/* Taken down when the request is given. */
struct blame {
    u64 blocked_ns; /* how long the loop has been blocked up to now */
    u64 blamed_ns;  /* and how much of that has been taken */
    u64 weight_ns;  /* what is expected of this one, BLAME_LEAST_NS or more */
};

/* What of the others' weights counts against one whose answer has just come: it has run in this
 * turn, for certain. So may the `fresh` ones have, which the loop has not had before; of those that
 * it had already, most wait for something. `sum_ns` and `others` are of all but this one. */
static inline u64 blame_others_ns(u64 sum_ns, u64 others, u64 fresh)
{
    const u64 waiting = 16; /* one in so many of them runs as well */

    fresh = min(fresh, others);
    return others ? (u64)((double)sum_ns * ((double)fresh + (double)(others - fresh) / waiting) /
                          (double)others)
                  : 0;
}

/* What is believed of a part of one that the loop has had before its newest turn, while others were
 * there: what was expected of it. What is more is most likely what others have left; if it comes
 * again and again, it will be expected. */
static inline u64 blame_believed_ns(u64 part_ns, u64 expected_ns)
{
    return part_ns > expected_ns ? expected_ns + (part_ns - expected_ns) / 16 : part_ns;
}

/* When it is over: its part. `blocked_ns` and `blamed_ns` as they are now; `weights_ns` is the sum
 * of the weights of all that are there, this one included. */
static inline u64 blame_part_ns(const struct blame *b, u64 blocked_ns, u64 blamed_ns,
                                u64 weights_ns)
{
    u64 blocked = blocked_ns > b->blocked_ns ? blocked_ns - b->blocked_ns : 0;
    u64 blamed = blamed_ns > b->blamed_ns ? blamed_ns - b->blamed_ns : 0;
    double part = (double)b->weight_ns / (double)max(weights_ns, b->weight_ns);

    return blocked > blamed ? (u64)((double)(blocked - blamed) * part) : 0;
}
