/* profile/significance.h -- whether two numbers of samples differ by more than chance
 *
 * Samples are counts. For two sides, each of one or several runs, the statistic is the signed root
 * of the likelihood ratio of two Poisson rates (two-proportion G test), divided by how much more
 * runs scatter than counts do (quasi-likelihood; McCullagh & Nelder, Generalized Linear Models,
 * 9.2). That scatter is a relative deviation that every function of a run has in common: estimated
 * from the runs where a side has several, each function's own drawn towards that of all (as edgeR
 * does for counts of genes: Robinson, McCarthy & Smyth 2010); else taken to be `noise`. A side of
 * three runs and more has to differ without any one of them, too. Pure functions.
 */
#pragma once

#include "base/base.h"

enum { SIGNIFICANCE_RUNS_MAX = 64 };

/* One side: samples of each run, and in how much time (or whatever the rate is of) they were found,
 * in units in which a rate of 1 means one sample. */
struct counted {
    const u64 *count;
    const double *exposure; /* > 0 */
    u32 runs;               /* 1 to SIGNIFICANCE_RUNS_MAX */
};

struct significance {
    double ratio;     /* rate after / rate before; INFINITY: it was not there before */
    double low, high; /* its 95 % confidence interval */
    double p;         /* two-sided */
};

/* How much all functions together scatter from run to run beyond counting, as a variance relative
 * to the mean; `least`² at least, and just that when no side has several runs. before[i] and
 * after[i] are of the i-th function. */
double significance_scatter(const struct counted *before, const struct counted *after, u32 n,
                            double least);

/* `scatter` is what significance_scatter() has said. Both sides without a sample: ratio 1, p 1. */
struct significance significance_of(const struct counted *before, const struct counted *after,
                                    double scatter);

/* Benjamini & Hochberg 1995: p[i] becomes the smallest rate of false discoveries at which i is one.
 * -ENOMEM. */
MUST_USE int significance_adjust(double *p, u32 n);

/* Two-sided tail of Student's t; of the normal distribution for df = INFINITY. */
double significance_tail(double t, double df);
/* What |t| exceeds with probability p (two-sided). */
double significance_quantile(double p, double df);
