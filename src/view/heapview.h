/* view/heapview.h -- heap snapshots for a browser: JSON pages over analyses in memory
 *
 * Each page answers one question (the classes, the objects of a class, what an object holds and
 * what holds it, …) a screenful at a time: whatever is asked for, an answer has at most
 * HEAPVIEW_ROWS_MAX rows and texts of HEAPVIEW_TEXT_MAX bytes. An object is its number in the
 * snapshot; its id, which is the same in a later snapshot of the process, is shown. No HTTP here:
 * whoever serves it says who may ask.
 */
#pragma once

#include "heap/analysis.h"
#include "heap/browse.h"

enum {
    HEAPVIEW_FILES_MAX = 2, /* a snapshot, and a later one to compare with */
    HEAPVIEW_ROWS_MAX = 200,
    HEAPVIEW_TEXT_MAX = 240,
};
/* What a snapshot has to be analysed with. */
enum {
    HEAPVIEW_NEEDS =
        ANALYSIS_EDGES | ANALYSIS_DISTANCES | GRAPH_WITH_IDS | GRAPH_WITH_NAMES | GRAPH_WITH_PLACES,
};

struct heapview_file {
    struct str name; /* as it is shown */
    u64 bytes;       /* of the file */
    struct analysis *a;
    /* private */
    struct browse b;
    struct heapview_list {
        u32 *node;
        u32 count;
        u32 class, by; /* what was asked for */
    } objects;         /* the last list that was asked for: the next page of it is at hand */
};

struct heapview {
    struct heapview_file file[HEAPVIEW_FILES_MAX];
    u32 count;
    struct diff *diff; /* private: of both files, once it has been asked for */
};

/* Adds a snapshot, whose name and analysis outlive the view. The second is the later one; the first
 * is to be analysed like it (analysis_run_like). -ENOMEM. */
MUST_USE int heapview_add(struct heapview *v, struct str name, u64 bytes, struct analysis *a);
/* Accepts what is zero or half-built. */
void heapview_done(struct heapview *v);

/* Appends the page called `name` ("classes") with the parameters `query` ("sort=count") as JSON.
 * Returns the HTTP status: 200; 400 and 404 with {"error": …} instead. A failed allocation shows in
 * out->failed. */
MUST_USE u32 heapview_page(struct heapview *v, struct str name, struct str query, struct buf *out);
