/* heap/browse.h -- one snapshot, looked at from object to object
 *
 * For reports that explain few objects: names and labels are read from the file when they are asked
 * for, and kept. Whoever only wants to compare or to add up uses struct graph itself. Texts live as
 * long as the struct browse; nothing here fails loudly: what cannot be read is the empty text.
 */
#pragma once

#include "heap/dominators.h"

enum {
    BROWSE_TEXT_MAX = 1024,  /* bytes of a text that are kept; V8 itself cuts off strings there */
    BROWSE_EDGES_MAX = 4096, /* edges of one node that are looked at */
    BROWSE_NONE = UINT32_MAX,
};

/* An edge as its target sees it. */
struct retainer {
    u32 from; /* node */
    u32 edge;
};

struct browse {
    const struct graph *graph;
    const struct dominators *dominators;
    u32 *position; /* [node_count]: of each node in dominators->order */
    /* private */
    u32 *first_retainer, *retainer; /* edges by target */
    u32 *parent;                    /* the edge by which a breadth-first search came here */
    struct strtab_reader reader;
    struct browse_texts {
        struct browse_text {
            u32 key; /* 1 + string; 0: free */
            struct str text;
        } * place; /* open addressing */
        u32 cap, count;
    } texts;
    struct browse_edges {
        u32 node, count;
        struct graph_edge *edge;
    } * edges;
};

/* `graph`, with its edges, names, ids and places, and `d` outlive it. 0, -ENOMEM. The owner calls
 * browse_done in any case. */
MUST_USE int browse_init(struct browse *b, const struct graph *graph, const struct dominators *d);
void browse_done(struct browse *b);
/* From now on browse_retainers has every edge but weak ones: those that do not count for dominators
 * too, such as that from a WeakMap to a value. This is what DevTools shows as retainers. -ENOMEM.
 */
MUST_USE int browse_show_all(struct browse *b);

/* The text of a string, at most BROWSE_TEXT_MAX bytes of it. */
struct str browse_text(struct browse *b, u32 string);
struct str browse_name(struct browse *b, u32 node);
bool browse_is(struct browse *b, u32 node, enum node_type type, struct str name);

/* The first BROWSE_EDGES_MAX edges of a node, until the next call; 0 when they cannot be read. */
u32 browse_edges(struct browse *b, u32 node, const struct graph_edge **out);
/* The label of an edge as text: an index has no text. */
struct str browse_label(struct browse *b, const struct graph_edge *e);
/* An edge as its number says it. False: the file cannot be read any more. */
MUST_USE bool browse_edge(struct browse *b, u32 edge, struct graph_edge *out);
/* Where the first edge with this label leads (not a weak one), or BROWSE_NONE. */
u32 browse_follow(struct browse *b, u32 node, struct str label);

/* The first `max` edges that retain `node`: how many. Weak ones and, but for browse_show_all, those
 * that do not count for dominators are left out. */
u32 browse_retainers(const struct browse *b, u32 node, struct retainer *out, u32 max);

/* The edges of a shortest path from the root to `node`, the last `max` of them: how many. */
u32 browse_path(const struct browse *b, u32 node, u32 *edges, u32 max);

/* A function, an object of the app or of Node, or text: what people would call an object, and not
 * what V8 keeps behind it (backing stores, shapes, code, contexts). */
bool browse_is_visible(const struct graph *g, u32 node);
/* "system / Context" and its like, which are of type object. */
bool browse_is_context(const struct graph *g, u32 node);

bool browse_is_closure(const struct browse *b, u32 node);
/* Of type string, concatenated string or sliced string. */
bool browse_is_text(const struct browse *b, u32 node);
/* An object of this class: "Map". */
bool browse_is_class(struct browse *b, u32 node, const char *name);
/* Whether `below` would go with `node`. */
bool browse_dominates(const struct browse *b, u32 node, u32 below);
/* Who refers to `node` by a property called `label`, or BROWSE_NONE. */
u32 browse_owner(struct browse *b, u32 node, struct str label);

/* The class as DevTools has it: an object's constructor, Function, (string), … */
struct str browse_class(struct browse *b, u32 node);
