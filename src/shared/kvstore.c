/* shared/kvstore.c -- keys and values in memory that processes share */
#include "shared/kvstore.h"

#include "base/hash.h"
#include "shared/kvpolicy.h"
#include "shared/word.h"

#define MAGIC 0x31766b656c747465ull
#define PAGE 4096ull
#define SHARD_BYTES (32ull << 20)
#define SHARD_BYTES_MAX (31ull << 30)

enum {
    VERSION = 1,
    SHARDS_USUAL = 16,
    ENTRY_BYTES_EXPECTED = 160, /* where no number of entries is said */
    SHARD_ENTRIES_LEAST = 4096,
    BUCKET_LOAD = 4, /* of KVBUCKET_SLOTS */
    WINDOW_EIGHTHS = 1,
    WINDOW_ENTRIES_SHARE = 10,
    READ_TRIES = 1000,
    COUNTED_OF_ENTRY = 10, /* so many requests an entry, then counts are halved */
    COUNTED_MIN = 4096,
    COUNT_EVERY = 64,
    COUNTER_LINES = 32
};
#define LIMIT_FIRST (128 * 1024ull)

/* A cache line for each thread that counts, until there are more than lines. */
struct counters {
    _Atomic u64 hits, misses;
    u64 spare[6];
};

/* At the memory's first byte. */
struct kvhead {
    u64 magic;
    u32 version, lock_bytes; /* a libc's locks are no other's */
    struct kvstore_shape shape;
    struct hash_key hash_key;
    u64 spare[5];
    _Atomic u64 total; /* entries; a crash may leave it off by one */
    u64 spare2[7];
    struct counters counters[COUNTER_LINES];
};
static_assert(sizeof(struct kvhead) <= PAGE, "the version words follow at the second page");

struct kvstore {
    struct kvhead *head;
    struct kvshard shard[KVSTORE_SHARDS_MAX];
};

static u64 round_up(u64 n, u64 to)
{
    return (n + to - 1) / to * to;
}

/* ---- the whole ---- */

static u32 shards_for(u64 bytes, u64 entries_max)
{
    u32 n = 1;

    while (n < SHARDS_USUAL && bytes / n / 2 >= SHARD_BYTES &&
           (!entries_max || entries_max / n / 2 >= SHARD_ENTRIES_LEAST))
        n *= 2;
    while (bytes / n > SHARD_BYTES_MAX)
        n *= 2;
    return n;
}

static u64 versions_bytes(const struct kvstore_shape *s)
{
    return round_up((u64)s->shards * s->buckets * sizeof(u32), PAGE);
}

int kvstore_shape(struct kvstore_shape *out, u64 bytes, u64 entries_max)
{
    u64 entries, expected;
    struct kvstore_shape s = { .bytes = bytes / PAGE * PAGE, .entries_max = entries_max };

    if (bytes < KVSTORE_BYTES_MIN || bytes > KVSTORE_BYTES_MAX || entries_max > KVSTORE_ENTRIES_MAX)
        return -EINVAL;
    expected = bytes / ENTRY_BYTES_EXPECTED;
    entries = entries_max ? min(entries_max, bytes / (sizeof(struct ringlog_entry) + 8)) : expected;
    s.shards = shards_for(bytes, entries_max);
    entries = max(entries / s.shards, (u64)BUCKET_LOAD);
    for (s.buckets = 4; (u64)s.buckets * BUCKET_LOAD < entries; s.buckets *= 2)
        ;
    s.frequency_blocks = frequency_blocks(entries);
    s.rings_at = round_up(sizeof(struct kvshard_head), FREQUENCY_BLOCK_BYTES) +
                 (u64)s.frequency_blocks * FREQUENCY_BLOCK_BYTES +
                 (u64)s.buckets * sizeof(struct kvbucket);
    if (s.bytes < PAGE + versions_bytes(&s))
        return -EINVAL;
    s.shard_bytes = (s.bytes - PAGE - versions_bytes(&s)) / s.shards / PAGE * PAGE;
    if (s.shard_bytes < s.rings_at || s.shard_bytes - s.rings_at < s.shard_bytes / 3)
        return -EINVAL;
    *out = s;
    return 0;
}

