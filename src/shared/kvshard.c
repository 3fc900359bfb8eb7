/* shared/kvshard.c -- one part of a store: its lock, its table, its rings, and their repair */
#include "shared/kvshard.h"

#include "shared/word.h"

#include <time.h>

enum { LOCK_LIMIT_S = 1, AWAY_MAX = 255 };
#define LIMIT_FIRST (256 * 1024ull)

static void repair(struct kvshard *s);

int kvshard_lock(struct kvshard *s)
{
    struct timespec until;
    int r = pthread_mutex_trylock(&s->head->lock);

    if (r == EBUSY) {
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec += LOCK_LIMIT_S;
        r = pthread_mutex_timedlock(&s->head->lock, &until);
    }
    if (r == EOWNERDEAD) {
        repair(s); /* whoever dies in here leaves it as it was: to be repaired */
        s->head->repaired++;
        r = pthread_mutex_consistent(&s->head->lock);
    }
    return r == 0 ? 0 : r == ETIMEDOUT ? -EBUSY : -EIO;
}

void kvshard_unlock(struct kvshard *s)
{
    pthread_mutex_unlock(&s->head->lock);
}

/* ---- slots ---- */

static u64 slot_of(struct kvshard *s, const struct ringlog_entry *e)
{
    u64 at = (u64)((const char *)e - (const char *)s->head) / 8;

    return e->hash >> 48 << 48 | (u64)(u16)++s->head->stamp << 32 | at;
}

static void version_change(struct kvshard *s, u32 home)
{
    u32 v = atomic_load_explicit(&s->version[home], memory_order_relaxed);

    atomic_store_explicit(&s->version[home], v + 1, memory_order_release);
}

static struct kvbucket *probe(const struct kvshard *s, u32 home, u32 i)
{
    return &s->bucket[(home + i) & s->mask];
}

bool kvshard_find(const struct kvshard *s, u64 hash, struct str key, struct kvplace *out)
{
    u32 home = kvshard_home(s, hash), n = kvbucket_probes(&s->bucket[home]);

    for (u32 i = 0; i < n; i++) {
        struct kvbucket *b = probe(s, home, i);

        for (u32 k = 0; k < KVBUCKET_SLOTS; k++) {
            u64 slot = atomic_load_explicit(&b->slot[k], memory_order_relaxed);
            const struct ringlog_entry *e = kvshard_entry(s, slot);

            if (!slot || slot >> 48 != hash >> 48 || e->hash != hash || e->key_len != key.len ||
                memcmp(kvshard_key(e), key.ptr, key.len) != 0)
                continue;
            *out = (struct kvplace){ b, home, k, i > 0 };
            return true;
        }
    }
    return false;
}

bool kvshard_find_entry(const struct kvshard *s, const struct ringlog_entry *e, struct kvplace *out)
{
    struct str key = { kvshard_key(e), e->key_len };

    return !e->dead && kvshard_find(s, e->hash, key, out) &&
           kvshard_entry(s, out->bucket->slot[out->slot]) == e;
}

void kvshard_lead(struct kvshard *s, const struct kvplace *p, const struct ringlog_entry *to,
                  bool is_other)
{
    atomic_store_explicit(&p->bucket->slot[p->slot], slot_of(s, to), memory_order_release);
    if (is_other)
        version_change(s, p->home);
}

/* An empty slot at home or near it; else one of the home's is emptied. */
static struct kvplace slot_make(struct kvshard *s, u32 home, u32 *distance)
{
    u32 n = min((u32)KVBUCKET_PROBES, s->mask + 1);
    struct kvplace p = { probe(s, home, 0), home, 0, false };

