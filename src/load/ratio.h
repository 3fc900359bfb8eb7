/* load/ratio.h -- how two targets compare, from rounds in turns
 *
 * Each round gives one ratio B/A; their geometric mean is the answer, and the
 * t-distribution over the logarithms of the rounds gives its 95 % confidence
 * interval (Student, 1908). Rounds are what is independent here, not requests.
 */
#pragma once

#include "base/base.h"

struct ratio {
    double value;
    double low, high;  /* valid when has_interval */
    bool has_value;    /* there was a round in which both were above 0 */
    bool has_interval; /* there were two */
};

/* Rounds in which one of the two is 0 say nothing about their ratio and are left out. */
struct ratio ratio_of(const double *a, const double *b, u32 rounds);

/* The 97.5 % quantile of Student's t with this many degrees of freedom (at least 1). */
double ratio_t975(u32 freedom);