static u64 shard_at(const struct kvstore_shape *shape, u32 i)
{
    return PAGE + versions_bytes(shape) + i * shape->shard_bytes;
}

/* This process's view of a shard. */
static struct kvshard view(void *memory, const struct kvstore_shape *shape, u32 i)
{
    u64 at = shard_at(shape, i), head = round_up(sizeof(struct kvshard_head), 64);
    char *first = (char *)memory + at;

    return (struct kvshard){
        .head = (struct kvshard_head *)first,
        .frequency = { (u64 *)(first + head), shape->frequency_blocks - 1 },
        .bucket = (struct kvbucket *)(first + head +
                                      (u64)shape->frequency_blocks * FREQUENCY_BLOCK_BYTES),
        .version = (_Atomic u32 *)((char *)memory + PAGE) + (size_t)i * shape->buckets,
        .total = &((struct kvhead *)memory)->total,
        .entries_max = shape->entries_max,
        .mask = shape->buckets - 1,
        .at = at,
    };
}

int kvstore_reserve(const struct kvstore_shape *shape, kvstore_reserve_fn *reserve, void *context)
{
    u64 rings = shape->shard_bytes - shape->rings_at, first = rings / 8 * WINDOW_EIGHTHS;
    int r = reserve(context, 0, shard_at(shape, 0));

    for (u32 i = 0; r == 0 && i < shape->shards; i++) {
        u64 at = shard_at(shape, i);

        r = reserve(context, at, shape->rings_at + min(LIMIT_FIRST, first));
        if (r == 0)
            r = reserve(context, at + shape->rings_at + first, min(LIMIT_FIRST, rings - first));
    }
    return r;
}

static int shard_make(void *memory, const struct kvstore_shape *shape, u32 i)
{
    struct kvshard s = view(memory, shape, i);
    u64 rings = shape->shard_bytes - shape->rings_at, first = rings / 8 * WINDOW_EIGHTHS & ~7ull;
    pthread_mutexattr_t attr;
    int r;

    s.head->window_entries_max = UINT64_MAX;
    if (shape->entries_max)
        s.head->window_entries_max =
            max(shape->entries_max / shape->shards / WINDOW_ENTRIES_SHARE, (u64)1);
    s.head->ring[KVSHARD_WINDOW] = (struct ringlog){ .at = shape->rings_at, .bytes = first };
    s.head->ring[KVSHARD_MAIN] =
        (struct ringlog){ .at = shape->rings_at + first, .bytes = (rings - first) & ~7ull };
    for (u32 k = 0; k < KVSHARD_RINGS; k++) {
        struct ringlog *ring = &s.head->ring[k];

        ring->limit = min(LIMIT_FIRST, ring->bytes);
        ring->reserve = ring->limit / 32 & ~7ull;
    }
    pthread_mutexattr_init(&attr);
    pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
    r = pthread_mutex_init(&s.head->lock, &attr);
    pthread_mutexattr_destroy(&attr);
    return -r;
}

int kvstore_make(void *memory, const struct kvstore_shape *shape)
{
    struct kvhead *head = memory;

    for (u32 i = 0; i < shape->shards; i++) {
        int r = shard_make(memory, shape, i);

        if (r < 0)
            return r;
    }
    head->version = VERSION;
    head->lock_bytes = sizeof(pthread_mutex_t);
    head->shape = *shape;
    hash_key_random(&head->hash_key);
    atomic_thread_fence(memory_order_release);
    head->magic = MAGIC;
    return 0;
}

int kvstore_open(struct kvstore **out, void *memory, const struct kvstore_shape *shape,
                 kvstore_reserve_fn *reserve, void *context)
{
    struct kvhead *head = memory;
    struct kvstore *s;

    if (head->magic != MAGIC || head->version != VERSION ||
        head->lock_bytes != sizeof(pthread_mutex_t) ||
        memcmp(&head->shape, shape, sizeof(*shape)) != 0)
        return -EPROTO;
    s = calloc(1, sizeof(*s));
    if (!s)
        return -ENOMEM;
    s->head = head;
    for (u32 i = 0; i < shape->shards; i++) {
        s->shard[i] = view(memory, shape, i);
        s->shard[i].reserve = reserve;
        s->shard[i].context = context;
        s->shard[i].all = s->shard;
        s->shard[i].all_n = shape->shards;
    }
    *out = s;
    return 0;
}

