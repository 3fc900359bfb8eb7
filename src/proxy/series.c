/* proxy/series.c -- how long requests take */
#include "proxy/series.h"

#include "proxy/exchange.h"

enum { PROBES_MAX = 64, CLAIMED = 1, READABLE = 2 };

static const u64 le_us[SHM_SERIES_LE] = SHM_SERIES_LE_US;
/* The table is not worth attacking: routes are the app's. A fixed key keeps it over a restart. */
static const struct hash_key hash = { 0x6665747465u, 0x726f757465u };

static void fill(struct shm_series *s, const struct series_key *k)
{
    str_to_cstr(k->method, s->method, sizeof(s->method));
    if (k->route.len)
        memcpy(s->route, k->route.ptr, k->route.len);
    s->route_len = (u8)k->route.len;
    s->status = (u16)k->status;
    s->app = (u8)k->app;
    s->is_path = k->is_path;
    atomic_store(&s->state, READABLE);
}

/* What a proxy before this one knew: whose routes have names, and which paths stand for some. */
static void recall(struct proxy *p, const struct shm_series *s)
{
    struct str route = str_make(s->route, min((size_t)s->route_len, sizeof(s->route)));
    char out[SHM_ROUTE_MAX];

    if (atomic_load(&s->state) != READABLE || s->app >= SHM_APPS_MAX)
        return;
    if (s->is_path)
        pathset_find(&p->paths, s->app, route, true, out);
    else if (str_starts(route, STR("/")))
        atomic_store(&p->names_routes[s->app], true);
}

void series_init(struct proxy *p)
{
    u32 expected = 0;

    pathset_init(&p->paths);
    if (atomic_compare_exchange_strong(&p->shm->series[0].state, &expected, CLAIMED))
        fill(&p->shm->series[0],
             &(struct series_key){ .method = STR("_OTHER"), .route = STR("(other)") });
    for (u32 i = 1; atomic_load(&p->shm->proxy_restarts) && i < SHM_SERIES_MAX; i++)
        recall(p, &p->shm->series[i]);
}

static bool is(const struct shm_series *s, const struct series_key *k)
{
    return s->status == k->status && s->app == k->app && s->is_path == k->is_path &&
           str_eq(str_make(s->route, s->route_len), k->route) &&
           str_eq(str_of(s->method), k->method);
}

struct shm_series *series_find(struct shm *shm, const struct series_key *key)
{
    struct series_key k = *key;
    u64 h;

    k.route = str_sub(k.route, 0, SHM_ROUTE_MAX);
    h = hash_str(&hash, k.route) + hash_str(&hash, k.method) +
        (k.status | k.app << 16) * 0x9e3779b97f4a7c15ull + k.is_path;
    for (u32 i = 0; i < PROBES_MAX; i++) {
        struct shm_series *s = &shm->series[1 + (h + i) % (SHM_SERIES_MAX - 1)];
        u32 state = atomic_load_explicit(&s->state, memory_order_acquire);

        if (state == 0 && atomic_compare_exchange_strong(&s->state, &state, CLAIMED)) {
            fill(s, &k);
            return s;
        }
        /* CLAIMED: another thread fills it just now, perhaps with the same key: then there are
         * two series of one name for a while, which the reader adds up. */
        if (state == READABLE && is(s, &k))
            return s;
    }
    return &shm->series[0];
}

void series_add(struct shm_series *s, u64 duration_ns)
{
    u64 us = duration_ns / NS_PER_US;
    u32 i = 0;

    while (i < SHM_SERIES_LE && us > le_us[i])
        i++;
    COUNT(s->bucket[i], 1);
    COUNT(s->sum_ns, duration_ns);
    COUNT(s->count, 1);
}

/* Whether the app has answered as one that knows the path. */
static bool knows_path(const struct exchange *x)
{
    return x->times.first_byte_ns && x->status != 400 && x->status != 404 && x->status != 405 &&
           x->status != 501;
}

/* By its path: the name is worked out once for each kind and status. */
static struct shm_series *path_series(struct exchange *x, struct series_key *k)
{
    struct thread *t = x->client->thread;
    u64 key = x->kind.key + k->status;
    struct series_line *line = &t->series[(key * 0x9e3779b97f4a7c15ull) >> 58];
    char path[KIND_SHAPE_MAX], name[SHM_ROUTE_MAX];

    /* What is answered before it gets as far as a worker has no kind. */
    if (x->kind.key && line->series && line->key == key && line->app == k->app)
        return line->series;
    k->route = pathset_find(&t->proxy->paths, k->app,
                            kind_path(http_text(x->client->in->bytes, x->req.path), path),
                            knows_path(x), name);
    k->is_path = k->route.len > 0;
    if (k->is_path && x->kind.key) { /* else it may be known later */
        *line = (struct series_line){ .key = key, .app = k->app };
        line->series = series_find(t->proxy->shm, k);
        return line->series;
    }
    return series_find(t->proxy->shm, k);
}
static_assert(SERIES_LINES == 64, "six bits choose one");

static struct shm_series *series_of(struct exchange *x)
{
    struct client *c = x->client;
    struct proxy *p = c->thread->proxy;
    struct series_key k = {
        .app = x->is_nobodys ? SHM_APPS_MAX : x->app,
        .method = x->req.method == HTTP_OTHER ? STR("_OTHER") : http_method_name(x->req.method),
        .route = str_make(x->route, x->route_len),
        .status = x->status,
    };

    if (!x->is_nobodys && !atomic_load_explicit(&p->names_routes[x->app], memory_order_relaxed)) {
        if (x->route_len)
            atomic_store(&p->names_routes[x->app], true);
        else if (c->in)
            return path_series(x, &k);
    }
    /* The next request of a client is often of the same series. */
    if (!c->series || !is(c->series, &k))
        c->series = series_find(p->shm, &k);
    return c->series;
}

void series_count(struct exchange *x, u64 now_ns)
{
    struct shm_series *s = series_of(x);
    u64 took_ns = now_ns - x->times.begun_ns;

    series_add(s, took_ns);
    COUNT(s->sent_bytes, x->sent_bytes);
    if (x->up)
        COUNT(s->received_bytes, http_body_bytes(&x->req_body));
    x->loop_ns += claim_loop_ns(&x->claim, now_ns);
    COUNT(s->loop_ns, x->loop_ns);
    if (x->claim.slot)
        COUNT(x->claim.slot->took_count[shm_delay_bucket(took_ns)], 1);
}
