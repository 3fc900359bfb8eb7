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

/* The classes themselves, the most popular first: all is text, so that they can be applied to
 * another snapshot. All zero is an empty list. */
struct interface_list {
    struct names texts;
    struct interface {
        u32 name;         /* in texts */
        u32 first, count; /* of property[] */
    } * interface;
    u32 count;
    u32 *property; /* in texts */
};

/* Finds the shapes of all plain objects, whose names (g->name) are replaced by the number of their
 * shape, and the class of each, as a number in `names`. The classes are those of `like`, or, when
 * it is NULL, are inferred and put into *list. Consumes g->properties. -ENOMEM, -EIO. The owner
 * calls both _done in any case. */
MUST_USE int interfaces_find(struct interfaces *in, struct graph *g, struct names *names,
                             const struct interface_list *like, struct interface_list *list);
void interfaces_done(struct interfaces *in);
void interface_list_done(struct interface_list *list);
