/* proxy/block.c -- the buffers of the data path */
#include "proxy/block.h"

/* One thread writes it. */
static void taken_add(struct block_pool *pool, u32 n)
{
    u32 taken = atomic_load_explicit(&pool->taken, memory_order_relaxed);

    atomic_store_explicit(&pool->taken, taken + n, memory_order_relaxed);
}

struct block *block_take(struct block_pool *pool)
{
    struct block *b = pool->free;

    if (b) {
        pool->free = b->next;
        pool->free_count--;
    } else {
        bool may = !pool->may_grow || pool->may_grow(pool);

        b = may ? malloc(sizeof(*b) + pool->block_bytes) : NULL;
        if (!b)
            return NULL;
        b->size = pool->block_bytes;
    }
    taken_add(pool, 1);
    b->next = NULL;
    b->at = b->end = 0;
    return b;
}

void block_give(struct block_pool *pool, struct block **bp)
{
    struct block *b = TAKE(*bp, NULL);

    if (!b)
        return;
    taken_add(pool, (u32)-1);
    if (pool->free_count >= BLOCK_KEEP_MAX) {
        free(b);
        return;
    }
    b->next = pool->free;
    pool->free = b;
    pool->free_count++;
}
