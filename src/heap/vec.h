/* heap/vec.h -- a list of node or edge numbers that grows
 *
 * A work list of a graph algorithm: all zero is an empty one; the owner calls vec_done.
 */
#pragma once

#include "base/base.h"

struct vec {
    u32 *at;
    size_t len, cap;
};

static inline void vec_done(struct vec *v)
{
    free(v->at);
    *v = (struct vec){ 0 };
}

/* False: out of memory. */
MUST_USE static inline bool vec_push(struct vec *v, u32 x)
{
    if (__builtin_expect(v->len == v->cap, 0)) {
        size_t cap = v->cap ? v->cap * 2 : 1024;
        u32 *at = realloc(v->at, cap * sizeof(u32));

        if (!at)
            return false;
        v->at = at;
        v->cap = cap;
    }
    v->at[v->len++] = x;
    return true;
}

static inline u32 vec_pop(struct vec *v)
{
    return v->at[--v->len];
}
