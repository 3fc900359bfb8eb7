/* profile/complexity.h -- how time grows with the size of the work
 *
 * log(time) over log(size) is fitted by weighted least squares: a point weighs what its number of
 * samples allows, and runs are taken to scatter by 5 % besides. The slope is the exponent of n; its
 * confidence interval has the scatter around the line in it, drawn towards what the weights say (as
 * profile/significance.h does). The median of the slopes between any two points (Theil 1950, Sen
 * 1968) is given beside it: one point that is off does not move it. Pure functions.
 */
#pragma once

#include "base/base.h"

enum { COMPLEXITY_POINTS_MAX = 64 };
/* A point with fewer samples says nothing. */
enum { COMPLEXITY_SAMPLES_LEAST = 5 };

struct complexity_point {
    double size; /* > 0 */
    double ms;
    u64 samples;
};

enum complexity_shape {
    COMPLEXITY_CONSTANT,
    COMPLEXITY_LOG,
    COMPLEXITY_ROOT,
    COMPLEXITY_LINEAR,
    COMPLEXITY_N_LOG_N,
    COMPLEXITY_N_ROOT_N,
    COMPLEXITY_SQUARE,
    COMPLEXITY_CUBE,
    COMPLEXITY_BEYOND, /* steeper than n³ */
};

struct complexity {
    u32 points;       /* that were fitted, of different sizes; below 2 the rest is 0: too little */
    double exponent;  /* 1: linear */
    double low, high; /* 95 %; -INFINITY and INFINITY for two points */
    double robust;    /* the exponent by Theil and Sen */
    enum complexity_shape shape; /* what fits best of these */
    double next_ms;              /* at the size `next` */
};

/* At most COMPLEXITY_POINTS_MAX points. */
struct complexity complexity_fit(const struct complexity_point *p, u32 n, double next);

/* "n log n" */
const char *complexity_name(enum complexity_shape shape);
