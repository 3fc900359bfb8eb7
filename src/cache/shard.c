/* cache/shard.c -- a part of the cache: its blocks and its index */
#include "cache/shard.h"

enum { BLOCKS_MIN = 64, WINDOW_PART = 100, WINDOW_MIN = 8 };

static u64 power_above(u64 n)
{
    u64 p = 1;

    while (p < n)
        p *= 2;
    return p;
}

/* A typical response takes three blocks or more. */
static u64 buckets_for(u64 blocks)
{
    return power_above(max(blocks / 3, (u64)16));
}

static u64 words_for(u64 blocks)
{
    return power_above(max(blocks / 4, (u64)16));
}

static u64 round_up(u64 n, u64 to)
{
    return (n + to - 1) / to * to;
}

/* Where the parts begin; the end of all. */
struct plan {
    u64 next, bucket, word, blocks, end;
};

static struct plan plan_of(u64 blocks)
{
    struct plan p;

    p.next = round_up(sizeof(struct shard), 64);
    p.bucket = p.next + round_up(blocks * sizeof(u32), 64);
    p.word = p.bucket + round_up(buckets_for(blocks) * sizeof(u32), 64);
    p.blocks = round_up(p.word + words_for(blocks) * sizeof(u64), 64);
    p.end = p.blocks + blocks * STORE_BLOCK_BYTES;
    return p;
}

u32 shard_blocks_in(u64 bytes)
{
    u64 n = min(bytes / STORE_BLOCK_BYTES, (u64)SHARD_NONE - 1);

    while (n > 0 && plan_of(n).end > bytes) {
        u64 over = plan_of(n).end - bytes;

        n -= min(n, max(over / (STORE_BLOCK_BYTES + 16), (u64)1));
    }
    return n >= BLOCKS_MIN ? (u32)n : 0;
}

void shard_init(struct shard *s, u64 bytes)
{
    u32 n = shard_blocks_in(bytes);
    struct plan p = plan_of(n);
    char *base = (char *)s;

    pthread_mutex_init(&s->lock, NULL);
    s->next = (u32 *)(base + p.next);
    s->bucket = (u32 *)(base + p.bucket);
    s->bucket_mask = (u32)buckets_for(n) - 1;
    s->blocks = base + p.blocks;
    s->blocks_n = n;
    sketch_init(&s->sketch, (u64 *)(base + p.word), words_for(n));
    memset(s->bucket, 0xff, (s->bucket_mask + 1ull) * sizeof(u32));
    for (u32 i = 0; i < n; i++)
        s->next[i] = i + 1 < n ? i + 1 : SHARD_NONE;
    s->free_n = n;
    s->window_max = max(n / WINDOW_PART, (u32)WINDOW_MIN);
    s->main_max = n - s->window_max;
    s->protected_max = s->main_max / 10 * 8;
    for (u32 i = 0; i < SHARD_LISTS; i++)
        s->list[i].first = s->list[i].last = SHARD_NONE;
}

u32 shard_take(struct shard *s, u32 n)
{
    u32 first = s->free, last = first;

    if (n == 0 || n > s->free_n)
        return SHARD_NONE;
    for (u32 i = 1; i < n; i++)
        last = s->next[last];
    s->free = s->next[last];
    s->free_n -= n;
    s->next[last] = SHARD_NONE;
    return first;
}

void shard_give(struct shard *s, u32 first)
{
    u32 last = first, n = 1;

    if (first == SHARD_NONE)
        return;
    for (; s->next[last] != SHARD_NONE; n++)
        last = s->next[last];
    s->next[last] = s->free;
    s->free = first;
    s->free_n += n;
}

void shard_list_add(struct shard *s, enum shard_list list, struct stored *e)
{
    struct shard_ends *ends = &s->list[list];
    u32 at = shard_block_of(s, e);

    e->list = list;
    e->prev = SHARD_NONE;
    e->next = ends->first;
    if (ends->first != SHARD_NONE)
        shard_at(s, ends->first)->prev = at;
    else
        ends->last = at;
    ends->first = at;
    ends->blocks += e->blocks;
}

void shard_list_del(struct shard *s, struct stored *e)
{
    struct shard_ends *ends = &s->list[e->list];

    if (e->prev != SHARD_NONE)
        shard_at(s, e->prev)->next = e->next;
    else
        ends->first = e->next;
    if (e->next != SHARD_NONE)
        shard_at(s, e->next)->prev = e->prev;
    else
        ends->last = e->prev;
    ends->blocks -= e->blocks;
}

void shard_publish(struct shard *s, struct stored *e)
{
    u32 *bucket = &s->bucket[e->key.a & s->bucket_mask];

    e->bucket_next = *bucket;
    *bucket = shard_block_of(s, e);
    s->entries++;
}

void shard_remove(struct shard *s, struct stored *e)
{
    u32 at = shard_block_of(s, e), *link = &s->bucket[e->key.a & s->bucket_mask];

    while (*link != at)
        link = &shard_at(s, *link)->bucket_next;
    *link = e->bucket_next;
    shard_list_del(s, e);
    s->entries--;
    if (atomic_fetch_sub(&e->refs, 1) == 1)
        shard_give(s, at);
}
