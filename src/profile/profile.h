/* profile/profile.h -- a tree of calls: where samples were, or bytes allocated
 *
 * .cpuprofile, as V8's profiler gives it over the DevTools protocol (Profiler.Profile), as Node's
 * --cpu-prof and Chrome DevTools write it, and both forms of v8-profiler ("head", a tree; and
 * "typeId", whose lines count from 1). Time is shared out as DevTools does
 * (CPUProfileDataModel.ts): each hit is worth the profile's time divided by all hits, and hits are
 * counted from samples only when the first node has no count. What DevTools does with samples and
 * their times (sorting them, replacing a lonely "(program)") is for drawing and changes no sum. It
 * differs in three things: a child that is not there is refused, a node that nobody calls hangs on
 * the root (DevTools counts it and shows it nowhere), and counts are taken where the first node has
 * none and there are no samples (DevTools gives up). A .heapprofile
 * (HeapProfiler.SamplingHeapProfile) is a tree likewise: its hits are bytes.
 */
#pragma once

#include "base/names.h"
#include "base/problem.h"

#define PROFILE_NONE UINT32_MAX

/* A function; line and column from 0, -1: none. */
struct profile_frame {
    u32 name, url; /* in names */
    int32_t line, column;
};

/* A function called by the one above. */
struct profile_node {
    u32 parent; /* PROFILE_NONE: the root */
    u32 frame;
    u64 hits; /* samples right here; bytes in a profile of allocations */
};

/* Samples on a line (from 1) of a node's function. */
struct profile_tick {
    u32 node, line;
    u64 count;
};

struct profile {
    struct names names;
    struct profile_frame *frame;
    struct profile_node *node; /* parents before their children */
    struct profile_tick *tick;
    u32 *tick_url; /* [ticks]: the file of its line, in names; NULL: that of its node's function */
    u32 frames, nodes, ticks;
    u64 hits;
    bool is_of_bytes;        /* allocations */
    double start_us, end_us; /* of the process's own clock */
};

/* 0; -EINVAL with *p (offset, what is wrong); -ENOMEM. The owner calls profile_done in any case. */
MUST_USE int profile_read(struct profile *out, struct str bytes, struct problem *p);
void profile_done(struct profile *profile);

struct profile_conf {
    u32 threads;       /* how many may read, at least 1 */
    size_t part_bytes; /* of the file, at least, for each of them */
};

/* The same, by so many threads; profile_read takes all CPUs. The result is the same. */
MUST_USE int profile_read_by(struct profile *out, struct str bytes, const struct profile_conf *conf,
                             struct problem *p);

/* What a hit is worth, in milliseconds. */
double profile_hit_ms(const struct profile *profile);

static inline struct str profile_name(const struct profile *p, u32 frame)
{
    return names_text(&p->names, p->frame[frame].name);
}

static inline struct str profile_url(const struct profile *p, u32 frame)
{
    return names_text(&p->names, p->frame[frame].url);
}
