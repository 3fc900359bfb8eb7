/* admin/blame.h -- which line of an app's sources is to blame for a turn that took too long
 *
 * Between the samples of a blocked loop and the decision (finding/cause.h) are files: the scripts,
 * their source maps and the sources, which may be large. So it is done beside the monitor's loop.
 * What TypeScript or a bundler has written is told as its source: file, line, function and text,
 * from the file if it is there, else from the map itself. Where there is no map, or it is no use,
 * it is the script that is told.
 */
#pragma once

#include "finding/cause.h"
#include "sourcemap/sourcemap_cache.h"

struct blame {
    struct cause_sample sample[CAUSE_SAMPLES_MAX];
    u32 samples;
    u64 took_ns, gc_ns; /* struct cause_view */

    /* What is to be told of it: views of what it owns */
    struct cause cause;
    struct str file, source, evidence;

    /* private */
    char *text[CAUSE_SAMPLES_MAX];
    struct buf mapped[CAUSE_SAMPLES_MAX];
    struct buf lines, path, function, shown;
};

/* How much of them the monitor has in memory, of all maps. */
#define BLAME_MAPS_BYTES_MAX (96ull << 20)
/* The maps that are read: enough for a bundle of everything. */
#define BLAME_FILE_BYTES_MAX (64ull << 20)
enum { BLAME_MAPPINGS_MAX = 8 << 20 };

/* Takes a copy of samples. False: out of memory. The owner calls blame_free in any case. */
MUST_USE bool blame_copy(struct blame *b, const struct cause_sample *sample, u32 samples);
/* Decides. `maps` NULL: without maps. */
void blame_decide(struct blame *b, struct sourcemap_cache *maps);
void blame_free(struct blame *b);
