/* worker/rundir.h -- the folder in which fettle's processes meet
 *
 * "fettle-<pid>-<8 hex>", mode 0700, under the first of $XDG_RUNTIME_DIR, /run (for root), /tmp
 * and /dev/shm that allows it. A lock on the folder lives as long as the process that made it, so
 * that a later fettle of the same user can sweep away what a killed one left.
 */
#pragma once

#include "base/problem.h"

enum { RUNDIR_PATH_MAX = 88 }; /* leaves room for "/255.4294967295.31" in a sun_path */

/* All zero but fd -1: none. */
struct rundir {
    char path[RUNDIR_PATH_MAX];
    int fd; /* of the folder, locked */
};

/* Makes the folder; `base` instead of the usual places when it is not NULL. Sweeps first. 0, or
 * -EINVAL with *problem. */
MUST_USE int rundir_make(struct rundir *out, const char *base, struct problem *problem);

/* Removes the folder and what is in it. */
void rundir_remove(struct rundir *dir);

/* Removes the folders under `base` whose fettle is gone; how many. */
u32 rundir_sweep(const char *base);
