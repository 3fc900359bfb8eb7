/* app/profile_file.h -- a CPU profile or a profile of allocations, from its file to the sources
 *
 * Opened wherever it comes from (app/heap_file.h), read with progress on a terminal, and its places
 * followed through source maps.
 */
#pragma once

#include "profile/profile.h"

/* `kind` is what it should be: "CPU profile". A source map that is no use is said on standard
 * error. 0; -errno, for heap_load_failed. The owner calls profile_done in any case. */
MUST_USE int profile_file_read(struct profile *out, const char *path, const char *kind,
                               bool source_maps, struct problem *p);

/* Its parts: a file of that size as it is, and the source maps of a profile that is read already.
 */
MUST_USE int profile_file_read_fd(struct profile *out, int fd, u64 size, struct problem *p);
MUST_USE int profile_file_map(struct profile *p);
