/* heap/meta.h -- what the header of a snapshot says
 *
 * V8's HeapSnapshotJSONSerializer (src/profiler/heap-snapshot-generator.cc) writes
 * {"snapshot":{"meta": {…},"node_count":…},"nodes":[…],"edges":[…],…,"strings":[…]}. Fields and
 * types are looked up by name, never assumed: Node 16 to 26 and Chrome differ in them (the list of
 * a newer V8 may hold types that nobody here knows: they are NODE_OTHER and EDGE_OTHER).
 */
#pragma once

#include "base/problem.h"
#include "heap/input.h"
#include "heap/numbers.h"

enum node_type {
    NODE_HIDDEN,
    NODE_ARRAY,
    NODE_STRING,
    NODE_OBJECT,
    NODE_CODE,
    NODE_CLOSURE,
    NODE_REGEXP,
    NODE_NUMBER,
    NODE_NATIVE,
    NODE_SYNTHETIC,
    NODE_CONS_STRING,   /* "concatenated string" */
    NODE_SLICED_STRING, /* "sliced string" */
    NODE_SYMBOL,
    NODE_BIGINT,
    NODE_SHAPE, /* "object shape" */
    NODE_OTHER,
};

/* Three bits each: an edge keeps its type beside its target. */
enum edge_type {
    EDGE_CONTEXT,
    EDGE_ELEMENT,
    EDGE_PROPERTY,
    EDGE_INTERNAL,
    EDGE_HIDDEN,
    EDGE_SHORTCUT,
    EDGE_WEAK,
    EDGE_BACKING, /* internal, named "elements": from an array to what holds its elements */
};

enum { META_TYPES_MAX = 64, META_NONE = UINT32_MAX };

/* Which field of a record is what; META_NONE: there is none. */
struct meta {
    u32 node_fields, edge_fields, location_fields;
    u32 node_type, node_name, node_id, node_self_size, node_edge_count, node_detachedness;
    u32 edge_type, edge_name, edge_to;
    u32 location_object, location_script, location_line, location_column;
    u32 node_types, edge_types; /* how many names of types there are */
    enum node_type node_type_of[META_TYPES_MAX];
    enum edge_type edge_type_of[META_TYPES_MAX];
    char node_type_name[META_TYPES_MAX][32];
    char edge_type_name[META_TYPES_MAX][32];
    u64 node_count, edge_count;
    u64 root;               /* a node's number */
    u64 extra_native_bytes; /* Node 24 and later: memory outside of the heap that no node stands for
                             */
    u64 nodes_begin;        /* offset behind the bracket of "nodes" */
};

/* 0; -EINVAL with *p (not a snapshot, cut off, a field that is missing, a count that the file's
 * size cannot hold); -ENOMEM, -errno. */
MUST_USE int meta_read(struct meta *m, const struct input *in, struct problem *p);

/* The offset behind the bracket of the array `key` ("edges") that begins in [from, to). -EINVAL
 * with *p when it is not there, -errno. */
MUST_USE i64 meta_array(const struct input *in, const char *key, u64 from, u64 to,
                        struct problem *p);
