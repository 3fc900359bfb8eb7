/* proxy/cached_stock.c -- the cache itself: made when a rule wants it, counted by route */
#include "base/log.h"
#include "proxy/exchange.h"

#define SHARD_BYTES_MIN (4ull << 20)
enum { SHARDS_OF_THREAD = 4, PROBES_MAX = 32, CLAIMED = 1, READABLE = 2 };

/* ---- made ---- */

/* Several for each thread, so that two seldom want the same one; but each with room for some of the
 * largest responses. */
static u32 shards_for(const struct proxy *p, u64 bytes, u64 object_bytes)
{
    u32 n = 1, want = p->threads_n > 1 ? p->threads_n * SHARDS_OF_THREAD : 1;

    while (n < want && n < STORE_SHARDS_MAX && bytes / (2 * n) >= SHARD_BYTES_MIN &&
           bytes / (2 * n) >= 8 * object_bytes)
        n *= 2;
    return n;
}

void cached_setup(struct proxy *p, const struct ruleset *rules)
{
    u64 bytes = proxy_settings(p)->cache_bytes;
    struct store_conf conf = { .bytes = bytes,
                               .shards = shards_for(p, bytes, rules->cache_object_bytes_max) };
    struct store *store = NULL;
    int err;

    remote_tier_setup(p, rules);
    if (!rules->cache_wanted || atomic_load(&p->store))
        return;
    hash_key_random(&conf.keys.a);
    hash_key_random(&conf.keys.b);
    err = flights_new(&p->flights);
    if (!err)
        err = store_new(&store, &conf);
    if (err) {
        log_error("there is no cache: %s", strerror(-err));
        flights_free(TAKE(p->flights, NULL));
        return;
    }
    atomic_store(&p->store, store);
}

void cached_show(struct proxy *p)
{
    struct store *s = atomic_load(&p->store);
    struct shm_cache *c = &p->shm->cache;
    struct store_use use;

    if (!s)
        return;
    store_use(s, &use);
    c->bytes_max = use.bytes_max;
    c->bytes = use.bytes;
    c->entries = use.entries;
    c->stored = use.counts.stored;
    c->evicted = use.counts.evicted;
    c->rejected = use.counts.rejected;
    c->removed = use.counts.removed;
}

void cached_purge(struct proxy *p, const struct store_purge *purge)
{
    cached_remove(p, purge);
    remote_purge_tell(p, purge);
}

void cached_remove(struct proxy *p, const struct store_purge *purge)
{
    struct store *s = atomic_load(&p->store);

    if (s)
        COUNT(p->shm->cache.purged, store_purge(s, purge));
}

/* ---- counted ---- */

struct str cached_result_text(u32 result)
{
    static const char *const text[SHM_CACHE_RESULTS] = SHM_CACHE_RESULT_TEXTS;

    return str_of(result < SHM_CACHE_RESULTS ? text[result] : NULL);
}

static const struct hash_key key = { 0x6665747465u, 0x6361636865u };

static bool is(const struct shm_cache_route *r, u32 app, struct str route)
{
    return r->app == app && str_eq(str_make(r->route, r->route_len), route);
}

/* As series_find: a table that only fills up. */
static struct shm_cache_route *row_find(struct shm_cache *c, u32 app, struct str route)
{
    u64 h = hash_str(&key, route) + app * 0x9e3779b97f4a7c15ull;

    for (u32 i = 0; i < PROBES_MAX; i++) {
        struct shm_cache_route *r = &c->route[1 + (h + i) % (SHM_CACHE_ROUTES_MAX - 1)];
        u32 state = atomic_load_explicit(&r->state, memory_order_acquire);

        if (state == 0 && atomic_compare_exchange_strong(&r->state, &state, CLAIMED)) {
            r->app = (u8)app;
            r->route_len = (u8)min(route.len, (size_t)SHM_ROUTE_MAX);
            if (r->route_len)
                memcpy(r->route, route.ptr, r->route_len);
            atomic_store(&r->state, READABLE);
            return r;
        }
        if (state == READABLE && is(r, app, route))
            return r;
    }
    atomic_store(&c->route[0].state, READABLE);
    return &c->route[0];
}

void cached_tell(struct exchange *x)
{
    struct shm_cache *c = &x->client->thread->proxy->shm->cache;
    struct shm_cache_route *r = row_find(c, x->app, str_make(x->route, x->route_len));

    COUNT(r->count[x->cache_result], 1);
    if (x->cache_mode == CACHED_SENDS)
        COUNT(r->bytes, x->sent_bytes);
}