void kvstore_close(struct kvstore *s)
{
    free(s);
}

u64 kvstore_versions_at(const struct kvstore *s, u64 *bytes)
{
    *bytes = versions_bytes(&s->head->shape);
    return PAGE;
}

u64 kvstore_hash(const struct kvstore *s, struct str key)
{
    return hash_str(&s->head->hash_key, key);
}

static u32 shard_number(const struct kvstore *s, u64 hash)
{
    return (u32)(hash >> 34) & (s->head->shape.shards - 1);
}

static struct kvshard *shard_of(struct kvstore *s, u64 hash)
{
    return &s->shard[shard_number(s, hash)];
}

static void place_tell(struct kvstore *s, const struct kvshard *h, u64 hash,
                       struct kvstore_place *out)
{
    u32 home = kvshard_home(h, hash);

    out->version_word = shard_number(s, hash) * s->head->shape.buckets + home;
    out->version = atomic_load_explicit(&h->version[home], memory_order_acquire);
}

/* ---- reading, without a lock ---- */

/* Requests are counted in lots, by whoever comes every COUNT_EVERYth time. */
static void count(struct kvshard *h, u64 hash)
{
    static __thread u32 since;

    frequency_count(&h->frequency, hash);
    if (++since % COUNT_EVERY == 0)
        __atomic_fetch_add(&h->head->counted, COUNT_EVERY, __ATOMIC_RELAXED);
}

/* What was found in a slot, as it was when the slot was read; it may be anything. */
enum look { LOOK_OTHER, LOOK_HIT, LOOK_TORN };

static enum look look(const struct kvstore *s, const struct kvshard *h, u64 slot, u64 hash,
                      struct str key, struct kvstore_got *got)
{
    const struct ringlog_entry *e = kvshard_entry(h, slot);
    u64 at = (slot & UINT32_MAX) * 8, most = s->head->shape.shard_bytes;
    struct ringlog_entry head;
    char text[256];
    const char *k = kvshard_key(e);

    if (at < s->head->shape.rings_at || at + sizeof(head) > most)
        return LOOK_TORN;
    words_read(&head, e, sizeof(head));
    if (head.hash != hash || head.key_len != key.len)
        return LOOK_OTHER;
    if (at + kvshard_need(head.key_len, head.value_len) > most)
        return LOOK_TORN;
    for (size_t i = 0; i < key.len; i += sizeof(text)) {
        size_t n = min(sizeof(text), key.len - i);

        words_read(text, k + i, n);
        if (memcmp(text, key.ptr + i, n) != 0)
            return LOOK_OTHER;
    }
    got->kind = head.kind;
    got->len = head.value_len;
    got->expires_ns = head.expires_ns;
    if (got->len <= got->room)
        words_read(got->buf, k + kvshard_key_room(head.key_len), got->len);
    return LOOK_HIT;
}

/* One pass over the key's slots. TORN: somebody has changed them meanwhile. */
static enum look pass(struct kvstore *s, struct kvshard *h, u64 hash, struct str key,
                      struct kvstore_got *got, struct kvbucket **bucket, u32 *at)
{
    u32 home = kvshard_home(h, hash);
    u32 probes = kvbucket_probes(&h->bucket[home]);
    enum look found = LOOK_OTHER;

    for (u32 i = 0; i < probes && found == LOOK_OTHER; i++) {
        struct kvbucket *b = &h->bucket[(home + i) & h->mask];

        for (u32 k = 0; k < KVBUCKET_SLOTS && found == LOOK_OTHER; k++) {
            u64 slot = atomic_load_explicit(&b->slot[k], memory_order_acquire);

            if (!slot || slot >> 48 != hash >> 48)
                continue;
            found = look(s, h, slot, hash, key, got);
            atomic_thread_fence(memory_order_acquire);
            if (atomic_load_explicit(&b->slot[k], memory_order_relaxed) != slot)
                return LOOK_TORN;
            *bucket = b;
            *at = k;
        }
    }
    atomic_thread_fence(memory_order_acquire);
    return atomic_load_explicit(&h->version[home], memory_order_relaxed) == got->place.version
               ? found
               : LOOK_TORN;
}

