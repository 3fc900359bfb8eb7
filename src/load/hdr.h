/* load/hdr.h -- durations counted to three significant digits
 *
 * The log-linear histogram of HdrHistogram (Gil Tene): below 2048 ns every
 * value has a counter of its own, above that each power of two is cut into 1024
 * parts, so that what comes out is at most 1/1024 above what went in. From 1 ns
 * to 2.4 hours; longer ones count as the longest. One thread writes.
 */
#pragma once

#include "base/buf.h"

enum {
    HDR_PARTS = 1024,
    HDR_BITS_MAX = 43, /* 2^43 ns: 2.4 hours */
    HDR_COUNTERS = (HDR_BITS_MAX - 11) * HDR_PARTS + 2 * HDR_PARTS
};

/* hdr_init before use. */
struct hdr {
    u64 *counts; /* HDR_COUNTERS of them */
    u64 total;
    u64 min_ns, max_ns; /* exact; 0 when nothing was counted */
    double sum_ns;
};

MUST_USE int hdr_init(struct hdr *h);
/* Accepts all zero. */
void hdr_done(struct hdr *h);

void hdr_add(struct hdr *h, u64 ns);
/* All of `from` into `h`. */
void hdr_merge(struct hdr *h, const struct hdr *from);

/* The smallest value of which at least the share `q` (0 to 1) of the counted is at most it; 0 when
 * nothing was counted. */
u64 hdr_quantile(const struct hdr *h, double q);
double hdr_mean(const struct hdr *h);
double hdr_stddev(const struct hdr *h);

/* The percentile distribution in HdrHistogram's text form (.hgrm), values in milliseconds, five
 * steps for each halving of the distance to 100 %. */
void hdr_text(const struct hdr *h, struct buf *out);
