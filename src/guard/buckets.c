/* guard/buckets.c -- what is remembered of each client, in a table that never grows */
#include "guard/buckets.h"

#include "base/base.h"

#include <sched.h>
#include <sys/mman.h>

enum { WAYS = 7, SPINS = 128, LINE = 64 };

/* A set in memory: the lock in 8 bytes, then WAYS times a key and its words; whole cache lines. */
struct buckets {
    u32 words;
    u32 set_bytes;
    u64 sets; /* a power of two */
    u64 bytes;
    char *memory;
    buckets_debt_fn *debt;
    _Atomic u64 used, forgotten;
};

int buckets_new(struct buckets **out, u64 bytes_max, u32 words, buckets_debt_fn *debt)
{
    struct buckets *b = calloc(1, sizeof(*b));

    if (!b)
        return -ENOMEM;
    b->words = words;
    b->debt = debt;
    b->set_bytes = (8 + WAYS * 8 * (1 + words) + LINE - 1) / LINE * LINE;
    b->sets = bytes_max / b->set_bytes;
    if (b->sets == 0) {
        free(b);
        return -EINVAL;
    }
    b->sets = 1ull << (63 - __builtin_clzll(b->sets));
    b->bytes = b->sets * b->set_bytes;
    b->memory = mmap(NULL, b->bytes, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (b->memory == MAP_FAILED) {
        free(b);
        return -ENOMEM;
    }
    *out = b;
    return 0;
}

void buckets_free(struct buckets *b)
{
    if (!b)
        return;
    munmap(b->memory, b->bytes);
    free(b);
}

static void lock_take(_Atomic u32 *lock)
{
    for (u32 i = 1;; i++) {
        u32 is_free = 0;

        if (atomic_compare_exchange_weak_explicit(lock, &is_free, 1, memory_order_acquire,
                                                  memory_order_relaxed))
            return;
        if (i % SPINS == 0)
            sched_yield(); /* its holder has lost the CPU */
    }
}

/* With the set locked: the place that is given to a new key. */
static u64 *place_give(struct buckets *b, u64 *first, u64 now_ns)
{
    u64 *best = NULL, best_debt = UINT64_MAX;

    for (u32 i = 0; i < WAYS; i++) {
        u64 *place = first + i * (1 + b->words);
        u64 debt = place[0] ? b->debt(place + 1, now_ns) : 0;

        if (!best || debt < best_debt || (debt == 0 && best_debt == 0 && place[0] == 0)) {
            best = place;
            best_debt = debt;
        }
    }
    if (best[0] == 0)
        atomic_fetch_add_explicit(&b->used, 1, memory_order_relaxed);
    else if (best_debt)
        atomic_fetch_add_explicit(&b->forgotten, 1, memory_order_relaxed);
    return best;
}

struct buckets_hold buckets_hold(struct buckets *b, u64 key, u64 now_ns)
{
    char *set = b->memory + (key & (b->sets - 1)) * b->set_bytes;
    _Atomic u32 *lock = (_Atomic u32 *)(void *)set;
    u64 *first = (u64 *)(void *)(set + 8), *place;

    key += key == 0;
    lock_take(lock);
    for (u32 i = 0; i < WAYS; i++) {
        place = first + i * (1 + b->words);
        if (place[0] == key)
            return (struct buckets_hold){ place + 1, lock };
    }
    place = place_give(b, first, now_ns);
    place[0] = key;
    memset(place + 1, 0, b->words * sizeof(u64));
    return (struct buckets_hold){ place + 1, lock };
}

void buckets_release(struct buckets_hold h)
{
    atomic_store_explicit(h.lock, 0, memory_order_release);
}

struct buckets_sum buckets_sum(const struct buckets *b)
{
    return (struct buckets_sum){
        .places = b->sets * WAYS,
        .used = atomic_load_explicit(&b->used, memory_order_relaxed),
        .forgotten = atomic_load_explicit(&b->forgotten, memory_order_relaxed),
    };
}