static enum kvstore_found found(enum look l, const struct kvstore_got *got, u64 now_ns)
{
    if (l != LOOK_HIT)
        return KVSTORE_MISSING;
    return got->expires_ns && got->expires_ns <= now_ns ? KVSTORE_EXPIRED : KVSTORE_HIT;
}

static enum look read_once(struct kvstore *s, struct kvshard *h, u64 hash, struct str key,
                           struct kvstore_got *got, struct kvbucket **bucket, u32 *at)
{
    enum look l = LOOK_TORN;

    for (u32 i = 0; l == LOOK_TORN && i < READ_TRIES; i++) {
        place_tell(s, h, hash, &got->place);
        l = pass(s, h, hash, key, got, bucket, at);
    }
    if (l == LOOK_TORN && kvshard_lock(h) == 0) { /* it is written all the time */
        place_tell(s, h, hash, &got->place);
        l = pass(s, h, hash, key, got, bucket, at);
        kvshard_unlock(h);
    }
    return l;
}

enum kvstore_found kvstore_get(struct kvstore *s, struct str key, u64 hash, u64 now_ns,
                               struct kvstore_got *got)
{
    struct kvshard *h = shard_of(s, hash);
    struct kvbucket *bucket = NULL;
    u32 at = 0;
    enum look l;

    frequency_prefetch(&h->frequency, hash);
    __builtin_prefetch(&h->version[kvshard_home(h, hash)]);
    l = read_once(s, h, hash, key, got, &bucket, &at);
    count(h, hash);
    if (l == LOOK_HIT)
        kvshard_ask(bucket, at);
    return found(l, got, now_ns);
}

enum kvstore_found kvstore_has(struct kvstore *s, struct str key, u64 hash, u64 now_ns)
{
    struct kvstore_got got = { .room = 0 };
    struct kvbucket *bucket;
    u32 at;

    return found(read_once(s, shard_of(s, hash), hash, key, &got, &bucket, &at), &got, now_ns);
}

/* Threads take lines in turn; which process's, says its number. */
static struct counters *counters(struct kvstore *s)
{
    static _Atomic u32 threads;
    static __thread u32 line;

    if (!line)
        line = 1 + ((u32)getpid() * 7 + atomic_fetch_add(&threads, 1)) % COUNTER_LINES;
    return &s->head->counters[line - 1];
}

void kvstore_count(struct kvstore *s, bool is_hit)
{
    struct counters *c = counters(s);

    atomic_fetch_add_explicit(is_hit ? &c->hits : &c->misses, 1, memory_order_relaxed);
}

void kvstore_touch(struct kvstore *s, struct str key, u64 hash, u32 hits)
{
    struct kvstore_got got = { .room = 0 };
    enum kvstore_found ignored = kvstore_get(s, key, hash, 0, &got);

    (void)ignored; /* it may have gone meanwhile */
    atomic_fetch_add_explicit(&counters(s)->hits, hits, memory_order_relaxed);
}

/* ---- writing ---- */

static void grow_old(struct kvshard *h)
{
    u32 counted = __atomic_load_n(&h->head->counted, __ATOMIC_RELAXED);

    if (counted < max((u64)COUNTED_MIN, h->head->entries * COUNTED_OF_ENTRY))
        return;
    frequency_halve(&h->frequency);
    __atomic_store_n(&h->head->counted, counted / 2, __ATOMIC_RELAXED);
}

/* A buffer of whole words for what is no multiple of 8. */
static void tail_write(char *to, struct str text)
{
    u64 whole = text.len & ~(size_t)7;

    words_write(to, text.ptr, whole);
    if (text.len > whole) {
        u64 last = 0;

        memcpy(&last, text.ptr + whole, text.len - whole);
        words_write(to + whole, &last, 8);
    }
}

