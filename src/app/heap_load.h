/* app/heap_load.h -- a snapshot, opened and analysed, with progress on a terminal */
#pragma once

#include "app/heap_file.h"
#include "heap/analysis.h"

struct heap_loaded {
    const char *path;
    struct heap_file file;
    struct analysis a;
    struct progress progress;
    struct progress_sink sink;
};

/* `options`: ANALYSIS_…, GRAPH_WITH_…. 0, or an exit code after a message. The owner calls
 * heap_load_done in any case; *l must not move. */
MUST_USE int heap_load(struct heap_loaded *l, const char *path, u32 options);
void heap_load_done(struct heap_loaded *l);

/* Prints why reading `path` failed with `err` (*p is filled for -EINVAL); returns the exit code. */
int heap_load_failed(int err, const char *path, struct problem *p);
