/* proxy/block.h -- the buffers of the data path
 *
 * Blocks of one size, kept in a free list per thread. A connection holds one
 * only while bytes are in it, so an idle connection costs none.
 */
#pragma once

#include "base/str.h"

#include <stdatomic.h>

struct block {
    struct block *next;
    u32 at, end; /* the bytes not yet taken are [at, end) */
    u32 size;
    char bytes[];
};

struct block_pool {
    struct block *free;
    u32 free_count;
    u32 block_bytes;
    _Atomic u32 taken;                         /* others may look */
    bool (*may_grow)(struct block_pool *pool); /* asked before malloc is; NULL: it may */
};

enum { BLOCK_KEEP_MAX = 64 };

/* An empty block, or NULL when out of memory, or more than the pool may have. */
MUST_USE struct block *block_take(struct block_pool *pool);
/* Gives *b back and sets it to NULL; accepts NULL. */
void block_give(struct block_pool *pool, struct block **b);

static inline u32 block_len(const struct block *b)
{
    return b ? b->end - b->at : 0;
}

static inline u32 block_room(const struct block *b)
{
    return b->size - b->end;
}

static inline struct str block_str(const struct block *b)
{
    return b ? str_make(b->bytes + b->at, b->end - b->at) : (struct str){ 0 };
}

/* Appends; false (and nothing appended) when there is no room. */
static inline bool block_add(struct block *b, struct str s)
{
    if (s.len > block_room(b))
        return false;
    if (s.len)
        memcpy(b->bytes + b->end, s.ptr, s.len);
    b->end += (u32)s.len;
    return true;
}

/* Moves what is left to offset `to`, so that there is room after it. */
static inline void block_shift(struct block *b, u32 to)
{
    u32 len = b->end - b->at;

    if (b->at != to && len)
        memmove(b->bytes + to, b->bytes + b->at, len);
    b->at = to;
    b->end = to + len;
}