static void entry_write(struct kvshard *h, struct ringlog_entry *e, struct str key, u64 hash,
                        const struct kvstore_value *value)
{
    struct ringlog_entry head = {
        .bytes = (u32)kvshard_need(key.len, value->bytes.len),
        .value_len = (u32)value->bytes.len,
        .hash = hash,
        .expires_ns = value->expires_ns,
        .seq = ++h->head->seq,
        .key_len = (u16)key.len,
        .kind = value->kind,
    };
    char *text = (char *)(e + 1);

    /* Whoever still reads what was here finds slot or version changed if he sees any of this. */
    atomic_thread_fence(memory_order_release);
    words_write(e, &head, sizeof(head));
    tail_write(text, key);
    tail_write(text + kvshard_key_room(key.len), value->bytes);
}

static enum kvstore_set store(struct kvshard *h, struct str key, u64 hash,
                              const struct kvstore_value *value, u64 now_ns)
{
    u64 need = kvshard_need(key.len, value->bytes.len), at;
    struct ringlog_entry *e;
    struct ringlog *ring;
    struct kvplace p;

    if (key.len > KVSTORE_KEY_MAX || value->bytes.len > UINT32_MAX / 2 ||
        !kvpolicy_room(h, need, now_ns, &ring, &at)) {
        h->head->too_large++;
        if (kvshard_find(h, hash, key, &p))
            kvshard_drop(h, &p);
        return KVSTORE_TOO_LARGE;
    }
    e = kvshard_at(h, ring, at);
    entry_write(h, e, key, hash, value);
    kvshard_put(h, ring, at, need);
    if (kvshard_find(h, hash, key, &p)) {
        kvshard_kill(h, kvshard_entry(h, p.bucket->slot[p.slot]));
        kvshard_lead(h, &p, e, true);
    } else {
        kvshard_add(h, e);
    }
    h->head->sets++;
    kvpolicy_settle(h, now_ns);
    grow_old(h);
    return KVSTORE_STORED;
}

enum kvstore_set kvstore_set(struct kvstore *s, struct str key, u64 hash,
                             const struct kvstore_value *value, u64 now_ns,
                             struct kvstore_place *place)
{
    struct kvshard *h = shard_of(s, hash);
    enum kvstore_set r = KVSTORE_BUSY;

    if (kvshard_lock(h) == 0) {
        frequency_count(&h->frequency, hash);
        r = store(h, key, hash, value, now_ns);
        if (place)
            place_tell(s, h, hash, place);
        kvshard_unlock(h);
    }
    return r;
}

enum kvstore_removed kvstore_remove(struct kvstore *s, struct str key, u64 hash, u64 now_ns)
{
    struct kvshard *h = shard_of(s, hash);
    enum kvstore_removed r = KVSTORE_NOT_THERE;
    struct kvplace p;

    if (kvshard_lock(h) < 0)
        return KVSTORE_REMOVE_BUSY;
    if (kvshard_find(h, hash, key, &p)) {
        u64 expires = kvshard_entry(h, p.bucket->slot[p.slot])->expires_ns;

        r = expires && expires <= now_ns ? KVSTORE_NOT_THERE : KVSTORE_REMOVED;
        h->head->removed++;
        kvshard_drop(h, &p);
    }
    kvshard_unlock(h);
    return r;
}

bool kvstore_clear(struct kvstore *s)
{
    bool all = true;

    for (u32 i = 0; i < s->head->shape.shards; i++) {
        if (kvshard_lock(&s->shard[i]) < 0) {
            all = false;
            continue;
        }
        kvshard_clear(&s->shard[i]);
        kvshard_unlock(&s->shard[i]);
    }
    return all;
}

