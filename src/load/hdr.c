/* load/hdr.c -- durations counted to three significant digits */
#include "load/hdr.h"

#include "base/clock.h"

#include <math.h>

#define LONGEST ((1ull << HDR_BITS_MAX) - 1)

int hdr_init(struct hdr *h)
{
    *h = (struct hdr){ .counts = calloc(HDR_COUNTERS, sizeof(*h->counts)) };
    return h->counts ? 0 : -ENOMEM;
}

void hdr_done(struct hdr *h)
{
    free(h->counts);
    *h = (struct hdr){ 0 };
}

/* By how many bits a value is shortened to find its counter. */
static u32 shift_of(u64 ns)
{
    return ns < 2 * HDR_PARTS ? 0 : 53 - (u32)__builtin_clzll(ns);
}

static u32 index_of(u64 ns)
{
    u32 shift = shift_of(ns);

    return shift * HDR_PARTS + (u32)(ns >> shift);
}

/* The largest value that this counter counts. */
static u64 top_of(u32 index)
{
    u32 shift = index < 2 * HDR_PARTS ? 0 : index / HDR_PARTS - 1;

    return ((u64)(index - shift * HDR_PARTS + 1) << shift) - 1;
}

void hdr_add(struct hdr *h, u64 ns)
{
    ns = min(ns, LONGEST);
    h->counts[index_of(ns)]++;
    h->min_ns = h->total ? min(h->min_ns, ns) : ns;
    h->max_ns = max(h->max_ns, ns);
    h->sum_ns += (double)ns;
    h->total++;
}

void hdr_merge(struct hdr *h, const struct hdr *from)
{
    if (from->total == 0)
        return;
    for (u32 i = 0; i < HDR_COUNTERS; i++)
        h->counts[i] += from->counts[i];
    h->min_ns = h->total ? min(h->min_ns, from->min_ns) : from->min_ns;
    h->max_ns = max(h->max_ns, from->max_ns);
    h->sum_ns += from->sum_ns;
    h->total += from->total;
}

u64 hdr_quantile(const struct hdr *h, double q)
{
    u64 rank = (u64)max(1.0, ceil(q * (double)h->total)), seen = 0;

    if (h->total == 0)
        return 0;
    for (u32 i = 0; i < HDR_COUNTERS; i++) {
        seen += h->counts[i];
        if (seen >= rank)
            return max(h->min_ns, min(top_of(i), h->max_ns));
    }
    return h->max_ns;
}

double hdr_mean(const struct hdr *h)
{
    return h->total ? h->sum_ns / (double)h->total : 0;
}

double hdr_stddev(const struct hdr *h)
{
    double mean = hdr_mean(h), squares = 0;

    if (h->total == 0)
        return 0;
    for (u32 i = 0; i < HDR_COUNTERS; i++) {
        u64 width = 1ull << (i < 2 * HDR_PARTS ? 0 : i / HDR_PARTS - 1);
        double off = (double)top_of(i) - (double)(width - 1) / 2 - mean;

        squares += off * off * (double)h->counts[i];
    }
    return sqrt(squares / (double)h->total);
}

static void line_add(struct buf *out, u64 ns, double share, u64 seen)
{
    buf_addf(out, "%12.6f %14.12f %10llu", (double)ns / NS_PER_MS, share, (unsigned long long)seen);
    if (share < 1)
        buf_addf(out, " %14.2f", 1 / (1 - share));
    buf_addc(out, '\n');
}

void hdr_text(const struct hdr *h, struct buf *out)
{
    double share = 0, step = 0.1;
    u64 seen = 0, last = 0;

    buf_addf(out, "%12s %14s %10s %14s\n\n", "Value", "Percentile", "TotalCount",
             "1/(1-Percentile)");
    for (u32 i = 0; i < HDR_COUNTERS && seen < h->total; i++) {
        seen += h->counts[i];
        last = max(h->min_ns, min(top_of(i), h->max_ns));
        /* Many steps may lie in one counter: each has its line, as in HdrHistogram. */
        while (h->counts[i] && seen < h->total && (double)seen >= share * (double)h->total) {
            line_add(out, last, share, seen);
            step = pow(0.5, floor(-log2(1 - share))) / 10;
            share += step;
        }
    }
    if (h->total)
        line_add(out, last, 1, h->total);
    buf_addf(out, "#[Mean    = %12.6f, StdDeviation   = %12.6f]\n", hdr_mean(h) / NS_PER_MS,
             hdr_stddev(h) / NS_PER_MS);
    buf_addf(out, "#[Max     = %12.6f, Total count    = %12llu]\n", (double)h->max_ns / NS_PER_MS,
             (unsigned long long)h->total);
    buf_addf(out, "#[Buckets = %12u, SubBuckets     = %12u]\n", HDR_BITS_MAX - 10, 2 * HDR_PARTS);
}
