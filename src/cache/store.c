/* cache/store.c -- stored responses, in one slab of memory of a fixed size */
#include "cache/store.h"

#include "cache/shard.h"

#include <sys/mman.h>

enum { ROUTE_MAX = 112, PURGE_BUCKETS = 256, PURGE_TEXT_MAX = 4096 };
static_assert(sizeof(struct stored) + VARY_TEXT_MAX + ROUTE_MAX <= STORE_BLOCK_BYTES,
              "what is looked at when something is looked for is in the first block");

struct store {
    struct digest_keys keys;
    u64 bytes, shard_bytes;
    u32 shards;
    struct shard *shard[STORE_SHARDS_MAX];
};

/* ---- the whole ---- */

int store_new(struct store **out, const struct store_conf *conf)
{
    u64 page = (u64)sysconf(_SC_PAGESIZE);
    u64 shard_bytes = conf->bytes / max(conf->shards, 1u) / page * page;
    struct store *s;
    char *memory;

    if (conf->shards == 0 || conf->shards > STORE_SHARDS_MAX ||
        (conf->shards & (conf->shards - 1)) || shard_blocks_in(shard_bytes) == 0)
        return -EINVAL;
    s = calloc(1, sizeof(*s));
    if (!s)
        return -ENOMEM;
    *s = (struct store){ .keys = conf->keys,
                         .bytes = shard_bytes * conf->shards,
                         .shard_bytes = shard_bytes,
                         .shards = conf->shards };
    memory = mmap(NULL, s->bytes, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) {
        free(s);
        return -ENOMEM;
    }
    for (u32 i = 0; i < s->shards; i++) {
        s->shard[i] = (struct shard *)(memory + i * shard_bytes);
        shard_init(s->shard[i], shard_bytes);
    }
    *out = s;
    return 0;
}

void store_free(struct store *s)
{
    if (!s)
        return;
    for (u32 i = 0; i < s->shards; i++)
        pthread_mutex_destroy(&s->shard[i]->lock);
    munmap(s->shard[0], s->bytes);
    free(s);
}

const struct digest_keys *store_keys(const struct store *s)
{
    return &s->keys;
}

u64 store_largest(const struct store *s)
{
    return (u64)s->shard[0]->main_max / 2 * STORE_BLOCK_BYTES;
}

static struct shard *lock(struct shard *s)
{
    pthread_mutex_lock(&s->lock);
    return s;
}

static void unlock(struct shard **s)
{
    pthread_mutex_unlock(&(*s)->lock);
}

static struct shard *shard_of(const struct store *s, struct digest key)
{
    return s->shard[key.b & (s->shards - 1)];
}

void store_use(struct store *s, struct store_use *out)
{
    *out = (struct store_use){ .bytes_max = s->bytes };
    for (u32 i = 0; i < s->shards; i++) {
        AUTO(unlock) struct shard *h = lock(s->shard[i]);

        out->entries += h->entries;
        out->bytes += (u64)(h->blocks_n - h->free_n) * STORE_BLOCK_BYTES;
        out->counts.stored += h->counts.stored;
        out->counts.evicted += h->counts.evicted;
        out->counts.rejected += h->counts.rejected;
        out->counts.removed += h->counts.removed;
    }
}

/* ---- finding ---- */

static u32 *epoch_of(struct shard *h, struct digest key)
{
    return &h->epoch[key.a >> 32 & (SHARD_EPOCHS - 1)];
}

static struct str vary_of(const struct stored *e)
{
    return str_make((const char *)(e + 1), e->vary_len);
}

/* The digest for one Vary, which neighbours in a bucket mostly have in common. */
struct variant {
    struct str vary;
    struct digest digest;
    bool known;
};

static bool answers(const struct store *s, const struct stored *e, const struct store_ask *ask,
                    struct variant *v)
{
    struct str vary = vary_of(e);

    if (!v->known || !str_eq(v->vary, vary))
        *v = (struct variant){ vary, vary_digest(vary, &s->keys, ask->bytes, ask->head), true };
    return digest_eq(v->digest, e->variant);
}

enum store_found store_find(struct store *s, const struct store_ask *ask, u64 now_ns,
                            const struct stored **out, u32 *epoch)
{
    AUTO(unlock) struct shard *h = lock(shard_of(s, ask->key));
    struct variant v = { .known = false };
    bool marked = false;

    *epoch = *epoch_of(h, ask->key);
    sketch_count(&h->sketch, ask->key.a, h->entries);
    for (u32 at = h->bucket[ask->key.a & h->bucket_mask]; at != SHARD_NONE;) {
        struct stored *e = shard_at(h, at);

        at = e->bucket_next;
        if (!digest_eq(e->key, ask->key))
            continue;
        if (e->marker) {
            marked = e->freshness.response_ns > now_ns;
        } else if (answers(s, e, ask, &v)) {
            tinylfu_touch(h, e);
            atomic_fetch_add(&e->refs, 1);
            *out = e;
            return STORE_HIT;
        }
    }
    return marked ? STORE_MARKED : STORE_NOTHING;
}

