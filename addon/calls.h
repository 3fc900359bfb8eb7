/* addon/calls.h -- statements by number, and what is told of them
 *
 * The part of trace.js that is not JavaScript: statements without their values, in a table of one
 * size, and the records about them (shm/calls.h). The main thread only.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shm/calls.h"

enum {
    CALLS_STATEMENTS_MAX = 1000,
    /* Bits of a statement's shape above those of enum sql_shape. */
    CALLS_PIPELINED = 64, /* several at once cost what one costs */
};

/* The number of a statement; *shape: bits of enum sql_shape. `text` is SQL with its values, or for
 * systems that have none what trace_libraries.js has made of the call, whose shape is `given`.
 * When there are more than CALLS_STATEMENTS_MAX, the oldest number goes. 0: out of memory. */
uint32_t calls_statement(enum shm_call_system system, const char *text, size_t len, uint32_t given,
                         uint32_t *shape);

/* What one is: false: it has gone. Views until the next calls_statement. */
struct calls_statement {
    uint64_t hash;
    uint32_t number; /* 0: nobody's */
    uint32_t system, shape;
    uint32_t len;
    char *text;
    uint32_t next; /* private: place + 1 of the next with the same bucket */
};
bool calls_statement_get(uint32_t number, struct calls_statement *out);

/* Puts a record into the journal: `bytes` of `head`, then the texts. False: it is too long, or
 * nobody reads it. */
struct calls_text {
    const char *ptr;
    size_t len;
};
bool calls_put(uint32_t type, const void *head, size_t bytes, const struct calls_text *texts,
               size_t count);
