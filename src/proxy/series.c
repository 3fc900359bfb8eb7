/* proxy/series.c -- how long requests take */
#include "proxy/series.h"

#include "proxy/exchange.h"

enum { PROBES_MAX = 64, CLAIMED = 1, READABLE = 2 };

static const u64 le_us[SHM_SERIES_LE] = SHM_SERIES_LE_US;
/* The table is not worth attacking: routes are the app's. A fixed key keeps it over a restart. */
static const struct hash_key key = { 0x6665747465u, 0x726f757465u };

static void fill(struct shm_series *s, u32 app, struct str method, struct str route, u32 status)
{
    str_to_cstr(method, s->method, sizeof(s->method));
    memcpy(s->route, route.ptr, route.len);
    s->route_len = (u8)route.len;
    s->status = (u16)status;
    s->app = (u8)app;
    atomic_store(&s->state, READABLE);
}

void series_init(struct shm *shm)
{
    u32 expected = 0;

    if (atomic_compare_exchange_strong(&shm->series[0].state, &expected, CLAIMED))
        fill(&shm->series[0], 0, STR("_OTHER"), STR("(other)"), 0);
}

static bool is(const struct shm_series *s, u32 app, struct str method, struct str route, u32 status)
{
    return s->status == status && s->app == app &&
           str_eq(str_make(s->route, s->route_len), route) && str_eq(str_of(s->method), method);
}

struct shm_series *series_find(struct shm *shm, u32 app, struct str method, struct str route,
                               u32 status)
{
    u64 h;

    route = str_sub(route, 0, SHM_ROUTE_MAX);
    h = hash_str(&key, route) + hash_str(&key, method) +
        (status | app << 16) * 0x9e3779b97f4a7c15ull;
    for (u32 i = 0; i < PROBES_MAX; i++) {
        struct shm_series *s = &shm->series[1 + (h + i) % (SHM_SERIES_MAX - 1)];
        u32 state = atomic_load_explicit(&s->state, memory_order_acquire);

        if (state == 0 && atomic_compare_exchange_strong(&s->state, &state, CLAIMED)) {
            fill(s, app, method, route, status);
            return s;
        }
        /* CLAIMED: another thread fills it just now, perhaps with the same key: then there are
         * two series of one name for a while, which the reader adds up. */
        if (state == READABLE && is(s, app, method, route, status))
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

/* The next request of a client is often of the same series. */
void series_count(struct exchange *x, u64 now_ns)
{
    struct client *c = x->client;
    struct str method =
        x->req.method == HTTP_OTHER ? STR("_OTHER") : http_method_name(x->req.method);
    struct str route = str_make(x->route, x->route_len);
    u32 app = x->is_nobodys ? SHM_APPS_MAX : x->app;

    if (!c->series || !is(c->series, app, method, route, x->status))
        c->series = series_find(c->thread->proxy->shm, app, method, route, x->status);
    series_add(c->series, now_ns - x->times.begun_ns);
    if (x->claim.slot)
        COUNT(x->claim.slot->took_count[shm_delay_bucket(now_ns - x->times.begun_ns)], 1);
}
