/* otlp/batch.h -- what is to be sent in one piece: spans or metrics, by resource
 *
 * Encoded messages with the resource that each belongs to, so that a batch that a back end finds
 * too large can be sent in halves. Of both signals the messages around them have the same numbers
 * (ResourceSpans and ResourceMetrics, ScopeSpans and ScopeMetrics). Pure.
 */
#pragma once

#include "base/buf.h"
#include "base/list.h"

struct batch_item {
    u32 resource;
    u32 at, len; /* of batch.bytes */
    u32 weight;  /* spans, or data points, in it */
};

struct batch_resource {
    u64 key;
    u32 at, len; /* of batch.resources: a Resource message */
};

struct batch {
    struct list link; /* the holder's */
    struct buf bytes, resources;
    struct batch_item *item;
    struct batch_resource *resource;
    u32 items, items_room, resources_n, resources_room;
    u64 weight;  /* of all */
    u64 made_ns; /* the holder's */
};

MUST_USE struct batch *batch_new(void);
/* Accepts NULL. */
void batch_free(struct batch *b);

/* The number of the resource with this key; UINT32_MAX: it is not there yet. */
u32 batch_resource(const struct batch *b, u64 key);
/* Adds one, whose Resource message is `encoded`. UINT32_MAX: out of memory. */
u32 batch_resource_add(struct batch *b, u64 key, struct str encoded);

/* Between the two, a message (Span, Metric) is appended to b->bytes. False: out of memory, and the
 * message is gone again. */
size_t batch_begin(struct batch *b);
MUST_USE bool batch_end(struct batch *b, size_t begun, u32 resource, u32 weight);

static inline size_t batch_bytes(const struct batch *b)
{
    return b->bytes.len + b->resources.len + b->items * sizeof(*b->item);
}

/* An ExportTraceServiceRequest or ExportMetricsServiceRequest of items from … to-1. */
void batch_encode(const struct batch *b, u32 from, u32 to, struct buf *out);
/* What these items weigh. */
u64 batch_weight(const struct batch *b, u32 from, u32 to);
