/* heap/growth.h -- what there is more of in each of three snapshots of one process
 *
 * V8 gives an object one id for its life, so that two snapshots can be laid over each other. An
 * object that is in all three ("old") and whose dominated memory grows in both steps holds
 * something that accumulates; the deepest such object is the holder, and the visible objects below
 * it that are new are its items. A place counts when items of one class were added in the first
 * step and are still there at the end, and about as many were added in the second: a cache that is
 * full has as many items in each snapshot, though they are others each time, one that has warmed up
 * stops, and requests that happen to be in flight do not live until the next snapshot. Bytes alone
 * do not tell: V8 keeps the same text in one piece or in several, so where items are objects their
 * number has to grow, and below an old object with no more of them than before nothing is new.
 * Growth that is too small by itself is added to that of the dominator above: a hundred arrays in a
 * Map that get longer by one item each are one growing Map.
 *
 * Shapes and compiled code come and go as V8 pleases: they count for growth_bytes, not for what is
 * found.
 */
#pragma once

#include "heap/dominators.h"
#include "heap/groups.h"

enum {
    GROWTH_SAMPLES = GROUP_SAMPLES,
    GROWTH_HOLDERS_MAX = 64,
    GROWTH_COMPANY = 16,
    GROWTH_ITEMS_MIN = 5,   /* of one class, in each step */
    GROWTH_BYTES_MIN = 512, /* in each step */
    GROWTH_BYTES_MIN_BY_PLACE = 4096,
    GROWTH_VALUE_MIN = 8192, /* in each step, when one value gets larger */
    GROWTH_SLOWER = 4,       /* less than a quarter of the first step is a cache that fills */
    GROWTH_CHURN = 8, /* at least an eighth of what was added is growth, the rest replaces others */
    GROWTH_ROOT_ITEMS_MIN = 8,    /* of what nothing holds, in each step */
    GROWTH_ROOT_BYTES_MIN = 4096, /* in both steps */
};

enum growth_how {
    GROWTH_ITEMS, /* more and more objects of one class */
    GROWTH_CHAIN, /* each holds the next one: a linked list, closures, strings of strings */
    GROWTH_VALUE, /* one text, array or buffer that gets larger */
    GROWTH_ROOTS, /* items that nothing old holds: handles, or what is shared by several */
};

struct growth_holder {
    enum growth_how how;
    u32 at;                /* node of the last snapshot that dominates the items */
    u32 added[2];          /* items of the class, in each step, that are still there */
    u32 before;            /* items of the class that were there in the first snapshot */
    i64 bytes[2];          /* what `at` retains more, in each step (shapes and code left out) */
    u64 retained_bytes[3]; /* by `at`, or by the items, in each snapshot */
    i64 growth_bytes;      /* in both steps, all included */
    u32 samples[GROWTH_SAMPLES]; /* items, the oldest first */
    u32 sample_count;
    u32 company[GROWTH_COMPANY]; /* GROWTH_ROOTS: an object of each class that came in the same
                                    number */
    u32 company_count;
};

struct growth_holders {
    struct growth_holder list[GROWTH_HOLDERS_MAX]; /* what grew most first */
    u32 count;
    u32 dropped; /* more than that */
};

/* Puts one into the list, in order; the smallest is dropped when it is full. */
void growth_holders_keep(struct growth_holders *out, const struct growth_holder *h);

struct growth;

/* `last`, with its ids, names and edges, and its dominators outlive *out. 0, -ENOMEM. */
MUST_USE int growth_new(struct growth **out, const struct graph *last, const struct dominators *d);
/* Accepts NULL. */
void growth_free(struct growth *w);
/* An earlier snapshot: number 0, then 1. It is not needed after that. Where ids turn out to mean
 * something else it goes by places (heap/align.h). -ENOMEM, -EIO; -ENOENT: hardly an object of it
 * is in the last one, so they are not of one program. */
MUST_USE int growth_before(struct growth *w, u32 number, const struct graph *g,
                           const struct dominators *d);
/* Whether objects were matched by their places and not by their ids. */
bool growth_by_place(const struct growth *w);
/* After both. -ENOMEM. */
MUST_USE int growth_find(struct growth *w, struct growth_holders *out);

/* What the root retains in snapshot 0, 1, 2. */
u64 growth_total_bytes(const struct growth *w, u32 number);
