/* guard/refusals.h -- what was refused lately, and until when nothing else can come of it
 *
 * Whoever decides about a budget elsewhere (redis/limitscript.h) says when the next request can be
 * admitted; until then each is refused here, as it would be there. So a flood costs one question
 * for each token. A table that forgets: what is pushed out is asked about again. One thread's.
 */
#pragma once

#include "guard/rate.h"

enum { REFUSALS_MAX = 1024 };

struct refusals {
    struct refusal {
        u64 key; /* 0: nobody */
        u64 until_ns, whole_ns;
    } of[REFUSALS_MAX];
};

/* `v` refuses what was asked for at asked_ns, or later. */
void refusals_note(struct refusals *r, u64 key, const struct rate_verdict *v, u64 asked_ns);
/* Whether it would be refused now: then *v is the verdict. */
MUST_USE bool refusals_find(const struct refusals *r, u64 key, u64 now_ns, struct rate_verdict *v);
