/* otlp/identity.h -- who it is that traces and metrics come from: OpenTelemetry's Resource
 *
 * service.name is the app's name, or OTEL_SERVICE_NAME where there is one app; what
 * OTEL_RESOURCE_ATTRIBUTES says is added, and wins over what is found out here, but for
 * service.instance.id: that is different for each worker. Encoded messages out; pure but for
 * identity_init, which reads the host's name and a random number.
 */
#pragma once

#include "base/buf.h"

enum { IDENTITY_ID_MAX = 64 };

struct identity {
    char host[256];
    char instance[33];     /* random, of this start */
    struct str service;    /* OTEL_SERVICE_NAME; empty: the app's name */
    struct str attributes; /* OTEL_RESOURCE_ATTRIBUTES */
};

/* The two texts live longer. */
void identity_init(struct identity *id, struct str service, struct str attributes);

/* What differs between the resources of one machine. */
struct identity_of {
    struct str app;          /* its name */
    bool is_only_app;        /* OTEL_SERVICE_NAME is its name */
    struct str worker;       /* "2", "2.1"; empty: fettle itself, for the app */
    u64 pid;                 /* 0: none */
    struct str node_version; /* "v22.1.0"; empty: none */
};

/* A Resource message without its tag, appended. */
void identity_encode(const struct identity *id, const struct identity_of *of, struct buf *out);

/* KeyValue messages, as field `field`. */
void identity_text(struct buf *out, u32 field, struct str key, struct str value);
void identity_int(struct buf *out, u32 field, const char *key, i64 value);
