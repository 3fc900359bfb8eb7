/* view/call.h -- what the pages of a heap view share: their parameters, and how objects are told
 *
 * A page checks all its parameters before it writes anything.
 */
#pragma once

#include "base/json.h"
#include "view/heapview.h"
#include "view/params.h"

struct call {
    struct heapview *view;
    struct heapview_file *file; /* that was asked for: parameter "file", else the first */
    struct str query;
    struct buf *out;
    char error[160];
};

/* A part of a list: parameters "offset" and "limit". */
struct call_range {
    u64 offset, limit;
};

/* Each returns 0, or the status to answer with, after call_fail. */
MUST_USE u32 call_fail(struct call *c, u32 status, const char *fmt, ...) PRINTF(3, 4);
MUST_USE u32 call_range(struct call *c, struct call_range *out);
/* Parameter "node". */
MUST_USE u32 call_node(struct call *c, u32 *node);

/* Members that say what an object is: node, id, type, class, class_id, text, shallow_bytes,
 * retained_bytes, distance. */
void call_object(struct call *c, u32 node);
/* Members of a class: class_id, class, count, …, and where it was declared. */
void call_class(struct call *c, u32 class);
/* A text, cut off where a character ends, with "…". */
void call_text(struct buf *out, const char *key, struct str text);
/* Member "edge": what leads from one object to another: type, name or index. */
void call_edge(struct call *c, const struct graph_edge *e);
/* Member "place" of an object or a class, if it is known. */
void call_place(struct call *c, u32 node);

/* The order of two texts, byte by byte; and whether `part` occurs in `text`, in letters of either
 * case. */
int call_text_order(struct str a, struct str b);
bool call_text_has(struct str text, struct str part);

static inline void call_number(struct buf *out, const char *key, u64 n)
{
    json_key(out, key);
    json_u64(out, n);
}

/* The pages: 0, or the status of what was refused. */
u32 files_page(struct call *c);
u32 classes_page(struct call *c);
u32 objects_page(struct call *c);
u32 object_page(struct call *c);
u32 fields_page(struct call *c);
u32 retainers_page(struct call *c);
u32 path_page(struct call *c);
u32 treemap_page(struct call *c);
u32 diff_page(struct call *c);
void diff_page_done(struct heapview *v);
