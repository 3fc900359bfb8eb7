/* profile/raw_nodes.h -- the nodes of a profile as its file has them, while it is read
 *
 * In the file's order, which may have children before their parents; who calls whom is by ids.
 */
#pragma once

#include "profile/frame_memo.h"
#include "profile/frame_table.h"
#include "profile/json_scan.h"

enum { RAW_NODES_MAX = 1 << 28 };

struct raw_node {
    u64 id;
    u32 frame;
    u32 parent; /* index, once it is known */
    u64 hits;
};

/* What a node says of another. */
struct raw_link {
    u32 node; /* index */
    bool up;  /* to its parent, or to a child */
    u64 to;   /* id */
};

struct raw_nodes {
    struct json_scan s;
    struct profile *p; /* its names, frames and ticks are written */
    struct raw_node *node;
    struct raw_link *link;
    u32 count, links;
    bool has_hits;   /* a node has a hit count … */
    bool hits_rule;  /* … and the first one does: samples are not needed */
    bool from_one;   /* v8-profiler's: lines and columns count from 1 everywhere */
    bool counts_ids; /* a node has no id: its index is */
    bool failed;     /* out of memory */
    /* private */
    struct frame_table frames;
    struct frame_memo memo;
    u32 empty; /* the number of "" */
    u32 cap, link_cap, tick_cap;
};

/* `p` is zeroed, `bytes` and `problem` outlive it; the owner calls raw_nodes_done, which leaves *p
 * alone. */
void raw_nodes_init(struct raw_nodes *r, struct profile *p, struct str bytes,
                    struct problem *problem);
void raw_nodes_done(struct raw_nodes *r);

/* Reads the node that begins at r->s.at, and, in the older form, what it calls; parent:
 * PROFILE_NONE, or an index. */
void raw_nodes_one(struct raw_nodes *r, u32 parent, u32 depth);

/* Ids are whole numbers; anything else is nobody's. */
u64 raw_nodes_id(double n);

/* Room for as many altogether; false: out of memory. */
bool raw_nodes_reserve(struct raw_nodes *r, u32 nodes, u32 links, u32 ticks);
/* Room for one more in *(T **)array; false: out of memory. */
bool raw_nodes_room(void *array, u32 count, u32 *cap, size_t size);
