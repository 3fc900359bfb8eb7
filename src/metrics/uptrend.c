/* metrics/uptrend.c -- whether a series goes up, and how fast */
#include "metrics/uptrend.h"

static int by_u64(const void *va, const void *vb)
{
    const u64 *a = va, *b = vb;

    return *a < *b ? -1 : *a > *b;
}

static int by_double(const void *va, const void *vb)
{
    const double *a = va, *b = vb;

    return *a < *b ? -1 : *a > *b;
}

u64 uptrend_median(const u64 *value, u32 count)
{
    u64 sorted[UPTREND_MAX];

    assert(count && count <= UPTREND_MAX);
    memcpy(sorted, value, count * sizeof(*value));
    qsort(sorted, count, sizeof(*sorted), by_u64);
    return sorted[(count - 1) / 2];
}

double uptrend_slope(const u64 *value, u32 count)
{
    double slope[UPTREND_MAX * (UPTREND_MAX - 1) / 2];
    u32 n = 0;

    assert(count <= UPTREND_MAX);
    for (u32 i = 0; i < count; i++)
        for (u32 j = i + 1; j < count; j++)
            slope[n++] = ((double)value[j] - (double)value[i]) / (j - i);
    if (n == 0)
        return 0;
    qsort(slope, n, sizeof(*slope), by_double);
    return (slope[(n - 1) / 2] + slope[n / 2]) / 2;
}

double uptrend_tau(const u64 *value, const u64 *load, u32 count, u32 *pairs)
{
    i64 sum = 0;

    *pairs = 0;
    for (u32 i = 0; i < count; i++)
        for (u32 j = i + 1; j < count; j++) {
            if (load[j] > load[i])
                continue;
            sum += value[j] > value[i] ? 1 : value[j] < value[i] ? -1 : 0;
            ++*pairs;
        }
    return *pairs ? (double)sum / *pairs : 0;
}
