/* proxy/span.h -- the server span of a request: where its trace comes from, and whether it is told
 *
 * While traces are sent (the setting `otlp`), each request has a span: the client's trace goes on,
 * or a new one begins, and the worker gets our span as its parent, in traceparent and in
 * shm/peers.h. What the client has decided about sampling holds, else `trace-sample` decides, by
 * the trace's id, as OpenTelemetry's TraceIdRatioBased does. At its end the span is told to the
 * monitor (shm/trace.h) when it is sampled, and when the request has failed or was slow. While
 * nothing is sent, a request costs one look at the settings.
 */
#pragma once

#include "http/traceparent.h"
#include "shm/trace.h"

struct exchange;

struct span {
    bool on;
    bool has_parent;  /* the client's trace goes on */
    bool state_valid; /* … and its tracestate does */
    u8 parent[8];
    struct traceparent own; /* its trace, its id, whether it is sampled */
};

/* The head is known. */
void span_begin(struct exchange *x);
/* What holds for the request is known, too: whether it is sampled. */
void span_decide(struct exchange *x);
/* The request is over. `bytes`: its head. */
void span_end(struct exchange *x, const char *bytes, u64 now_ns);

static inline bool span_sampled(const struct span *s)
{
    return s->on && s->own.flags & TRACEPARENT_SAMPLED;
}

/* The same for a worker; returns `out`. */
const struct shm_trace_context *span_context(const struct span *s, struct shm_trace_context *out);

/* Whether a new trace is among so many thousandths of a per cent: always the same for one id. */
bool span_ratio(const u8 trace[16], u32 sample);
