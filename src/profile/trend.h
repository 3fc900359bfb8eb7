/* profile/trend.h -- functions of one program over profiles of growing work
 *
 * A function is what has one name, file, line and column in all of them: it is the same program.
 * Profiles of one size are runs of the same work, whose mean counts.
 */
#pragma once

#include "profile/complexity.h"
#include "profile/hotspots.h"

struct trend_function {
    struct str name, file; /* views of the profiles */
    int32_t line, column;  /* from 0; -1: none */
    enum hotspot_kind kind;
    u64 samples;
    const struct complexity_point *point; /* [sizes] of self time */
    struct complexity fit;
};

struct trend {
    struct trend_function *function; /* what would take most at the next size first; then those
                                      * that there is too little of, by samples */
    u32 functions, sizes;
    double size[COMPLEXITY_POINTS_MAX]; /* growing */
    double next;                        /* as much larger as the last is than the one before */
    struct complexity_point all[COMPLEXITY_POINTS_MAX]; /* all functions but idle time */
    struct complexity fit;
    /* private */
    struct complexity_point *point;
};

/* size[i] > 0 is that of profile[i]; at least two different ones, at most COMPLEXITY_POINTS_MAX.
 * The profiles outlive it. -EINVAL when a profile has no duration; -ENOMEM. The owner calls
 * trend_done in any case. */
MUST_USE int trend_find(struct trend *t, const struct profile *profile, const double *size,
                        u32 profiles);
void trend_done(struct trend *t);