void store_pin(const struct stored *e)
{
    atomic_fetch_add(&((struct stored *)(uintptr_t)e)->refs, 1);
}

void store_unpin(struct store *s, const struct stored *pinned)
{
    struct stored *e = (struct stored *)(uintptr_t)pinned;
    struct shard *h = shard_of(s, e->key);

    if (atomic_fetch_sub(&e->refs, 1) > 1)
        return;
    lock(h); /* it was removed meanwhile */
    shard_give(h, shard_block_of(h, e));
    unlock(&h);
}

/* ---- reading what is pinned ---- */

struct store_cursor store_seek(const struct store *s, const struct stored *e, u32 at)
{
    const struct shard *h = shard_of(s, e->key);
    struct store_cursor c = { shard_block_of(h, e), at };

    for (; c.at >= STORE_BLOCK_BYTES && h->next[c.block] != SHARD_NONE; c.at -= STORE_BLOCK_BYTES)
        c.block = h->next[c.block];
    return c;
}

void store_advance(const struct store *s, const struct stored *e, struct store_cursor *c, u64 len)
{
    const struct shard *h = shard_of(s, e->key);

    for (len += c->at; len >= STORE_BLOCK_BYTES && h->next[c->block] != SHARD_NONE;
         len -= STORE_BLOCK_BYTES)
        c->block = h->next[c->block];
    c->at = (u32)len;
}

u32 store_pieces(const struct store *s, const struct stored *e, struct store_cursor c, u64 len,
                 struct iovec *iov, u32 room, u64 *bytes)
{
    const struct shard *h = shard_of(s, e->key);
    u32 n = 0, before = SHARD_NONE;

    *bytes = 0;
    while (*bytes < len) {
        u64 here = min((u64)STORE_BLOCK_BYTES - c.at, len - *bytes);

        if (n && c.block == before + 1) { /* neighbours go in one piece */
            iov[n - 1].iov_len += here;
        } else if (n == room) {
            break;
        } else {
            iov[n++] = (struct iovec){ (char *)shard_at(h, c.block) + c.at, here };
        }
        *bytes += here;
        before = c.block;
        c = (struct store_cursor){ h->next[c.block], 0 };
    }
    return n;
}

void store_read(const struct store *s, const struct stored *e, struct store_span part, char *out)
{
    struct store_cursor c = store_seek(s, e, part.at);
    const struct shard *h = shard_of(s, e->key);

    while (part.len) {
        u32 here = min(STORE_BLOCK_BYTES - c.at, part.len);

        memcpy(out, (const char *)shard_at(h, c.block) + c.at, here);
        out += here;
        part.len -= here;
        c = (struct store_cursor){ h->next[c.block], 0 };
    }
}

/* ---- storing ---- */

static u32 blocks_for(u64 bytes)
{
    return (u32)((bytes + STORE_BLOCK_BYTES - 1) / STORE_BLOCK_BYTES);
}

/* Blocks that are nobody else's, for a key; SHARD_NONE: there is no room for it. */
static u32 blocks_take(struct shard *h, u32 n, u64 hash)
{
    AUTO(unlock) struct shard *held = lock(h);

    return n <= held->blocks_n && tinylfu_room(held, n, hash) ? shard_take(held, n) : SHARD_NONE;
}

void store_abort(struct store *s, struct filling *f)
{
    struct stored *e = TAKE(f->e, NULL);

    if (e) {
        AUTO(unlock) struct shard *h = lock(shard_of(s, e->key));

        shard_give(h, shard_block_of(h, e));
    }
}

/* Into the blocks that are there; they are enough. */
static void put(const struct shard *h, struct filling *f, struct str text)
{
    while (text.len) {
        u32 n;

        if (f->used == STORE_BLOCK_BYTES) {
            f->last = h->next[f->last];
            f->used = 0;
        }
        n = (u32)min(text.len, (size_t)STORE_BLOCK_BYTES - f->used);
        memcpy((char *)shard_at(h, f->last) + f->used, text.ptr, n);
        f->used += n;
        text = str_make(text.ptr + n, text.len - n);
    }
}

static struct store_span within(struct store_span part, u32 at)
{
    return part.len ? (struct store_span){ at + part.at, part.len } : part;
}

