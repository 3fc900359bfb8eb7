/* app/heap_objects.h -- objects of a snapshot as people and JSON name them */
#pragma once

#include "app/heap_load.h"
#include "heap/browse.h"
#include "heap/sources.h"

enum {
    HEAP_OBJECTS =
        ANALYSIS_EDGES | ANALYSIS_DISTANCES | GRAPH_WITH_IDS | GRAPH_WITH_NAMES | GRAPH_WITH_PLACES
};

/* A snapshot loaded with HEAP_OBJECTS, to be looked at from object to object. */
struct heap_objects {
    struct heap_loaded l;
    struct browse b;
};

/* 0, or an exit code after a message. The owner calls heap_objects_done in any case. */
MUST_USE int heap_objects_load(struct heap_objects *o, const char *path);
void heap_objects_done(struct heap_objects *o);

/* The node that "@123" or "123" names; 0, or an exit code after a message. */
MUST_USE int heap_objects_find(const struct heap_objects *o, const char *word, u32 *node);

/* Its class as `fettle heap summary` has it. */
struct str heap_objects_class(const struct heap_objects *o, u32 node);
/* «Session @123», with the beginning of a text and a function's name. */
void heap_objects_label(struct heap_objects *o, u32 node, struct buf *out);
/* «.name», «[3]», «{map}», a variable's name: as DevTools writes the kinds of edges. */
void heap_objects_edge(struct heap_objects *o, const struct graph_edge *e, struct buf *out);
/* «app.js:12:3», or nothing. */
void heap_objects_place(struct heap_objects *o, u32 node, struct buf *out);

/* "id":…,"class":…,"name":…,"type":…,"self_bytes":…,"retained_bytes":…,"file":…,"line":… */
void heap_objects_json(struct heap_objects *o, u32 node, struct buf *out);
/* "edge_type":…,"edge_name":… (a number for elements) */
void heap_objects_edge_json(struct heap_objects *o, const struct graph_edge *e, struct buf *out);
