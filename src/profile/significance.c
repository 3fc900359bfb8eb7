/* profile/significance.c -- likelihood ratios of counts, and how runs scatter */
#include "profile/significance.h"

#include <math.h>

/* How many degrees of freedom what is common to all functions is worth. */
enum { PRIOR_DF = 10 };
/* A mean count below which a function says nothing about scatter. */
enum { MEAN_COUNT_LEAST = 5 };

/* The continued fraction of the incomplete beta function (DLMF 8.17.22), by Lentz's method. */
static double beta_fraction(double a, double b, double x)
{
    const double tiny = 1e-300;
    double c = 1, d = 1 - (a + b) * x / (a + 1), f;

    d = 1 / (fabs(d) < tiny ? tiny : d);
    f = d;
    for (int m = 1; m < 300; m++) {
        double step[2] = { m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
                           -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)) };
        double by = 1;

        for (int i = 0; i < 2; i++) {
            d = 1 + step[i] * d;
            d = 1 / (fabs(d) < tiny ? tiny : d);
            c = 1 + step[i] / c;
            c = fabs(c) < tiny ? tiny : c;
            by = c * d;
            f *= by;
        }
        if (fabs(by - 1) < 1e-14)
            break;
    }
    return f;
}

/* The regularised incomplete beta function. */
static double beta_regularised(double a, double b, double x)
{
    double front;

    if (x <= 0 || x >= 1)
        return x <= 0 ? 0 : 1;
    front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x));
    return x < (a + 1) / (a + b + 2) ? front * beta_fraction(a, b, x) / a
                                     : 1 - front * beta_fraction(b, a, 1 - x) / b;
}

double significance_tail(double t, double df)
{
    if (isinf(t))
        return 0;
    return isinf(df) ? erfc(fabs(t) / M_SQRT2) : beta_regularised(df / 2, 0.5, df / (df + t * t));
}

double significance_quantile(double p, double df)
{
    double low = 0, high = 1;

    while (significance_tail(high, df) > p && high < 1e12)
        high *= 2;
    for (int i = 0; i < 100; i++) {
        double middle = (low + high) / 2;

        if (significance_tail(middle, df) > p)
            low = middle;
        else
            high = middle;
    }
    return high;
}

static double count_sum(const struct counted *c)
{
    double sum = 0;

    for (u32 i = 0; i < c->runs; i++)
        sum += (double)c->count[i];
    return sum;
}

static double exposure_sum(const struct counted *c)
{
    double sum = 0;

    for (u32 i = 0; i < c->runs; i++)
        sum += c->exposure[i];
    return sum;
}

/* Pearson's X² of a side's runs around their mean rate; *mean is the mean count. */
static double pearson(const struct counted *c, double *mean)
{
    double sum = count_sum(c), all = exposure_sum(c), x2 = 0;

    *mean = sum / c->runs;
    for (u32 i = 0; sum > 0 && i < c->runs; i++) {
        double expected = sum * c->exposure[i] / all, off = (double)c->count[i] - expected;

        x2 += off * off / expected;
    }
    return x2;
}

/* What one function says of scatter: X² - df is df · mean · scatter on average. Returns df. */
static u32 scatter_add(const struct counted *before, const struct counted *after, double *excess,
                       double *weight)
{
    const struct counted *side[] = { before, after };
    u32 df = 0;

    for (u32 i = 0; i < ARRAY_LEN(side); i++) {
        double mean, x2 = pearson(side[i], &mean);
        u32 own = side[i]->runs - 1;

        if (mean < MEAN_COUNT_LEAST || !own)
            continue;
        *excess += x2 - own;
        *weight += own * mean;
        df += own;
    }
    return df;
}

double significance_scatter(const struct counted *before, const struct counted *after, u32 n,
                            double least)
{
    double excess = 0, weight = 0;

    for (u32 i = 0; i < n; i++)
        scatter_add(&before[i], &after[i], &excess, &weight);
    return max(weight > 0 ? excess / weight : 0, least * least);
}

