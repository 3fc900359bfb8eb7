/* profile/complexity.c -- a line through logarithms */
#include "profile/complexity.h"

#include "profile/significance.h"

#include <math.h>

#define SCATTER 0.05
enum { PRIOR_DF = 10 };

/* Logarithms of size and time, and what a point weighs. */
struct sample {
    double x, y, weight;
};

struct line {
    double slope, at_mean, mean_x, sxx;
};

static struct line line_fit(const struct sample *s, u32 n)
{
    double w = 0, x = 0, y = 0, sxx = 0, sxy = 0;

    for (u32 i = 0; i < n; i++) {
        w += s[i].weight;
        x += s[i].weight * s[i].x;
        y += s[i].weight * s[i].y;
    }
    x /= w;
    y /= w;
    for (u32 i = 0; i < n; i++) {
        sxx += s[i].weight * (s[i].x - x) * (s[i].x - x);
        sxy += s[i].weight * (s[i].x - x) * (s[i].y - y);
    }
    return (struct line){ sxx > 0 ? sxy / sxx : 0, y, x, sxx };
}

static double off_squared(const struct sample *s, u32 n, const struct line *l)
{
    double sum = 0;

    for (u32 i = 0; i < n; i++) {
        double off = s[i].y - l->at_mean - l->slope * (s[i].x - l->mean_x);

        sum += s[i].weight * off * off;
    }
    return sum;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

static double theil_sen(const struct sample *s, u32 n)
{
    double slope[COMPLEXITY_POINTS_MAX * (COMPLEXITY_POINTS_MAX - 1) / 2];
    u32 slopes = 0;

    for (u32 i = 0; i < n; i++)
        for (u32 k = i + 1; k < n; k++)
            if (s[i].x != s[k].x)
                slope[slopes++] = (s[k].y - s[i].y) / (s[k].x - s[i].x);
    if (!slopes)
        return 0;
    qsort(slope, slopes, sizeof(*slope), by_value);
    return slopes % 2 ? slope[slopes / 2] : (slope[slopes / 2 - 1] + slope[slopes / 2]) / 2;
}

/* The logarithm of what a shape says of size e^x, but for a factor. */
static double shape_log(enum complexity_shape shape, double x)
{
    double loglog = log(max(x, 0.1));

    switch (shape) {
    case COMPLEXITY_CONSTANT:
        return 0;
    case COMPLEXITY_LOG:
        return loglog;
    case COMPLEXITY_ROOT:
        return x / 2;
    case COMPLEXITY_LINEAR:
        return x;
    case COMPLEXITY_N_LOG_N:
        return x + loglog;
    case COMPLEXITY_N_ROOT_N:
        return 1.5 * x;
    case COMPLEXITY_SQUARE:
        return 2 * x;
    case COMPLEXITY_CUBE:
        return 3 * x;
    case COMPLEXITY_BEYOND:
        break;
    }
    return 4 * x;
}

static enum complexity_shape shape_of(const struct sample *s, u32 n)
{
    enum complexity_shape best = COMPLEXITY_CONSTANT;
    double least = INFINITY;

    for (enum complexity_shape shape = COMPLEXITY_CONSTANT; shape <= COMPLEXITY_BEYOND; shape++) {
        double w = 0, mean = 0, off = 0;

        for (u32 i = 0; i < n; i++) {
            w += s[i].weight;
            mean += s[i].weight * (s[i].y - shape_log(shape, s[i].x));
        }
        mean /= w;
        for (u32 i = 0; i < n; i++) {
            double d = s[i].y - shape_log(shape, s[i].x) - mean;

            off += s[i].weight * d * d;
        }
        if (off < least) {
            least = off;
            best = shape;
        }
    }
    return best;
}

struct complexity complexity_fit(const struct complexity_point *p, u32 n, double next)
{
    struct complexity c = { .low = -INFINITY, .high = INFINITY };
    struct sample s[COMPLEXITY_POINTS_MAX];
    struct line l;

    for (u32 i = 0; i < n && c.points < COMPLEXITY_POINTS_MAX; i++)
        if (p[i].samples >= COMPLEXITY_SAMPLES_LEAST && p[i].ms > 0)
            s[c.points++] = (struct sample){ log(p[i].size), log(p[i].ms),
                                             1 / (1 / (double)p[i].samples + SCATTER * SCATTER) };
    if (c.points < 2)
        return c;
    l = line_fit(s, c.points);
    c.exponent = l.slope;
    c.robust = theil_sen(s, c.points);
    c.shape = shape_of(s, c.points);
    c.next_ms = exp(l.at_mean + l.slope * (log(next) - l.mean_x));
    if (c.points >= 3 && l.sxx > 0) {
        u32 df = c.points - 2;
        double spread = (PRIOR_DF + off_squared(s, c.points, &l)) / (PRIOR_DF + df);
        double reach = significance_quantile(0.05, PRIOR_DF + df) * sqrt(spread / l.sxx);

        c.low = c.exponent - reach;
        c.high = c.exponent + reach;
    }
    return c;
}

const char *complexity_name(enum complexity_shape shape)
{
    static const char *const name[] = {
        [COMPLEXITY_CONSTANT] = "1",       [COMPLEXITY_LOG] = "log n",
        [COMPLEXITY_ROOT] = "√n",          [COMPLEXITY_LINEAR] = "n",
        [COMPLEXITY_N_LOG_N] = "n log n",  [COMPLEXITY_N_ROOT_N] = "n√n",
        [COMPLEXITY_SQUARE] = "n²",        [COMPLEXITY_CUBE] = "n³",
        [COMPLEXITY_BEYOND] = "beyond n³",
    };

    return name[shape];
}
