/* otlp/spanform.h -- spans as OTLP's Span message, by OpenTelemetry's semantic conventions for HTTP
 *
 * From what shared memory holds (shm/trace.h), which anybody may have written: texts are bounded,
 * times make sense. Names of what only fettle knows begin with "fettle.". The values in a query are
 * not told: they may be secrets. Pure.
 */
#pragma once

#include "base/buf.h"
#include "shm/trace.h"

struct spanform_clock {
    u64 latest_ns; /* CLOCK_MONOTONIC; nothing has ended later */
    u64 offset_ns; /* to nanoseconds since 1970 */
};

/* The texts stand behind the span, as shm_spans_get gives them. */
void spanform_server(struct buf *out, const struct shm_server_span *s,
                     const struct spanform_clock *clock);
/* Its wait in the central queue, as a child span with this id; only if it has waited. */
void spanform_queue(struct buf *out, const struct shm_server_span *s, u64 id,
                    const struct spanform_clock *clock);
/* A worker's. `ids` gives it those that it does not have. */
void spanform_worker(struct buf *out, struct shm_span_reader *r, struct shm_trace_ids *ids,
                     const struct spanform_clock *clock);
