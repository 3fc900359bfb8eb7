/* worker/rundir.h -- the folder in which fettle's processes meet
 *
 * "fettle-<pid>-<8 hex>", mode 0700, under the first of $XDG_RUNTIME_DIR, /run (for root), /tmp
 * and /dev/shm that allows it. A lock on the folder lives as long as the process that made it, so
 * that a later fettle of the same user can sweep away what a killed one left.
 */
#pragma once

#include "base/problem.h"

#include <sys/types.h>

enum { RUNDIR_PATH_MAX = 88 }; /* leaves room for "/255.4294967295.31" in a sun_path */

/* All zero but fd -1: none. */
struct rundir {
    char path[RUNDIR_PATH_MAX];
    int fd; /* of the folder, locked */
};

/* Makes the folder; `base` instead of the usual places when it is not NULL. Sweeps first. 0, or
 * -EINVAL with *problem. */
MUST_USE int rundir_make(struct rundir *out, const char *base, struct problem *problem);

/* Lets processes of another user reach what is in it by name, and gives them a folder in it,
 * "u<uid>", where they may make sockets and which is closed to others. Twice is once. -errno. */
MUST_USE int rundir_share(const struct rundir *dir, uid_t uid, gid_t gid);

/* Removes the folder and what is in it. */
void rundir_remove(struct rundir *dir);

/* Removes the folders under `base` whose fettle is gone; how many. */
u32 rundir_sweep(const char *base);

/* The usual places for runtime folders, in the order in which they are tried. How many. */
enum { RUNDIR_BASES = 4 };
u32 rundir_bases(const char *out[RUNDIR_BASES]);

/* The folders under `base` that are of fettles of the user `owner`, whether they still run or not;
 * at most `room` of them. How many; and the pid in each one's name. */
struct rundir_found {
    char path[RUNDIR_PATH_MAX];
    u32 pid;
    uid_t owner;
};
u32 rundir_find(const char *base, uid_t owner, struct rundir_found *out, u32 room);

/* The folders "fettle-NAME" in `run`, which a service manager makes for each service of a user
 * (`fettle service`): those may be bases, too. Their pid is 0. How many. */
u32 rundir_services(const char *run, struct rundir_found *out, u32 room);