/* A function's own scatter, drawn towards the common one; *df is what it rests on. */
static double scatter_own(const struct counted *before, const struct counted *after, double scatter,
                          double *df)
{
    double excess = 0, weight = 0;
    u32 own = scatter_add(before, after, &excess, &weight);

    if (before->runs + after->runs == 2) {
        *df = INFINITY;
        return scatter;
    }
    *df = PRIOR_DF + own;
    if (!own)
        return scatter;
    return max((PRIOR_DF * scatter + own * (excess / weight)) / *df, 0.0);
}

/* n · log(n / expected), 0 for none. */
static double surprise(double n, double expected)
{
    return n > 0 ? n * log(n / expected) : 0;
}

static struct significance compared_of(const struct counted *before, const struct counted *after,
                                       double scatter, bool with_interval)
{
    double a = count_sum(before), b = count_sum(after);
    double ta = exposure_sum(before), tb = exposure_sum(after), all = a + b, df, own, g, by_counts,
           by_scatter, spread, reach, middle;
    struct significance s = { 1, 0, INFINITY, 1 };

    if (all == 0)
        return s;
    own = scatter_own(before, after, scatter, &df);
    g = 2 * (surprise(a, all * ta / (ta + tb)) + surprise(b, all * tb / (ta + tb)));
    /* Half a sample more keeps the variance finite where there is none. */
    by_counts = 1 / (a + 0.5) + 1 / (b + 0.5);
    by_scatter = own * (1.0 / before->runs + 1.0 / after->runs);
    spread = (by_counts + by_scatter) / by_counts;
    s.ratio = a > 0 ? b / tb / (a / ta) : INFINITY;
    s.p = significance_tail(sqrt(max(g, 0.0) / spread), df);
    if (!with_interval)
        return s;
    middle = (b + 0.5) / tb / ((a + 0.5) / ta);
    reach = exp(significance_quantile(0.05, df) * sqrt(by_counts + by_scatter));
    s.low = b > 0 ? middle / reach : 0;
    s.high = a > 0 ? middle * reach : INFINITY;
    return s;
}

/* p without the one run of `from` that it rests on most: a burst in a single run, as when a
 * process is kept from a CPU, is no change. */
static double p_without_one(const struct counted *from, const struct counted *other, double scatter)
{
    u64 count[SIGNIFICANCE_RUNS_MAX];
    double exposure[SIGNIFICANCE_RUNS_MAX], most = 0;

    for (u32 left = 0; from->runs >= 3 && left < from->runs; left++) {
        struct counted rest = { count, exposure, 0 };

        for (u32 i = 0; i < from->runs; i++)
            if (i != left) {
                count[rest.runs] = from->count[i];
                exposure[rest.runs++] = from->exposure[i];
            }
        most = max(most, compared_of(&rest, other, scatter, false).p);
    }
    return most;
}

struct significance significance_of(const struct counted *before, const struct counted *after,
                                    double scatter)
{
    struct significance s = compared_of(before, after, scatter, true);

    s.p = max(s.p, p_without_one(before, after, scatter));
    s.p = max(s.p, p_without_one(after, before, scatter));
    return s;
}

struct ranked {
    double p;
    u32 index;
};

static int by_p(const void *a, const void *b)
{
    double x = ((const struct ranked *)a)->p, y = ((const struct ranked *)b)->p;

    return x < y ? -1 : x > y;
}

int significance_adjust(double *p, u32 n)
{
    AUTO(freep) struct ranked *all = malloc((n + 1) * sizeof(*all));
    double least = 1;

    if (!all)
        return -ENOMEM;
    for (u32 i = 0; i < n; i++)
        all[i] = (struct ranked){ p[i], i };
    qsort(all, n, sizeof(*all), by_p);
    for (u32 i = n; i-- > 0;) {
        least = min(least, all[i].p * n / (i + 1));
        p[all[i].index] = least;
    }
    return 0;
}
