/* heap/classes.h -- what kind of thing each node is, and what each kind adds up to
 *
 * The rules are DevTools' (HeapSnapshot.ts, calculateObjectNames, classKeyInternal,
 * buildAggregates): an object's class is its constructor's name, or, for a plain object, its
 * interface; two constructors with one name are two classes when they were declared in two places.
 * Other nodes go by their type: "(string)", "(compiled code)", "Function", …
 */
#pragma once

#include "base/names.h"
#include "heap/dominators.h"
#include "heap/graph.h"

struct class
{
    u32 name;  /* in classes.names */
    u32 place; /* 1 + index into graph.places; 0: none */
    u64 count; /* nodes with a size; the others are not counted */
    u64 shallow,
        retained;     /* bytes; retained: each byte once, however the class's nodes are nested */
    int32_t distance; /* the smallest */
};

struct classes {
    struct names names;
    struct class *class;
    u32 count;
    /* private: which of them each node is of; two bytes where that is enough */
    u16 *narrow;
    u32 *wide;
    u32 node_count;
};

/* The node's class: an index into c->class. */
static inline u32 classes_of(const struct classes *c, u32 node)
{
    return c->narrow ? c->narrow[node] : c->wide[node];
}

/* Finds every node's class. Consumes g->properties. -ENOMEM; -EIO: the file has changed. The owner
 * calls classes_done in any case. */
MUST_USE int classes_assign(struct classes *c, struct graph *g);
/* Counts, shallow sizes and distances, once g->self is as it shall be. */
void classes_count(struct classes *c, const struct graph *g, const int32_t *distance);
/* Retained sizes. -ENOMEM. */
MUST_USE int classes_retain(struct classes *c, const struct graph *g, const struct dominators *d);
void classes_done(struct classes *c);

static inline struct str classes_name(const struct classes *c, u32 class)
{
    return names_text(&c->names, c->class[class].name);
}
