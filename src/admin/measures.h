/* admin/measures.h -- what an app measures with perf_hooks, read out of shared memory
 *
 * As readings are, a copy that can be trusted: names are printable text, no two of a kind are the
 * same, and every kind makes sense.
 */
#pragma once

#include "base/str.h"
#include "shm/layout.h"

struct measure {
    enum shm_measure_kind kind;
    char name[SHM_MEASURE_NAME_MAX];
    u64 count, sum_ns;
    u64 bucket[SHM_SERIES_LE + 1]; /* not cumulative; bounds: tally_le_ns */
};

/* Of the process in `slot`: at most SHM_MEASURES_MAX in `out`, which has room for that, by kind and
 * name. Those that were never counted are left out. */
MUST_USE u32 measures_read(const struct shm *shm, u32 slot, struct measure *out);
