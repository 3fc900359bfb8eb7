/* otlp/points.h -- the samples of /metrics as OTLP metrics
 *
 * Takes families and samples where the Prometheus text would (struct text_sink), and makes a batch
 * of Metric messages of them: sums, gauges, histograms with explicit bounds; cumulative, or as what
 * was added since the last time. A label `worker` leads to that worker's resource. What was seen
 * last is remembered for each series: a sum that has become smaller began anew.
 */
#pragma once

#include "metrics/text.h"
#include "otlp/batch.h"
#include "otlp/identity.h"

/* Who a label `worker` means. */
struct points_worker {
    struct str app; /* as the label `app`; empty where there is one app */
    struct str id;  /* as the label `worker` */
    u64 pid;
    u64 started_ns; /* since 1970 */
    struct str node_version;
};

struct points_now {
    u64 time_ns;                        /* since 1970 */
    u64 started_ns;                     /* when fettle was started */
    struct str only_app;                /* the name of the one app; empty where there are several */
    const struct points_worker *worker; /* as long as the points are taken */
    u32 workers;
};

struct points;

/* is_late: what is counted already was told by somebody before us: deltas begin now. -ENOMEM. */
MUST_USE int points_new(struct points **out, const struct identity *id, bool delta, bool is_late);
void points_free(struct points *p);

/* Between the two, samples go to the sink that the first one gives. */
struct text_sink *points_begin(struct points *p, const struct points_now *now);
/* The batch, the caller's; NULL: out of memory. */
MUST_USE struct batch *points_end(struct points *p);
