/* balance/lane.h -- which kinds of requests are slow, and how many workers they may block
 *
 * When kinds that block a loop for long and kinds that do not share the same loops, every fast
 * request may find all loops blocked. Kept to part of the workers, the slow ones leave a free loop
 * for the fast ones. A few times a second this decides, from what was seen lately:
 *   - where to cut: the fast wait behind the slow in proportion to the slow ones' number times
 *     their length squared (Pollaczek and Khinchine: the mean residual work), so the cut with the
 *     most fast requests times the most of that is the best one; in the middle of its gap;
 *   - whether to cut at all: only if those above the cut block for LANE_SLOW_NS or more and
 *     LANE_RATIO times as long as those below, in the mean;
 *   - how many workers to keep for the fast ones: as many as their load needs, and so many that no
 *     more slow ones run at once than there are CPUs, but never so many that the slow ones' load
 *     does not fit into the rest.
 * Values in, verdict out: no clock, no shared memory.
 */
#pragma once

#include "base/base.h"

enum {
    LANE_OCTAVES = 48, /* bit lengths of nanoseconds: lane_octave() */
    LANE_RATIO = 8,
    LANE_FAST_MIN = 8, /* requests seen lately below the cut, */
    LANE_SLOW_MIN = 2, /* and above it, for lanes to be worth it */
};
#define LANE_SLOW_NS 5000000ull
#define LANE_HALF_LIFE_NS 5000000000ull
/* A slow request that has waited four times as long as it will take may go anywhere; the bounds of
 * that. */
#define LANE_PATIENCE_LEAST_NS 100000000ull
#define LANE_PATIENCE_MOST_NS 2000000000ull

/* Sums that only grow (where one falls, what was learned from it stays). */
struct lane_reading {
    u64 now_ns;
    u32 workers;                /* that are ready; at most one of each is counted */
    u32 cpus;                   /* that they run on */
    u64 busy_ns;                /* the time that all loops together were not waiting */
    u64 requests[LANE_OCTAVES]; /* that are over, by how long such are expected to block */
    u64 block_ns[LANE_OCTAVES]; /* and how long they did */
};

struct lane_plan {
    u64 slow_ns; /* kinds that are expected to block for this or longer are slow; 0: no lanes */
    u32 kept;    /* so many workers take no slow ones; 1 … workers - 1 when there are lanes */
};

struct lane {
    struct lane_reading last;
    double elapsed_ns, busy_ns; /* faded sums */
    double requests[LANE_OCTAVES], block_ns[LANE_OCTAVES];
    u32 cut; /* the first octave that is slow; 0: no lanes */
    bool begun;
};

struct lane_plan lane_reading(struct lane *l, const struct lane_reading *r);

/* 0 for 0, else the bit length; the last octave holds all above. */
static inline u32 lane_octave(u64 block_ns)
{
    u32 bits = block_ns ? 64 - (u32)__builtin_clzll(block_ns) : 0;

    return min(bits, (u32)LANE_OCTAVES - 1);
}

/* Whether a slow request has waited long enough to go anywhere. */
static inline bool lane_is_aged(u64 waited_ns, u64 block_ns)
{
    u64 patience_ns = max(4 * block_ns, (u64)LANE_PATIENCE_LEAST_NS);

    return waited_ns >= min(patience_ns, (u64)LANE_PATIENCE_MOST_NS);
}
