/* app/bench_report.h -- what `fettle bench` prints
 *
 * The JSON is a contract: scripts read it (doc/bench.md).
 */
#pragma once

#include "base/buf.h"
#include "load/engine.h"
#include "load/ratio.h"

/* One target: what was asked for, and what came out (after result_sum). */
struct bench_report {
    const struct engine_conf *conf;
    const struct result *result;
    const char *const *kind_names;
};

/* One JSON object, without a newline. */
void bench_report_json(struct buf *out, const struct bench_report *r);
/* For people, several lines. */
void bench_report_text(struct buf *out, const struct bench_report *r);

/* What a round of two targets is compared by. */
enum bench_measure { BENCH_RATE, BENCH_P50, BENCH_P99, BENCH_MEASURES };
double bench_measure(const struct result *r, enum bench_measure which);

/* "ratio":{…} and a table of it. */
void bench_ratios_json(struct buf *out, const struct ratio ratios[BENCH_MEASURES]);
void bench_ratios_text(struct buf *out, const struct ratio ratios[BENCH_MEASURES], u32 rounds);