    for (u32 i = 0; i < n; i++)
        for (u32 k = 0; k < KVBUCKET_SLOTS; k++)
            if (!probe(s, home, *distance = i)->slot[k])
                return (struct kvplace){ probe(s, home, i), home, k, i > 0 };
    *distance = 0;
    while (p.slot + 1 < KVBUCKET_SLOTS && kvshard_asked(&p))
        p.slot++;
    /* Whose it is says its hash; it may be away from home here. */
    {
        u32 own = kvshard_home(s, kvshard_entry(s, p.bucket->slot[p.slot])->hash);
        struct kvplace was = { p.bucket, own, p.slot, own != home };

        s->head->evicted++;
        kvshard_drop(s, &was);
    }
    return p;
}

void kvshard_add(struct kvshard *s, const struct ringlog_entry *e)
{
    u32 distance;
    struct kvplace p = slot_make(s, kvshard_home(s, e->hash), &distance);
    struct kvbucket *home = &s->bucket[p.home];

    if (p.is_away) {
        home->far = max(home->away ? (u32)home->far : 0, distance);
        home->away += home->away < AWAY_MAX;
    }
    kvshard_unask(&p);
    kvshard_lead(s, &p, e, true);
}

struct ringlog *kvshard_ring_of(const struct kvshard *s, const struct ringlog_entry *e)
{
    u64 at = (u64)((const char *)e - (const char *)s->head);
    struct ringlog *main_ring = &s->head->ring[KVSHARD_MAIN];

    return at >= main_ring->at ? main_ring : &s->head->ring[KVSHARD_WINDOW];
}

void kvshard_kill(struct kvshard *s, struct ringlog_entry *e)
{
    struct ringlog *r = kvshard_ring_of(s, e);

    e->dead = 1;
    r->live_bytes -= e->bytes;
    r->entries--;
    s->head->entries--;
    atomic_fetch_sub_explicit(s->total, 1, memory_order_relaxed);
}

void kvshard_drop(struct kvshard *s, const struct kvplace *p)
{
    struct kvbucket *home = &s->bucket[p->home];

    kvshard_kill(s, kvshard_entry(s, p->bucket->slot[p->slot]));
    atomic_store_explicit(&p->bucket->slot[p->slot], 0, memory_order_release);
    if (p->is_away && home->away && home->away < AWAY_MAX)
        home->away--;
    version_change(s, p->home);
}

/* ---- rings ---- */

static void limit_set(struct ringlog *r, u64 limit)
{
    r->limit = limit;
    r->reserve = limit / 32 & ~7ull;
}

/* What lies at the beginning of a wrapped ring goes behind what lies at its end, so that it can
 * grow. There is room for it. */
static void unwrap(struct kvshard *s, struct ringlog *r)
{
    u64 to = r->wrap, end = r->head;

    for (u64 at = 0; at < end;) {
        struct ringlog_entry *from = kvshard_at(s, r, at), *copy = kvshard_at(s, r, to);
        u32 bytes = from->bytes;
        struct kvplace p;

        if (kvshard_find_entry(s, from, &p)) {
            words_write(copy, from, bytes);
            kvshard_lead(s, &p, copy, false);
            to += bytes;
        }
        at += bytes;
    }
    r->head = to;
}

static bool grow(struct kvshard *s, struct ringlog *r, u64 need)
{
    u64 limit = r->limit, least = limit + need + (ringlog_is_wrapped(r) ? r->head : 0);
    u64 more = min(r->bytes, max(limit * 2, least + least / 16));

    if (more < least || (r->live_bytes + need) * 2 < limit)
        return false;
    if (s->reserve && s->reserve(s->context, s->at + r->at + limit, more - limit) != 0)
        return false;
    if (ringlog_is_wrapped(r))
        unwrap(s, r);
    limit_set(r, more);
    return true;
}

u64 kvshard_place(struct kvshard *s, struct ringlog *r, u64 need, bool spared)
{
    u64 at = ringlog_place(r, need, spared);

    if (at == UINT64_MAX && r->limit < r->bytes && grow(s, r, need))
        at = ringlog_place(r, need, spared);
    return at;
}

