/* cache/shard.h -- a part of the cache: its blocks, its index, and who stays
 *
 * Inside of store.c and tinylfu.c; the rest of fettle sees store.h. All of a shard lies in one
 * piece of memory of a fixed size: this struct, the links of the blocks, the index, the sketch, the
 * blocks. A stored response is a chain of blocks whose first one begins with `struct stored`.
 * Everything here wants the shard's lock.
 */
#pragma once

#include "cache/sketch.h"
#include "cache/store.h"

#include <pthread.h>

#define SHARD_NONE UINT32_MAX
enum { SHARD_EPOCHS = 64 };

/* Where a stored response stands (W-TinyLFU: Einziger, Eytan, Friedman, Manes, "Adaptive software
 * cache management", 2018): what is new; what has got past the sketch; what was asked for again. */
enum shard_list { SHARD_WINDOW, SHARD_PROBATION, SHARD_PROTECTED, SHARD_LISTS };

struct shard_ends {
    u32 first, last; /* the one used last; the one to go next */
    u32 blocks;
};

struct shard {
    _Alignas(64) pthread_mutex_t lock;
    char *blocks;
    u32 *next; /* by block: the next of its chain, or of the free ones */
    u32 *bucket;
    u32 bucket_mask;
    u32 blocks_n, free, free_n;
    u32 window_max, protected_max, main_max; /* blocks */
    struct shard_ends list[SHARD_LISTS];
    struct sketch sketch;
    u32 entries;
    /* Counted up when something of these keys is removed because it is no longer true: what was
     * asked for before is not stored then. */
    u32 epoch[SHARD_EPOCHS];
    struct store_counts counts;
};

/* How many blocks there are room for in `bytes`. 0: too few to be of use. */
u32 shard_blocks_in(u64 bytes);
/* In memory that is all zero. */
void shard_init(struct shard *s, u64 bytes);

static inline struct stored *shard_at(const struct shard *s, u32 block)
{
    return (struct stored *)(s->blocks + (u64)block * STORE_BLOCK_BYTES);
}
static inline u32 shard_block_of(const struct shard *s, const struct stored *e)
{
    return (u32)(((const char *)e - s->blocks) / STORE_BLOCK_BYTES);
}

/* A chain of n blocks, its last one's next is SHARD_NONE; SHARD_NONE: there are not as many. */
u32 shard_take(struct shard *s, u32 n);
/* Gives a whole chain back. */
void shard_give(struct shard *s, u32 first);

void shard_list_add(struct shard *s, enum shard_list list, struct stored *e);
void shard_list_del(struct shard *s, struct stored *e);
/* Into the index, as the newest of its key. */
void shard_publish(struct shard *s, struct stored *e);
/* Out of index and list; its blocks are free once nobody sends it. */
void shard_remove(struct shard *s, struct stored *e);

/* tinylfu.c */
/* It was found: it stays longer. */
void tinylfu_touch(struct shard *s, struct stored *e);
/* It is published: puts it into a list, and others out if there are too many. */
void tinylfu_add(struct shard *s, struct stored *e);
/* Makes so many blocks free for a key. False: what would have to go is asked for more often. */
MUST_USE bool tinylfu_room(struct shard *s, u32 blocks, u64 hash);
