/* admin/tally.h -- the answers by app, route, method and status, read out of shared memory
 *
 * As readings are, a copy that can be trusted: methods and routes are bounded text, and no two
 * have the same labels (two proxy threads may have made the same one at once; their counts are
 * added). Paths that stood for the routes of an app until it named one are "(none)".
 */
#pragma once

#include "base/str.h"
#include "shm/layout.h"

struct tally {
    char app_name[SHM_NAME_MAX]; /* where there are several apps; else empty */
    char method[sizeof(((struct shm_series *)0)->method)];
    char route[SHM_ROUTE_MAX + 1];
    char status[4]; /* "200"; "0" when it makes no sense */
    bool is_error;  /* a status of 5xx */
    bool is_path;   /* the app has named no route: a path with identifiers left out */
    u64 sum_ns;
    u64 sent_bytes, received_bytes, loop_ns, cpu_ns;
    u64 per_1000s;                 /* requests, in the last ten seconds */
    u64 measured, allocated_bytes; /* requests that were measured, and what they allocated */
    u64 bucket[SHM_SERIES_LE + 1]; /* not cumulative; bounds: tally_le_ns */
};

extern const u64 tally_le_ns[SHM_SERIES_LE];

/* `out` has room for SHM_SERIES_MAX; returns how many, in order of app, route, method, status. */
MUST_USE u32 tally_read_all(const struct shm *shm, struct tally *out);
/* Adds the numbers of `t` to those of `to`, whose labels stay. */
void tally_add(struct tally *to, const struct tally *t);
