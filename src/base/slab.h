/* base/slab.h -- objects of one size, packed together
 *
 * What lives long and small, between what is large and short-lived, keeps whole pages from being
 * given back. A slab takes memory a chunk at a time and keeps it: as much as the most objects there
 * ever were. One thread owns a slab.
 */
#pragma once

#include "base/base.h"

enum { SLAB_CHUNK = 64 }; /* objects taken at a time */

/* All zero but `size` is an empty slab. */
struct slab {
    size_t size; /* of an object; at least a pointer's, a multiple of its alignment */
    /* private */
    void *free;
    void *chunks;
};

/* A zeroed object; NULL when out of memory. */
MUST_USE void *slab_take(struct slab *s);
/* Accepts NULL. */
void slab_give(struct slab *s, void *object);
/* Frees all of it, objects in use included. */
void slab_done(struct slab *s);
