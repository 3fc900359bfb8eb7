/* heap/sources.h -- which file a function, a class or a variable is from
 *
 * A function refers to what V8 knows of its code ("shared"), and that to its script, whose name is
 * the file or the URL. The places of objects and functions in a snapshot have the script's number
 * instead; any function of that script tells which one it is. A variable that functions share is in
 * a context, and these functions refer to it.
 */
#pragma once

#include "heap/browse.h"

enum source_of {
    SOURCE_NODE,    /* Node's own, or V8's */
    SOURCE_PACKAGE, /* in a folder node_modules */
    SOURCE_APP,
};

/* The script of a function: its node, or BROWSE_NONE. */
u32 sources_of_function(struct browse *b, u32 closure);
/* The script of a place's number. */
u32 sources_of_number(struct browse *b, u32 script);
/* The script in which the variables of a context are, with a function that uses them in *user
 * (which may be NULL). */
u32 sources_of_context(struct browse *b, u32 context, u32 *user);

/* Its file name or URL as V8 has it; file:// and the query of an ES module are left out. */
struct str sources_file(struct browse *b, u32 script);
/* The beginning of its text, up to BROWSE_TEXT_MAX bytes; empty: not in the snapshot. */
struct str sources_text(struct browse *b, u32 script);
enum source_of sources_whose(struct str file);

/* Where a node was made or declared, as people count: from 1. False: not known, or not in a file.
 */
struct source_place {
    struct str file;
    enum source_of whose;
    u32 line, column;
};
MUST_USE bool sources_place(struct browse *b, u32 node, struct source_place *out);

/* A function of the app's among what `node` alone holds, itself included; BROWSE_NONE: none of the
 * first SOURCES_FUNCTIONS_MAX is. */
enum { SOURCES_FUNCTIONS_MAX = 60 };
u32 sources_app_function(struct browse *b, u32 node);
