/* guard/gcra.h -- a token bucket in one word
 *
 * The generic cell rate algorithm (ITU-T I.371, annex A, virtual scheduling): a bucket of `burst`
 * tokens, of which one comes back every token_ns, is as good as the time at which it will be full
 * again. In any stretch of time d no more than burst + d / token_ns are admitted. Pure; whoever
 * holds the word calls.
 */
#pragma once

#include "guard/rate.h"

struct gcra {
    u64 token_ns; /* rounded up, so that it is never more than was asked for */
    u64 depth_ns; /* burst times that */
};

enum { GCRA_WORDS = 1 };

/* count in period_ns; none of them is 0. */
struct gcra gcra_make(u64 count, u64 period_ns, u64 burst);
/* Takes a token if there is one. */
struct rate_verdict gcra_take(const struct gcra *g, u64 *words, u64 now_ns);
/* Gives back the one that was just taken. */
void gcra_give(const struct gcra *g, u64 *words);
/* For how long the bucket is not full. */
u64 gcra_debt(const u64 *words, u64 now_ns);
