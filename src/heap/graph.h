/* heap/graph.h -- a heap snapshot in memory: nodes and edges, as few bytes each as the analysis
 * needs
 *
 * The file stays where it is. In memory are 14 bytes a node and 4 an edge (its target and its
 * type); names, ids, positions and texts are read again when somebody wants to see them. A node is
 * known by its number (DevTools: "ordinal"), from 0; edges by theirs, those of node n are
 * first_edge[n] up to first_edge[n + 1].
 */
#pragma once

#include "base/problem.h"
#include "heap/meta.h"
#include "heap/numbers.h"
#include "heap/strtab.h"

enum {
    GRAPH_NODES_MAX = (1 << 28) - 1, /* four bits of an edge are for its type */
    GRAPH_TARGET = GRAPH_NODES_MAX,
    GRAPH_TYPE_SHIFT = 28,
};
/* An edge that retains nothing: weak, to its own node, … (heap/dominators.h). */
#define GRAPH_IDLE (1u << 31)

/* Bits of flags[]. */
enum {
    GRAPH_PAGE = BIT(0),     /* reachable from the app's own roots: DevTools' "page object" */
    GRAPH_DETACHED = BIT(1), /* a DOM node that is in no document any more */
    GRAPH_ATTACHED = BIT(2),
    GRAPH_PLAIN = BIT(3),       /* a plain object: type object, name Object */
    GRAPH_STEP_FILTER = BIT(4), /* has edges that distances do not follow, or not at once */
    GRAPH_RETAINED = BIT(5),    /* by one edge at least */
    GRAPH_SHARED = BIT(6),      /* by two edges at least */
    GRAPH_ARRAY = BIT(7),       /* a JavaScript array: name Array */
};

/* An internal edge that stands for an entry of a WeakMap: once from the key, once from the table.
 */
struct ephemeron {
    u32 edge;
    u32 name;  /* string */
    u64 table; /* id of the table */
    u64 pair;  /* the same for both edges of an entry */
};

/* Names (strings) of plain objects' properties, in the order of nodes and edges. */
struct property_names {
    struct property_chunk {
        u32 first; /* edge */
        u32 count;
        u32 *name;
    } * chunk;
    u32 count, cap;
};

/* Where a class, an object or a function was declared; line and column from 0. */
struct place {
    u32 script, line, column;
};

struct graph {
    struct input in;
    struct meta meta;
    struct strtab strings;
    struct numbers nodes, edges_text;

    u32 node_count, edge_count, root;
    u32 *first_edge; /* [node_count + 1] */
    u32 *edge;       /* [edge_count]: target, type << GRAPH_TYPE_SHIFT, GRAPH_IDLE */
    u32 *name;       /* [node_count]: string; NULL when it was given back */
    u32 *self;       /* [node_count]: bytes; UINT32_MAX: look into large */
    u32 *id;         /* [node_count]; NULL without GRAPH_WITH_IDS */
    u32 options;
    u8 *type;  /* [node_count]: meta.node_type_of[…] */
    u8 *flags; /* [node_count] */

    struct ephemeron *ephemerons; /* by edge */
    u32 ephemeron_count;
    u32 *skipped; /* edges that distances never follow, in order */
    u32 skipped_count;
    struct property_names properties;
    u32 *place_of; /* [node_count]: 1 + index into places, 0: none; NULL: given back, or no location
                    */
    struct place *places; /* each once */
    u32 place_count;
    /* Sizes of 4 GiB and more, by node. */
    struct graph_large {
        u32 node;
        u64 bytes;
    } * large;
    u32 large_count;
};

/* What is kept after reading, 4 bytes a node each. */
enum {
    GRAPH_WITH_IDS = BIT(0),
    GRAPH_WITH_PLACES = BIT(1),
    GRAPH_WITH_NAMES = BIT(2),
};

/* Reads a snapshot. 0; -EINVAL with *p: what is wrong, and at which offset; -ENOMEM, -errno. The
 * owner calls graph_done in any case. `threads`: how many may be used. */
MUST_USE int graph_read(struct graph *g, const struct input *in, u32 threads, u32 options,
                        const struct progress_sink *progress, struct problem *p);
void graph_done(struct graph *g);

static inline enum node_type graph_type(const struct graph *g, u32 node)
{
    return g->meta.node_type_of[g->type[node]];
}

/* Flags while one thread adds some that the others do not ask for: a byte is read and written as a
 * whole. */
static inline u8 graph_flags(const struct graph *g, u32 node)
{
    return __atomic_load_n(&g->flags[node], __ATOMIC_RELAXED);
}

static inline void graph_flag(struct graph *g, u32 node, u8 flag)
{
    __atomic_store_n(&g->flags[node], g->flags[node] | flag, __ATOMIC_RELAXED);
}

static inline u32 graph_target(u32 edge)
{
    return edge & GRAPH_TARGET;
}

static inline enum edge_type graph_edge_type(u32 edge)
{
    return (enum edge_type)(edge >> GRAPH_TYPE_SHIFT & 7);
}

/* Bytes of the node itself; after owners_assign what it owns is added. */
u64 graph_self_size(const struct graph *g, u32 node);
/* -ENOMEM; -ERANGE: more than GRAPH_LARGE_MAX nodes of 4 GiB. */
enum { GRAPH_LARGE_MAX = 4096 };
MUST_USE int graph_set_self_size(struct graph *g, u32 node, u64 bytes);

/* What a node's name is to the analysis; STRING_PLAIN once the names are given back. */
static inline enum string_kind graph_name_kind(const struct graph *g, u32 node)
{
    return g->name ? (enum string_kind)g->strings.kind[g->name[node]] : STRING_PLAIN;
}

/* Gives names and places back, once classes are known, but for what the options keep. */
void graph_names_done(struct graph *g);
/* Gives types and flags back, once everything is counted. */
void graph_types_done(struct graph *g);
/* Gives the edges back: what does not show paths needs them no more once dominators are known. */
void graph_edges_done(struct graph *g);

/* A node read again from the file. -errno. */
struct graph_node {
    u32 name, id, edge_count;
    u64 self_size; /* as the file has it */
};
MUST_USE int graph_node(const struct graph *g, u32 node, struct graph_node *out);
/* An edge read again: *name is a string's number, or the index of an element or hidden edge. */
struct graph_edge {
    enum edge_type type;
    const char *type_name; /* as the file has it */
    u32 name;
    u32 to;
};
static inline bool graph_edge_is_indexed(enum edge_type type)
{
    return type == EDGE_ELEMENT || type == EDGE_HIDDEN;
}
/* Edges [first, first + count) read again. -errno. */
MUST_USE int graph_edges(const struct graph *g, u32 first, u32 count, struct graph_edge *out);
/* The node whose edge this is. */
u32 graph_source(const struct graph *g, u32 edge);
/* Where the node was made or declared; NULL: the snapshot does not say, or places are given back.
 */
const struct place *graph_place(const struct graph *g, u32 node);
