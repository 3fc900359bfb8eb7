/* addon/allocated.h -- how many bytes the main thread's JavaScript has allocated
 *
 * V8 counts what is in use, not what was allocated; but between two collections nothing leaves, so
 * what is in use grows by what is allocated. The sum goes on over collections, which tell when they
 * begin and end. Buffers and other memory outside the heap count as well. A look takes a quarter of
 * a microsecond. Main thread only.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* What V8 says to JavaScript at this moment, to see whether its figures are where we look for them.
 * False: they are not, or there is no such function. */
struct allocated_figures {
    uint64_t heap_total_bytes, heap_limit_bytes;
    uint64_t heap_used_bytes; /* changes as it is asked for */
};
bool allocated_init(void *isolate, const struct allocated_figures *now);

/* The isolate goes. */
void allocated_done(void);

/* A collection begins, ends. They may be nested. */
void allocated_gc_begin(void);
void allocated_gc_end(void);

/* Bytes since some moment. *unsure: since the last call some were given back outside the heap,
 * without a collection: what was allocated meanwhile cannot be told. */
uint64_t allocated_bytes(bool *unsure);
