/* heap/interfaces.h -- plain objects told apart by their properties
 *
 * All object literals are "Object". DevTools (HeapSnapshot.ts, inferInterfaceDefinitions and
 * applyInterfaceDefinitions) names them by their properties: "{id, user, tags}" becomes a class
 * when two objects, and one in a thousand, begin with these properties, and an object belongs to
 * the class with the most properties that are all its own.
 */
#pragma once

#include "base/names.h"
#include "heap/graph.h"

struct interfaces {
    u32 *class_of_shape; /* name of each shape's class */
    u32 shape_count;
};

/* Finds the shapes of all plain objects, whose names (g->name) are replaced by the number of their
 * shape, and the class of each, as a number in `names`. Consumes g->properties. -ENOMEM, -EIO. */
MUST_USE int interfaces_infer(struct interfaces *in, struct graph *g, struct names *names);
void interfaces_done(struct interfaces *in);
