/* profile/hotspots.h -- where the time went: by function, by line, by package
 *
 * Self is what was sampled in a function itself, total with what it called, each sample once
 * however often the function is on its stack.
 */
#pragma once

#include "profile/profile.h"

enum hotspot_kind {
    HOTSPOT_APP,
    HOTSPOT_PACKAGE, /* in node_modules */
    HOTSPOT_NODE,    /* Node's own JavaScript, and functions without a file: V8's and native ones */
    HOTSPOT_GC,
    HOTSPOT_IDLE,
    HOTSPOT_PROGRAM, /* outside of JavaScript: "(program)" */
    HOTSPOT_ROOT,
};

struct hotspot {
    u32 frame;
    u64 self, total; /* hits */
};

struct hot_line {
    u32 frame; /* one of its functions */
    u32 url;   /* its file, in the profile's names */
    u32 line;  /* from 1 */
    u64 hits;
};

struct hot_package {
    u32 name; /* in `names` below: "express", "@scope/name", or what it is else */
    enum hotspot_kind kind;
    u64 self;
};

struct hotspots {
    struct hotspot *function; /* those that were sampled, the most of self first */
    struct hot_line *line;    /* the most first */
    struct hot_package *package;
    u32 functions, lines, packages;
    struct names names;
    u64 kind[HOTSPOT_ROOT + 1]; /* hits by kind */
};

/* -ENOMEM. The owner calls hotspots_done in any case. */
MUST_USE int hotspots_find(struct hotspots *h, const struct profile *p);
void hotspots_done(struct hotspots *h);

/* What a function belongs to; *package is the name of the package, if it is in one. */
enum hotspot_kind hotspots_kind(struct str name, struct str url, struct str *package);
