/* profile/calltree.h -- who called whom, for a picture: the tree of a flame graph
 *
 * Calls of the same function by the same one are one call, whatever V8 told apart. Of large
 * profiles only what is wide enough to be seen is kept: the smallest calls are left out, and
 * counted, until no more than `calls_max` are left; what calls them stays, since it is at least as
 * wide.
 */
#pragma once

#include "profile/hotspots.h"

#define CALLTREE_SMALL UINT32_MAX

struct calltree_call {
    u32 frame;       /* CALLTREE_SMALL: calls of the same caller that were left out, together */
    u32 depth;       /* 0: the root */
    u32 small;       /* how many those are; 0 in any other */
    u64 self, total; /* hits; with what is left out below it */
};

struct calltree {
    struct calltree_call *call; /* a caller before what it calls, the largest of those first */
    u32 calls;
    u64 idle; /* hits of all that are idle time */
    u32 depth_max;
    u32 left_out; /* calls with samples that are not there by themselves */
    u64 least;    /* the total of the smallest one that is kept, in hits */
};

struct calltree_conf {
    u32 calls_max;      /* at least 1 */
    double least_share; /* what is smaller than this share of what is not idle is left out, too */
    bool without_idle;
};

/* -ENOMEM. The owner calls calltree_done in any case. */
MUST_USE int calltree_build(struct calltree *t, const struct profile *p,
                            const struct calltree_conf *conf);
void calltree_done(struct calltree *t);
