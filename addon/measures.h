/* addon/measures.h -- what the app measures with perf_hooks, in shared memory
 *
 * Main thread only. A name is looked up once, by measures_number; each observation is then a few
 * stores. When SHM_MEASURES_MAX names are there, further ones count as "(other)" of their kind.
 */
#pragma once

#include "shm/layout.h"

/* Empties `m`; NULL: nobody looks. */
void measures_init(struct shm_measures *m);
void measures_done(void);

/* The place of this name; what is longer than SHM_MEASURE_NAME_MAX - 1 bytes is cut. */
uint32_t measures_number(enum shm_measure_kind kind, const char *name);

/* One mark, or one duration. `number` is one that measures_number gave. */
void measures_add(uint32_t number, uint64_t took_ns);
