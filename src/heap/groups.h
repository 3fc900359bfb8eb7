/* heap/groups.h -- objects counted by class
 *
 * Objects and functions are told apart by their names, texts and other values by their type alone.
 */
#pragma once

#include "heap/graph.h"

enum { GROUP_SAMPLES = 4 };

struct group {
    u32 type, name;
    u32 count[3]; /* old ones, those of the first step, those of the second; or whatever is counted
                   */
    u64 held[3];  /* bytes that these retain */
    u64 bytes;    /* that the new ones retain */
    u32 samples[GROUP_SAMPLES]; /* the first ones and the last one that were added as samples */
    u32 sample_count;
};

struct groups {
    struct group *list;
    u32 count;
    /* private */
    u32 *place, mask; /* open addressing, 1 + index */
};

/* All zero is an empty one. */
void groups_clear(struct groups *s);
void groups_done(struct groups *s);
/* The group of a node's class, new or known, until the next call; NULL: out of memory. */
struct group *groups_of(struct groups *s, const struct graph *g, u32 node);
/* The group of the class of one that is in another struct groups; NULL: there is none. */
const struct group *groups_find(const struct groups *s, u32 type, u32 name);
void groups_sample(struct group *group, u32 node);
