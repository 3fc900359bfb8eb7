/* heap/paths.h -- the shortest ways by which an object is held
 *
 * From the object to the roots, over what retains it, the shortest first. Distances
 * (heap/distances.h) say how far every node still is from the roots, so that a best-first search
 * walks straight there.
 */
#pragma once

#include "heap/browse.h"

enum { PATHS_STEPS_MAX = 10000, PATHS_MAX = 1000 };

/* edge[0] comes out of the root or of what the app's roots are, the last one leads to the object.
 */
struct path {
    u32 *edge;
    u32 count;
    bool cut; /* longer than PATHS_STEPS_MAX: the beginning is missing */
};

struct paths {
    struct path *list;
    u32 count;
    bool more; /* the search gave up before it had found as many as were asked for */
};

/* Up to `max` paths to `node`. An object that nothing but weak references holds has none. -ENOMEM.
 * The owner calls paths_done in any case. */
MUST_USE int paths_find(struct paths *p, const struct browse *b, const int32_t *distance, u32 node,
                        u32 max);
void paths_done(struct paths *p);
