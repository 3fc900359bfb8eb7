/* addon/spans.h -- spans of traced requests on their way to the monitor
 *
 * A span becomes a record of the journal (shm/trace.h). Most are calls of which everything but
 * their time is known by number: trace_spans.js writes a row of five numbers for each, and all rows
 * become records when there are many, or a few milliseconds later; what is not so regular is told
 * at once (spans_call, spans_inner). Records wait here in order for others, and while the monitor
 * is behind, in SPANS_WAITING_MAX bytes; what has no room is dropped and counted. The main thread
 * only.
 */
#pragma once

#include "calls.h"
#include "spanrecord.h"

enum {
    SPANS_WAITING_MAX = 512 << 10,
    SPANS_ROWS_MAX = 128,
    /* Of parents and targets the newest so many are known. More than there are rows. */
    SPANS_PARENTS_MAX = 256,
    SPANS_TARGETS_MAX = 256,
};

/* Numbers that JavaScript writes; an array of doubles, for it. */
struct spans_row {
    double parent, statement, target; /* of spans_parent, calls_statement, spans_target; 0: none */
    double begun_ms, ended_ms;        /* of performance.now() */
};
struct spans_rows {
    double count;
    struct spans_row row[SPANS_ROWS_MAX];
};
extern struct spans_rows spans_rows;

/* performance.now() begins there, CLOCK_MONOTONIC. */
void spans_origin(double origin_ns);
uint64_t spans_ns(double ms);

/* The number of what spans are below, out of "00-<trace>-<span>-<flags>". 0: it is none. */
uint32_t spans_parent(struct calls_text traceparent);
/* The number of a server: it has an address, a port and a database, which may be empty. */
uint32_t spans_target(const struct spanrecord_target *target);

/* A record of its own. They return, as all of these do, how many bytes wait now. */
uint32_t spans_call(const struct spanrecord_call *call);
uint32_t spans_inner(const struct spanrecord_inner *inner);
/* One that is not told is counted. */
void spans_drop(void);
/* All rows, and there are none. */
uint32_t spans_rows_take(void);
/* Tells what has waited, as far as there is room. */
uint32_t spans_flush(void);
