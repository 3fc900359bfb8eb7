/* addon/spanrecord.h -- a span as a record for the monitor, by OpenTelemetry's names
 *
 * Payloads of SHM_RECORD_SPAN (shm/trace.h). What a statement says of itself (its verb and table,
 * for which it has to be read) is kept by its number. The main thread only.
 */
#pragma once

#include "calls.h"
#include "shm/trace.h"

enum {
    SPANRECORD_MAX = 4096,          /* bytes of a payload */
    SPANRECORD_ATTRIBUTES_MAX = 16, /* of an inner span */
};

struct spanrecord_parent {
    uint8_t trace[16], span[8];
};

/* The trace and the span out of "00-<trace>-<span>-<flags>". False: it is none. */
bool spanrecord_parent(struct calls_text traceparent, struct spanrecord_parent *out);
/* The bytes of an id in 16 hexadecimal digits; zero: it is none. */
void spanrecord_id(struct calls_text hex, uint8_t out[8]);

/* A server, and its database. Empty, 0: not known. */
struct spanrecord_target {
    struct calls_text address, namespace;
    uint32_t port;
};

/* Something was asked of somebody else. */
struct spanrecord_call {
    struct spanrecord_parent parent;
    uint8_t span[8]; /* all zero: the monitor gives it one */
    uint64_t begun_ns, ended_ns;
    enum shm_call_system system;
    uint32_t statement; /* of calls_statement; 0, or one that has gone: the span is without it */
    struct calls_text method, url; /* of SHM_CALL_HTTP */
    struct spanrecord_target target;
    struct calls_text error; /* what went wrong in a word; empty: nothing */
    uint32_t status;         /* 0: not known */
};

/* The app has measured or marked something. */
struct spanrecord_attribute {
    struct calls_text key;
    enum shm_attribute_type type;
    struct calls_text text;
    double number; /* of a bool: 0 or 1 */
};
struct spanrecord_inner {
    struct spanrecord_parent parent;
    uint64_t begun_ns, ended_ns;
    struct calls_text name;
    struct spanrecord_attribute attribute[SPANRECORD_ATTRIBUTES_MAX];
    uint32_t attributes;
};

/* They return the length of the payload. */
uint32_t spanrecord_call(const struct spanrecord_call *call, char out[SPANRECORD_MAX]);
uint32_t spanrecord_inner(const struct spanrecord_inner *inner, char out[SPANRECORD_MAX]);
