/* metrics/histogram.c -- counts by size, as they come out of shared memory */
#include "metrics/histogram.h"

void histogram_cumulate(const u64 *counts, const u64 *le, u32 bounds, const u64 *want, u32 wanted,
                        u64 *out)
{
    u64 sum = 0;
    u32 i = 0;

    for (u32 w = 0; w < wanted; w++) {
        for (; i < bounds && le[i] <= want[w]; i++)
            sum = u64_add(sum, counts[i]);
        out[w] = sum;
    }
    for (; i <= bounds; i++)
        sum = u64_add(sum, counts[i]);
    out[wanted] = sum;
}

u64 histogram_quantile(const u64 *counts, const u64 *le, u32 bounds, u32 permille)
{
    double total = 0, rank, below = 0;

    for (u32 i = 0; i <= bounds; i++)
        total += (double)counts[i];
    if (total <= 0 || bounds == 0)
        return 0;
    rank = total * permille / 1000;
    for (u32 i = 0; i < bounds; i++) {
        double floor = i ? (double)le[i - 1] : 0, count = (double)counts[i];

        if (count > 0 && below + count >= rank)
            return (u64)(floor + ((double)le[i] - floor) * (rank - below) / count);
        below += count;
    }
    return le[bounds - 1];
}
