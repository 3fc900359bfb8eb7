/* heap/diff.h -- what there is more and less of in the newer of two snapshots
 *
 * Class by class it is DevTools' comparison (HeapSnapshot.ts, calculateSnapshotDiff): objects are
 * the same when their class and their id are, and plain objects of both are told apart by the
 * interfaces of the newer one. What DevTools leaves out, objects that are in both and have another
 * size, is counted apart, so that new - gone + grown is what a class's size has changed by.
 *
 * A cluster is what came to, and went from, one object that is in both: of the new objects that
 * people would call objects (not backing stores, shapes, code, which V8 replaces as it likes), the
 * topmost ones by class, with the object that dominates them.
 */
#pragma once

#include "heap/analysis.h"

#define DIFF_NONE UINT32_MAX

/* What came and what went. */
struct diff_change {
    u64 added, removed;             /* objects */
    u64 added_bytes, removed_bytes; /* shallow for a class, retained for a cluster */
    i64 grown_bytes;                /* of those that are in both */
};

static inline i64 diff_bytes(const struct diff_change *c)
{
    return (i64)(c->added_bytes - c->removed_bytes) + c->grown_bytes;
}

struct diff_class {
    u32 name;            /* in diff.names */
    u32 class[2];        /* in the older and the newer one's classes; DIFF_NONE */
    struct class sum[2]; /* all zero where it does not occur */
    bool has_place;      /* declared at */
    struct place place;
    struct diff_change change;
    bool inside; /* what V8 keeps behind objects */
    u32 was;     /* private */
};

struct diff_cluster {
    u32 holder_id;
    u32 holder[2]; /* its node in the older and the newer one */
    u32 class;     /* of what came and went: in diff.class; DIFF_NONE: the holder itself has another
                      shallow size */
    struct diff_change change;
};

struct diff {
    struct names names;
    struct diff_class *class;
    struct diff_cluster *cluster;
    u32 classes, clusters;
    u64 common;  /* nodes whose ids are in both */
    u64 changed; /* of these, with another class */
    /* private */
    u32 class_cap, cluster_cap;
};

/* Both with their ids; `after` made first, `before` like it (analysis_run_like). Classes that have
 * not changed are in the list too. Largest growth first in both lists. -ENOMEM. The owner calls
 * diff_done in any case; it needs neither of the two any more. */
MUST_USE int diff_compare(struct diff *d, const struct analysis *before,
                          const struct analysis *after);
void diff_done(struct diff *d);

/* Gives the older one's nodes the ids of those of the newer one that are in their places
 * (heap/align.h), and the others ids that nobody has: for snapshots that V8 numbered anew. Both
 * with edges and names. False in *alike: they do not even look like one process. -ENOMEM, -EIO. */
MUST_USE int diff_match_places(struct analysis *before, const struct analysis *after, bool *alike);

/* Whether so few of the older one's objects are in the newer one that they are hardly of one
 * process. */
bool diff_is_of_strangers(const struct diff *d, const struct analysis *before);

static inline struct str diff_class_name(const struct diff *d, const struct diff_class *c)
{
    return names_text(&d->names, c->name);
}