static void describe(const struct store *s, struct stored *e, const struct store_beginning *b)
{
    u32 at = (u32)(sizeof(*e) + b->vary.len + b->route.len);

    *e = (struct stored){
        .key = b->key,
        .variant = vary_digest(b->vary, &s->keys, b->ask->bytes, b->ask->head),
        .freshness = b->freshness,
        .name = { at, (u32)b->name.len },
        .tags = { at + (u32)b->name.len, (u32)b->tags.len },
        .line_bytes = b->line_bytes,
        .status = b->status,
        .vary_len = (u16)b->vary.len,
        .route_len = (u8)b->route.len,
        .app = b->app,
    };
    at = e->tags.at + e->tags.len;
    e->head = (struct store_span){ at, (u32)b->head.len };
    e->etag = within(b->etag, at);
    e->last_modified = within(b->last_modified, at);
    e->date = within(b->date, at);
    e->body = (struct store_span){ at + e->head.len, 0 };
}

int store_begin(struct store *s, struct filling *f, const struct store_beginning *b)
{
    struct shard *h = shard_of(s, b->key);
    u64 bytes = sizeof(struct stored) + b->vary.len + b->route.len + b->name.len + b->tags.len +
                b->head.len + b->body_bytes;
    u32 n = bytes <= store_largest(s) ? blocks_for(bytes) : UINT32_MAX, first;

    *f = (struct filling){ .e = NULL };
    if (n == UINT32_MAX || b->vary.len > VARY_TEXT_MAX || b->route.len > ROUTE_MAX)
        return -ENOSPC;
    first = blocks_take(h, n, b->key.a);
    if (first == SHARD_NONE)
        return -ENOSPC;
    *f = (struct filling){
        .e = shard_at(h, first), .last = first, .used = sizeof(struct stored), .epoch = b->epoch
    };
    describe(s, f->e, b);
    f->e->blocks = n;
    put(h, f, b->vary);
    put(h, f, b->route);
    put(h, f, b->name);
    put(h, f, b->tags);
    put(h, f, b->head);
    return 0;
}

/* More blocks behind the last one: a quarter of what there is, so that a long body of unknown
 * length does not take the lock for each of its pieces. */
static bool extend(struct store *s, struct filling *f, u32 need)
{
    struct shard *h = shard_of(s, f->e->key);
    u32 n = max(need, f->e->blocks / 4), more, tail = f->last;

    if (((u64)f->e->blocks + n) * STORE_BLOCK_BYTES > store_largest(s))
        n = need;
    if (((u64)f->e->blocks + n) * STORE_BLOCK_BYTES > store_largest(s))
        return false;
    more = blocks_take(h, n, f->e->key.a);
    if (more == SHARD_NONE)
        return false;
    while (h->next[tail] != SHARD_NONE)
        tail = h->next[tail];
    h->next[tail] = more;
    f->e->blocks += n;
    return true;
}

bool store_add(struct store *s, struct filling *f, struct str body)
{
    u64 end = (u64)f->e->body.at + f->e->body.len + body.len;
    u32 n = end <= store_largest(s) ? blocks_for(end) : UINT32_MAX;

    if (n == UINT32_MAX || (n > f->e->blocks && !extend(s, f, n - f->e->blocks))) {
        store_abort(s, f);
        return false;
    }
    put(shard_of(s, f->e->key), f, body);
    f->e->body.len += (u32)body.len;
    return true;
}

/* With the lock held: what the new one takes the place of, and the oldest of too many variants. */
static void make_way(struct shard *h, const struct stored *e)
{
    u32 variants = 0, at = h->bucket[e->key.a & h->bucket_mask];

    while (at != SHARD_NONE) {
        struct stored *old = shard_at(h, at);

        at = old->bucket_next;
        if (!digest_eq(old->key, e->key))
            continue;
        if (old->marker ||
            (digest_eq(old->variant, e->variant) && str_eq(vary_of(old), vary_of(e))) ||
            ++variants >= STORE_VARIANTS_MAX)
            shard_remove(h, old);
    }
}

/* The blocks behind its end go back. */
static void trim(struct shard *h, struct filling *f)
{
    u32 more = h->next[f->last];

    h->next[f->last] = SHARD_NONE;
    shard_give(h, more);
    f->e->blocks = blocks_for((u64)f->e->body.at + f->e->body.len);
}

bool store_commit(struct store *s, struct filling *f, const struct stored **pinned)
{
    AUTO(unlock) struct shard *h = lock(shard_of(s, f->e->key));
    struct stored *e = f->e;

    if (*epoch_of(h, e->key) != f->epoch) {
        shard_give(h, shard_block_of(h, e));
        f->e = NULL;
        return false;
    }
    trim(h, f);
    make_way(h, e);
    atomic_store(&e->refs, pinned ? 2 : 1);
    if (pinned)
        *pinned = e;
    shard_publish(h, e);
    tinylfu_add(h, e);
    h->counts.stored++;
    f->e = NULL;
    return true;
}

