/* otlp/exporter.h -- collects spans and metrics of the whole fettle, and has them sent
 *
 * Lives in the monitor, on its loop's thread: reads the rings of the proxy's spans, takes what
 * workers have written in their journals and what /metrics has, and hands batches to an outbox for
 * each signal, whose thread sends them. Nothing here waits, and all of it is bounded.
 */
#pragma once

#include "conf/settings.h"
#include "otlp/identity.h"
#include "otlp/outbox.h"
#include "shm/layout.h"

struct exporter;

enum exporter_signal { EXPORTER_TRACES, EXPORTER_METRICS, EXPORTER_SIGNALS };

/* How often exporter_look is to be called: so many spans fit a ring meanwhile. */
#define EXPORTER_LOOK_NS (20 * NS_PER_MS)

/* NULL in *out: the settings have nothing sent. `env`: OTEL_SERVICE_NAME and
 * OTEL_RESOURCE_ATTRIBUTES. All of it outlives the exporter. -EINVAL, -ENOTSUP with *p, or -errno.
 */
MUST_USE int exporter_new(struct exporter **out, struct shm *shm, const struct settings *s,
                          char *const *env, struct problem *p);
/* Sends what there is, within grace_ns. Accepts NULL. */
void exporter_free(struct exporter *e, u64 grace_ns);

/* Takes what the proxy has told, and sends what is due. */
void exporter_look(struct exporter *e, u64 now_ns);

/* Who has written a span of a worker. */
struct exporter_from {
    u32 slot, generation, app, pid;
    struct str worker; /* "2" */
};
/* The payload of SHM_RECORD_SPAN, which may be anything. */
void exporter_span(struct exporter *e, const struct exporter_from *from, const void *payload,
                   u32 len, u64 now_ns);

/* Whether it is time for metrics: then they are to be given, once. False when none are sent. */
MUST_USE bool exporter_metrics_due(struct exporter *e, u64 now_ns);
/* Takes the batch. */
void exporter_metrics_put(struct exporter *e, struct batch *b);
bool exporter_is_delta(const struct exporter *e);
const struct identity *exporter_identity(const struct exporter *e);

/* NULL: this signal is not sent. */
const struct outbox_counts *exporter_counts(const struct exporter *e, enum exporter_signal which);
/* Spans that had no room in a ring, in a worker, or in the monitor. */
u64 exporter_spans_lost(const struct exporter *e);

/* Delta is what the back end at this URL needs. */
bool exporter_wants_delta(struct str url);
