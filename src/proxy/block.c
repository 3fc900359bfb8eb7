/* proxy/block.c -- the buffers of the data path */
#include "proxy/block.h"

struct block *block_take(struct block_pool *pool)
{
    struct block *b = pool->free;

    if (b) {
        pool->free = b->next;
        pool->free_count--;
    } else {
        b = malloc(sizeof(*b) + pool->block_bytes);
        if (!b)
            return NULL;
        b->size = pool->block_bytes;
    }
    b->next = NULL;
    b->at = b->end = 0;
    return b;
}

void block_give(struct block_pool *pool, struct block **bp)
{
    struct block *b = TAKE(*bp, NULL);

    if (!b)
        return;
    if (pool->free_count >= BLOCK_KEEP_MAX) {
        free(b);
        return;
    }
    b->next = pool->free;
    pool->free = b;
    pool->free_count++;
}