void store_mark(struct store *s, struct digest key, u64 until_ns)
{
    AUTO(unlock) struct shard *h = lock(shard_of(s, key));
    u32 at = h->bucket[key.a & h->bucket_mask];
    struct stored *e;

    for (; at != SHARD_NONE; at = shard_at(h, at)->bucket_next) {
        e = shard_at(h, at);
        if (!digest_eq(e->key, key))
            continue;
        if (e->marker)
            e->freshness.response_ns = until_ns;
        return; /* or some variant of it is stored: then it is of use to wait */
    }
    at = tinylfu_room(h, 1, key.a) ? shard_take(h, 1) : SHARD_NONE;
    if (at == SHARD_NONE)
        return;
    e = shard_at(h, at);
    *e = (struct stored){ .key = key, .marker = true, .blocks = 1, .refs = 1 };
    e->freshness.response_ns = until_ns;
    shard_publish(h, e);
    tinylfu_add(h, e);
}

/* ---- removing ---- */

void store_remove(struct store *s, const struct stored *e)
{
    AUTO(unlock) struct shard *h = lock(shard_of(s, e->key));
    u32 want = shard_block_of(h, e), at = h->bucket[e->key.a & h->bucket_mask];

    while (at != SHARD_NONE && at != want)
        at = shard_at(h, at)->bucket_next;
    if (at == SHARD_NONE)
        return; /* it has gone already */
    shard_remove(h, shard_at(h, at));
    h->counts.removed++;
}

u32 store_invalidate(struct store *s, struct digest key)
{
    AUTO(unlock) struct shard *h = lock(shard_of(s, key));
    u32 at = h->bucket[key.a & h->bucket_mask], n = 0;

    (*epoch_of(h, key))++;
    while (at != SHARD_NONE) {
        struct stored *e = shard_at(h, at);

        at = e->bucket_next;
        if (!digest_eq(e->key, key))
            continue;
        n += !e->marker;
        shard_remove(h, e);
    }
    h->counts.removed += n;
    return n;
}

static bool path_fits(struct str want, struct str path)
{
    struct str query;

    if (!want.ptr)
        return true;
    if (str_ends(want, STR("*")))
        return str_starts(path, str_sub(want, 0, want.len - 1));
    /* Without a query in it: whatever the query is. */
    return str_eq(want, str_index(want, '?') >= 0 ? path : str_cut(path, '?', &query));
}

static bool tag_fits(struct str want, struct str tags)
{
    if (!want.ptr)
        return true;
    while (tags.ptr)
        if (str_eq(str_cut(tags, ' ', &tags), want))
            return true;
    return false;
}

bool store_purge_is_about(const struct store_purge *p, struct str path, struct str tags)
{
    return path_fits(p->path, path) && tag_fits(p->tag, tags);
}

static bool purge_fits(const struct store *s, const struct stored *e, const struct store_purge *p,
                       char *room)
{
    struct store_span path = e->name, tags = e->tags;

    if (e->marker || (p->app != UINT32_MAX && e->app != p->app))
        return false;
    path.len = min(path.len, (u32)PURGE_TEXT_MAX);
    tags.len = min(tags.len, (u32)PURGE_TEXT_MAX);
    if (p->path.ptr)
        store_read(s, e, path, room);
    if (!path_fits(p->path, str_make(room, path.len)))
        return false;
    if (p->tag.ptr)
        store_read(s, e, tags, room);
    return tag_fits(p->tag, str_make(room, tags.len));
}

static u64 purge_some(struct store *s, struct shard *shard, u32 from, const struct store_purge *p,
                      char *room)
{
    AUTO(unlock) struct shard *h = lock(shard);
    u64 n = 0;

    for (u32 i = from; i <= h->bucket_mask && i < from + PURGE_BUCKETS; i++) {
        for (u32 at = h->bucket[i]; at != SHARD_NONE;) {
            struct stored *e = shard_at(h, at);

            at = e->bucket_next;
            if (!purge_fits(s, e, p, room))
                continue;
            shard_remove(h, e);
            n++;
        }
    }
    h->counts.removed += n;
    return n;
}

/* What is on its way from the app while this goes on was made before it, and is not stored. */
static void epochs_end(struct shard *shard)
{
    AUTO(unlock) struct shard *h = lock(shard);

    for (u32 i = 0; i < SHARD_EPOCHS; i++)
        h->epoch[i]++;
}

u64 store_purge(struct store *s, const struct store_purge *p)
{
    char room[PURGE_TEXT_MAX];
    u64 n = 0;

    for (u32 i = 0; i < s->shards; i++) {
        epochs_end(s->shard[i]);
        for (u64 from = 0; from <= s->shard[i]->bucket_mask; from += PURGE_BUCKETS)
            n += purge_some(s, s->shard[i], (u32)from, p, room);
    }
    return n;
}
