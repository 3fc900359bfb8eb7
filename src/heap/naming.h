/* heap/naming.h -- what people call an object: a variable, a global, a class's static field
 *
 * An object has no name; what refers to it has. From the object upwards, nearest first, the search
 * looks for a variable in the app's code, a global, a static field of a class or an export of a
 * module, through properties, elements and collections: "catalogue.cache", "globalThis.seen",
 * "Audit.entries", "room.members". What only a package or Node itself names is taken when the app
 * has no name for it.
 */
#pragma once

#include "heap/sources.h"

enum naming_by {
    NAMING_UNNAMED, /* its class is all that is known */
    NAMING_VARIABLE,
    NAMING_GLOBAL,
    NAMING_STATIC,
    NAMING_EXPORT, /* of a CommonJS module */
    NAMING_MODULE, /* an exported variable of an ES module */
};

enum { NAMING_NAME_MAX = 160, NAMING_STEPS_MAX = 8 };

struct naming {
    enum naming_by by;
    char name[NAMING_NAME_MAX]; /* "catalogue.cache"; of one without a name: its class */
    char last[64];              /* the last part that is a word: "cache" */
    u32 anchor;                 /* the context, class, module or global where the name begins */
    u32 user;                   /* a function that can use the variable, or BROWSE_NONE */
    u32 script;                 /* the node whose name is the file in which it is, or BROWSE_NONE */
    enum source_of whose;
    u32 above; /* the first visible object or context on the way up, or BROWSE_NONE */
};

/* Names `node`. */
void naming_find(struct browse *b, u32 node, struct naming *out);