struct ringlog_entry *kvshard_put(struct kvshard *s, struct ringlog *r, u64 at, u64 bytes)
{
    ringlog_put(r, at, bytes);
    r->live_bytes += bytes;
    r->entries++;
    s->head->entries++;
    atomic_fetch_add_explicit(s->total, 1, memory_order_relaxed);
    return kvshard_at(s, r, at);
}

static void table_empty(struct kvshard *s)
{
    for (u32 b = 0; b <= s->mask; b++) {
        struct kvbucket *bucket = &s->bucket[b];

        atomic_store_explicit(&bucket->asked, 0, memory_order_relaxed);
        atomic_store_explicit(&bucket->away, 0, memory_order_relaxed);
        atomic_store_explicit(&bucket->far, 0, memory_order_relaxed);
        for (u32 k = 0; k < KVBUCKET_SLOTS; k++)
            atomic_store_explicit(&bucket->slot[k], 0, memory_order_release);
    }
    for (u32 b = 0; b <= s->mask; b++)
        version_change(s, b);
    for (u32 i = 0; i < KVSHARD_RINGS; i++)
        s->head->ring[i].live_bytes = s->head->ring[i].entries = 0;
    atomic_fetch_sub_explicit(s->total, s->head->entries, memory_order_relaxed);
    s->head->entries = 0;
}

void kvshard_clear(struct kvshard *s)
{
    table_empty(s);
    for (u32 i = 0; i < KVSHARD_RINGS; i++)
        ringlog_clear(&s->head->ring[i]);
}

/* ---- repair ---- */

static bool is_sane(const struct ringlog *r, u64 at, const struct ringlog_entry *e)
{
    u64 end = ringlog_end_of(r, at);

    return end >= at + sizeof(*e) && !(e->bytes & 7) && e->bytes <= end - at &&
           e->key_len <= KVSTORE_KEY_MAX && e->bytes == kvshard_need(e->key_len, e->value_len);
}

/* Of two with one key the newer one is true. */
static void take_over(struct kvshard *s, struct ringlog_entry *e)
{
    struct kvplace p;
    struct str key = { kvshard_key(e), e->key_len };

    if (!kvshard_find(s, e->hash, key, &p)) {
        kvshard_add(s, e);
    } else {
        struct ringlog_entry *other = kvshard_entry(s, p.bucket->slot[p.slot]);

        if (other->seq > e->seq) {
            kvshard_kill(s, e);
        } else {
            kvshard_kill(s, other);
            kvshard_lead(s, &p, e, true);
        }
    }
}

static bool ring_read(struct kvshard *s, struct ringlog *r)
{
    if (!ringlog_is_sound(r))
        return false;
    for (u64 at = ringlog_oldest(r); at != UINT64_MAX;) {
        struct ringlog_entry *e = kvshard_at(s, r, at);

        if (!is_sane(r, at, e))
            return false;
        if (!e->dead) {
            r->live_bytes += e->bytes;
            r->entries++;
            s->head->entries++;
            atomic_fetch_add_explicit(s->total, 1, memory_order_relaxed);
            s->head->seq = max(s->head->seq, e->seq);
            take_over(s, e);
        }
        at = ringlog_after(r, at, e->bytes);
    }
    return true;
}

/* Whoever died may have counted half of what he did. Others count meanwhile: it may be off by what
 * they do just now. */
static void total_make(struct kvshard *s)
{
    u64 sum = 0;

    for (u32 i = 0; i < s->all_n; i++)
        sum += __atomic_load_n(&s->all[i].head->entries, __ATOMIC_RELAXED);
    atomic_store_explicit(s->total, sum, memory_order_relaxed);
}

/* The table is made anew from the rings; what makes no sense is all thrown away. */
static void repair(struct kvshard *s)
{
    table_empty(s);
    for (u32 i = 0; i < KVSHARD_RINGS; i++)
        if (!ring_read(s, &s->head->ring[i])) {
            kvshard_clear(s);
            break;
        }
    total_make(s);
}