/* In its place, by one store: whoever dies here has counted or has not. */
enum kvstore_add kvstore_add(struct kvstore *s, struct str key, u64 hash, bool is_more,
                             u64 lasts_ns, u64 now_ns, struct kvstore_number *out)
{
    struct kvshard *h = shard_of(s, hash);
    enum kvstore_add r = KVSTORE_ADDED;
    struct ringlog_entry *e = NULL;
    struct kvplace p;

    if (kvshard_lock(h) < 0)
        return KVSTORE_ADD_REFUSED;
    count(h, hash);
    if (kvshard_find(h, hash, key, &p))
        e = kvshard_entry(h, p.bucket->slot[p.slot]);
    if (e && e->expires_ns > now_ns && e->value_len == sizeof(u64)) {
        _Atomic u64 *at = (_Atomic u64 *)((char *)(e + 1) + kvshard_key_room(e->key_len));
        u64 n = *at;

        n = is_more ? n + 1 : n - (n > 0);
        atomic_store_explicit(at, n, memory_order_relaxed);
        kvshard_ask(p.bucket, p.slot);
        *out = (struct kvstore_number){ n, e->expires_ns };
    } else if (is_more) {
        u64 one = 1;
        struct kvstore_value v = { .bytes = { (const char *)&one, sizeof(one) },
                                   .expires_ns = now_ns + lasts_ns };

        *out = (struct kvstore_number){ one, v.expires_ns };
        if (store(h, key, hash, &v, now_ns) != KVSTORE_STORED)
            r = KVSTORE_ADD_REFUSED;
    } else {
        *out = (struct kvstore_number){ 0, now_ns + lasts_ns };
    }
    kvshard_unlock(h);
    return r;
}

/* ---- claims ---- */

enum kvstore_claim kvstore_claim(struct kvstore *s, u64 hash, const struct owner *owner)
{
    struct kvshard *h = shard_of(s, hash);
    struct kvclaim *place = NULL, *c;
    enum kvstore_claim r = KVSTORE_CLAIMED;

    if (kvshard_lock(h) < 0)
        return KVSTORE_CROWDED;
    for (c = h->head->claim; c < h->head->claim + KVSTORE_CLAIMS; c++) {
        if (c->owner.pid && c->hash == hash) {
            r = owner_same(&c->owner, owner) || !owner_lives(&c->owner) ? KVSTORE_CLAIMED
                                                                        : KVSTORE_AWAITED;
            place = c;
            break;
        }
        if (!c->owner.pid && !place)
            place = c;
    }
    for (c = h->head->claim; !place && c < h->head->claim + KVSTORE_CLAIMS; c++)
        if (!owner_lives(&c->owner))
            place = c;
    if (place && r == KVSTORE_CLAIMED)
        *place = (struct kvclaim){ hash, *owner };
    kvshard_unlock(h);
    return place ? r : KVSTORE_CROWDED;
}

static void unclaim(struct kvshard *h, const u64 *hash, const struct owner *owner)
{
    if (kvshard_lock(h) < 0)
        return;
    for (u32 i = 0; i < KVSTORE_CLAIMS; i++) {
        struct kvclaim *c = &h->head->claim[i];

        if ((!hash || c->hash == *hash) && owner_same(&c->owner, owner))
            *c = (struct kvclaim){ 0 };
    }
    kvshard_unlock(h);
}

void kvstore_unclaim(struct kvstore *s, u64 hash, const struct owner *owner)
{
    unclaim(shard_of(s, hash), &hash, owner);
}

void kvstore_unclaim_all(struct kvstore *s, const struct owner *owner)
{
    for (u32 i = 0; i < s->head->shape.shards; i++)
        unclaim(&s->shard[i], NULL, owner);
}

void kvstore_use(struct kvstore *s, struct kvstore_use *out)
{
    *out = (struct kvstore_use){ .bytes = s->head->shape.bytes,
                                 .largest = kvpolicy_largest(&s->shard[0]) };
    for (u32 i = 0; i < COUNTER_LINES; i++) {
        out->hits += s->head->counters[i].hits;
        out->misses += s->head->counters[i].misses;
    }
    for (u32 i = 0; i < s->head->shape.shards; i++) {
        const struct kvshard_head *h = s->shard[i].head;

        if (kvshard_lock(&s->shard[i]) < 0)
            continue;
        out->entries += h->entries;
        out->live_bytes += h->ring[KVSHARD_WINDOW].live_bytes + h->ring[KVSHARD_MAIN].live_bytes;
        out->sets += h->sets;
        out->evicted += h->evicted;
        out->rejected += h->rejected;
        out->removed += h->removed;
        out->too_large += h->too_large;
        out->repaired += h->repaired;
        kvshard_unlock(&s->shard[i]);
    }
}
