/* shared/kvshard.h -- one part of a store (shared/kvstore.h): its table and its rings
 *
 * The order of stores is what makes it survive: an entry is whole before the ring's head passes
 * it, and there before a slot leads to it; what a set replaces or a delete takes is marked dead
 * before its slot changes; a slot changes before the version does, and the version before bytes
 * are used again. All but the reading of slots, bits and versions is done under the lock.
 */
#pragma once

#include "base/str.h"
#include "shared/frequency.h"
#include "shared/kvstore.h"
#include "shared/ringlog.h"

#include <pthread.h>
#include <stdatomic.h>

enum { KVBUCKET_SLOTS = 7, KVBUCKET_PROBES = 16, KVSHARD_RINGS = 2 };
enum kvshard_ring { KVSHARD_WINDOW, KVSHARD_MAIN };

/* A cache line. A slot: 16 bits of the hash, 16 that change whenever it is written, 32 that say
 * where the entry is, in eights of bytes from the shard's first; 0: it is empty. */
struct kvbucket {
    _Atomic u8 asked; /* bit i: slot i was asked for since the tail came by */
    _Atomic u8 away;  /* so many of its keys are in the next buckets; 255: who knows */
    _Atomic u8 far;   /* ... in the first so many of those */
    u8 spare[5];
    _Atomic u64 slot[KVBUCKET_SLOTS];
};

struct kvclaim {
    u64 hash;
    struct owner owner; /* pid 0: it is free */
};

/* At its first byte, in shared memory. */
struct kvshard_head {
    pthread_mutex_t lock;
    u64 entries;
    u64 window_entries_max;
    u64 seq;
    u32 stamp; /* the next slot's 16 bits */
    u32 counted;
    u64 sets, evicted, rejected, removed, too_large, repaired;
    struct ringlog ring[KVSHARD_RINGS];
    struct kvclaim claim[KVSTORE_CLAIMS];
};

/* This process's view of it. */
struct kvshard {
    struct kvshard_head *head;
    struct kvbucket *bucket;
    _Atomic u32 *version; /* of each bucket */
    struct frequency frequency;
    _Atomic u64 *total; /* entries of all shards */
    const struct kvshard *all;
    u32 all_n;
    u64 entries_max; /* of all shards; 0: there is no such limit */
    u32 mask;        /* buckets - 1 */
    u64 at;          /* in the memory of the store */
    kvstore_reserve_fn *reserve;
    void *context;
};

/* A slot that was found. */
struct kvplace {
    struct kvbucket *bucket;
    u32 home, slot;
    bool is_away; /* not in its home */
};

/* -EBUSY: a process holds it and stands still; -EIO: it cannot be had any more. */
MUST_USE int kvshard_lock(struct kvshard *s);
void kvshard_unlock(struct kvshard *s);

static inline struct ringlog_entry *kvshard_entry(const struct kvshard *s, u64 slot)
{
    return (struct ringlog_entry *)((char *)s->head + (slot & UINT32_MAX) * 8);
}

static inline struct ringlog_entry *kvshard_at(const struct kvshard *s, const struct ringlog *r,
                                               u64 at)
{
    return (struct ringlog_entry *)((char *)s->head + r->at + at);
}

static inline u32 kvshard_home(const struct kvshard *s, u64 hash)
{
    return (u32)hash & s->mask;
}

static inline const char *kvshard_key(const struct ringlog_entry *e)
{
    return (const char *)(e + 1);
}

/* The key takes whole words, so the value begins at one. */
static inline u64 kvshard_key_room(u64 key_len)
{
    return (key_len + 7) & ~7ull;
}

static inline u64 kvshard_need(u64 key_len, u64 value_len)
{
    return sizeof(struct ringlog_entry) + kvshard_key_room(key_len) + ((value_len + 7) & ~7ull);
}

/* In how many buckets from its home on a key may be. */
static inline u32 kvbucket_probes(const struct kvbucket *home)
{
    return atomic_load_explicit(&home->away, memory_order_acquire)
               ? 1u + atomic_load_explicit(&home->far, memory_order_relaxed)
               : 1;
}

/* Under the lock. */
bool kvshard_find(const struct kvshard *s, u64 hash, struct str key, struct kvplace *out);
/* The slot that leads to this very entry. */
bool kvshard_find_entry(const struct kvshard *s, const struct ringlog_entry *e,
                        struct kvplace *out);
/* The slot leads to another entry from now on; its value is another one, or it has only moved. */
void kvshard_lead(struct kvshard *s, const struct kvplace *p, const struct ringlog_entry *to,
                  bool is_other);
/* A slot for an entry whose key has none. */
void kvshard_add(struct kvshard *s, const struct ringlog_entry *e);
/* The entry is gone: its slot, and its part in all counts. */
void kvshard_drop(struct kvshard *s, const struct kvplace *p);
/* Marks it dead and takes it out of the counts; slots are the caller's. */
void kvshard_kill(struct kvshard *s, struct ringlog_entry *e);
struct ringlog *kvshard_ring_of(const struct kvshard *s, const struct ringlog_entry *e);

/* As ringlog_place, but its limit grows first where what lives needs it. */
u64 kvshard_place(struct kvshard *s, struct ringlog *r, u64 need, bool spared);
/* Counts what was put there. */
struct ringlog_entry *kvshard_put(struct kvshard *s, struct ringlog *r, u64 at, u64 bytes);
void kvshard_clear(struct kvshard *s);

static inline bool kvshard_asked(const struct kvplace *p)
{
    return atomic_load_explicit(&p->bucket->asked, memory_order_relaxed) >> p->slot & 1;
}

static inline void kvshard_ask(struct kvbucket *b, u32 slot)
{
    if (!(atomic_load_explicit(&b->asked, memory_order_relaxed) >> slot & 1))
        atomic_fetch_or_explicit(&b->asked, (u8)(1u << slot), memory_order_relaxed);
}

static inline void kvshard_unask(const struct kvplace *p)
{
    atomic_fetch_and_explicit(&p->bucket->asked, (u8) ~(1u << p->slot), memory_order_relaxed);
}
