/* heap/edge_names.h -- what edges are called, read again from the file
 *
 * For passes over edges in their order: neighbours are read together.
 */
#pragma once

#include "heap/graph.h"

enum {
    EDGE_NAMES_BLOCK = 8192, /* edges that are read at once, where the last ones were near */
    EDGE_NAMES_FEW = 64,     /* and else */
};

/* All zero but `g` is ready to be asked; the owner calls edge_names_done. */
struct edge_names {
    const struct graph *g;
    /* private */
    struct graph_edge *block;
    u32 first, count;
    struct strtab_reader reader;
    struct buf text;
};

/* The name of an edge, a number in digits for elements, until the next call. -ENOMEM, -errno. */
MUST_USE int edge_names_get(struct edge_names *n, u32 edge, struct str *out);
/* The string that an edge is named by; UINT32_MAX: it has a number. -ENOMEM, -errno. */
MUST_USE int edge_names_string(struct edge_names *n, u32 edge, u32 *string);
void edge_names_done(struct edge_names *n);

/* (*is)[string]: whether its text is `text`. The caller frees *is in any case. -ENOMEM, -EIO. */
MUST_USE int edge_names_strings(const struct graph *g, struct str text, u8 **is);
