/* addon/spans.h -- calls of traced requests as client spans (shm/trace.h), by OpenTelemetry's names
 *
 * A call becomes a record of the journal. Records wait here in order for others, and while the
 * monitor is behind, in SPANS_WAITING_MAX bytes; what has no room is dropped and counted. The main
 * thread only.
 */
#pragma once

#include "calls.h"
#include "shm/trace.h"

enum { SPANS_WAITING_MAX = 512 << 10, SPANS_BYTES_MAX = 4096 };

struct spans_call {
    uint8_t trace[16], parent[8];
    uint8_t span[8]; /* all zero: the monitor gives it one */
    uint64_t begun_ns, ended_ns;
    enum shm_call_system system;
    /* The statement without its values; of SHM_CALL_HTTP the URL. */
    struct calls_text text;
    struct calls_text method;    /* of SHM_CALL_HTTP */
    struct calls_text address;   /* of the server; empty: not known */
    struct calls_text namespace; /* the database; likewise */
    struct calls_text error;     /* what went wrong in a word; empty: nothing */
    uint32_t port, status;       /* 0: not known */
};

/* The trace and the parent out of "00-<trace>-<span>-<flags>". False: it is none. */
bool spans_parent(struct calls_text traceparent, struct spans_call *out);

/* The bytes of the id in 16 hexadecimal digits; zero: it is none. */
void spans_id(struct calls_text hex, uint8_t out[8]);

/* A payload of SHM_RECORD_SPAN; returns its length. */
uint32_t spans_encode(const struct spans_call *call, char out[SPANS_BYTES_MAX]);

/* Lets it wait for others, to be told together. Then, as spans_flush, how many bytes wait now. */
uint32_t spans_put(const struct spans_call *call);
/* Tells what has waited, as far as there is room. */
uint32_t spans_flush(void);
