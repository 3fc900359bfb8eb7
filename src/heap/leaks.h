/* heap/leaks.h -- the leak report: from three snapshots of one process, or from one
 *
 * Three (before, after some use, after as much use again) prove what grows and stays. One shows
 * what is there in large numbers and looks like a leak: a suspicion. doc/heap.md tells how the
 * verdict is made.
 */
#pragma once

#include "heap/suspect.h"

enum { LEAKS_MAX = 32, LEAKS_SNAPSHOTS = 3, LEAKS_FILES_MAX = 500 };

struct leaks {
    struct suspect list[LEAKS_MAX]; /* the largest growth first; from one snapshot, the largest */
    u32 count;
    u32 dropped;   /* smaller ones that are not listed */
    bool guess;    /* from one snapshot */
    bool by_place; /* ids differ, so objects were matched by where they are (heap/align.h) */
    u64 total_bytes[LEAKS_SNAPSHOTS]; /* of one snapshot: the last */
    /* private: the last snapshot */
    struct graph graph;
    struct dominators dominators;
    struct browse browse;
};

/* `count` is 1 or 3; the inputs outlive *out. Several threads, up to `threads`. 0; -EINVAL with *p
 * (which of the inputs in *which): not a snapshot, cut off; -ENOENT: the snapshots are not of one
 * program; -ENOMEM, -errno. The owner calls leaks_done in any case. */
MUST_USE int leaks_find(struct leaks *out, const struct input *in, u32 count, u32 threads,
                        const struct progress_sink *progress, u32 *which, struct problem *p);
void leaks_done(struct leaks *l);

/* Calls `each` for the files of the app that have functions in the last snapshot, each once, up to
 * LEAKS_FILES_MAX. */
void leaks_app_files(struct leaks *l, void (*each)(void *ctx, struct str file), void *ctx);
