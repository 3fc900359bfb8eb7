/* app/cpu_sizes.h -- how large the work was that profiles are of
 *
 * From --sizes 1000,2000,4000, in the order of the files; else from the files' names: the one
 * number in them that is not the same in all (run-1000.cpuprofile, run-2000.cpuprofile). "10k" and
 * "2M" are thousands and millions.
 */
#pragma once

#include "base/problem.h"
#include "base/strings.h"

/* `list`: --sizes, or empty. Writes a size for each file. -EINVAL with *p. */
MUST_USE int cpu_sizes_read(struct str list, const struct strings *files, double *size,
                            struct problem *p);
