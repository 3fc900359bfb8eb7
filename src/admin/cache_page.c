/* admin/cache_page.c -- /api/cache: JSON about the cache of responses; its metrics */
#include "admin/metrics_page.h"
#include "admin/page.h"
#include "base/json.h"

enum {
    ANSWERED =
        BIT(SHM_CACHE_HIT) | BIT(SHM_CACHE_STALE) | BIT(SHM_CACHE_ERROR) | BIT(SHM_CACHE_VALIDATED)
};

static const struct {
    enum shm_cache_result result;
    const char *key;
} results[] = {
    { SHM_CACHE_HIT, "hits" },
    { SHM_CACHE_STALE, "stale" },
    { SHM_CACHE_ERROR, "stale_if_error" },
    { SHM_CACHE_VALIDATED, "validated" },
    { SHM_CACHE_MISS, "misses" },
    { SHM_CACHE_PASS, "passed" },
};

/* Sums, of a route or of an app. */
struct sums {
    u64 count[SHM_CACHE_RESULTS], bytes;
};

static void sums_add(struct sums *to, const struct shm_cache_route *r)
{
    for (u32 i = 0; i < SHM_CACHE_RESULTS; i++)
        to->count[i] += r->count[i];
    to->bytes += r->bytes;
}

static void sums_write(struct buf *out, const struct sums *s)
{
    u64 asked = 0, answered = 0;

    for (u32 i = 0; i < ARRAY_LEN(results); i++) {
        u64 n = s->count[results[i].result];

        json_key(out, results[i].key);
        json_u64(out, n);
        if (results[i].result == SHM_CACHE_PASS)
            continue;
        asked += n;
        answered += ANSWERED >> results[i].result & 1 ? n : 0;
    }
    json_key(out, "hit_ratio");
    if (asked)
        json_ppm(out, answered * 1000000 / asked);
    else
        json_null(out);
    json_key(out, "sent_bytes");
    json_u64(out, s->bytes);
}

static bool is_shown(const struct shm_cache_route *r)
{
    return atomic_load_explicit(&r->state, memory_order_acquire) == 2;
}

static struct str route_of(const struct shm_cache_route *r)
{
    return str_make(r->route, min(r->route_len, (u8)SHM_ROUTE_MAX));
}

static void routes_write(struct buf *out, const struct shm *shm, u32 app)
{
    json_key(out, "routes");
    buf_addc(out, '[');
    for (u32 i = 0; i < SHM_CACHE_ROUTES_MAX; i++) {
        const struct shm_cache_route *r = &shm->cache.route[i];
        struct sums s = { .bytes = 0 };

        if (!is_shown(r) || r->app != app || i == 0)
            continue;
        sums_add(&s, r);
        json_comma(out);
        buf_addc(out, '{');
        json_key(out, "route");
        json_text(out, route_of(r));
        sums_write(out, &s);
        buf_addc(out, '}');
    }
    buf_addc(out, ']');
}

static void app_write(struct buf *out, const struct shm *shm, u32 app)
{
    struct sums s = { .bytes = 0 };

    for (u32 i = 1; i < SHM_CACHE_ROUTES_MAX; i++)
        if (is_shown(&shm->cache.route[i]) && shm->cache.route[i].app == app)
            sums_add(&s, &shm->cache.route[i]);
    json_comma(out);
    buf_addc(out, '{');
    json_key(out, "app");
    json_text(out, reading_app_name(shm, app));
    sums_write(out, &s);
    json_key(out, "memory_bytes");
    json_u64(out, shm->cache.bytes);
    json_key(out, "memory_bytes_max");
    json_u64(out, shm->cache.bytes_max);
    json_key(out, "responses");
    json_u64(out, shm->cache.entries);
    routes_write(out, shm, app);
    buf_addc(out, '}');
}

void page_cache(struct buf *out, const struct page_source *src)
{
    const struct shm_cache *c = &src->shm->cache;
    const struct {
        const char *key;
        u64 n;
    } all[] = {
        { "memory_bytes_max", c->bytes_max },
        { "memory_bytes", c->bytes },
        { "responses", c->entries },
        { "stored", c->stored },
        { "evicted", c->evicted },
        { "not_admitted", c->rejected },
        { "removed", c->removed },
        { "waited", c->waited },
        { "refreshed", c->refreshed },
        { "purged", c->purged },
    };

    buf_addc(out, '{');
    for (u32 i = 0; i < ARRAY_LEN(all); i++) {
        json_key(out, all[i].key);
        json_u64(out, all[i].n);
    }
    json_key(out, "apps");
    buf_addc(out, '[');
    for (u32 i = 0; i < reading_apps(src->shm); i++)
        if (!reading_app_is_gone(src->shm, i))
            app_write(out, src->shm, i);
    buf_add(out, STR("]}\n"));
}

/* ---- metrics ---- */

static const char *const result_text[SHM_CACHE_RESULTS] = SHM_CACHE_RESULT_TEXTS;

static void requests_write(struct text *t, const struct shm *shm)
{
    text_family(t, "fettle_cache_requests_total", TEXT_COUNTER,
                "Requests by what the cache of responses did for them.");
    for (u32 i = 0; i < SHM_CACHE_ROUTES_MAX; i++) {
        const struct shm_cache_route *r = &shm->cache.route[i];

        if (!is_shown(r))
            continue;
        for (u32 n = SHM_CACHE_HIT; n <= SHM_CACHE_PASS; n++)
            if (r->count[n])
                text_u64(t,
                         LABELS({ "app", reading_app_label(shm, r->app) },
                                { "route", i ? route_of(r) : STR("(other)") },
                                { "result", str_of(result_text[n]) }),
                         r->count[n]);
    }
    text_family(t, "fettle_cache_sent_bytes_total", TEXT_COUNTER,
                "Bytes of the answers that came from the cache.");
    for (u32 i = 0; i < SHM_CACHE_ROUTES_MAX; i++) {
        const struct shm_cache_route *r = &shm->cache.route[i];

        if (is_shown(r) && r->bytes)
            text_u64(t,
                     LABELS({ "app", reading_app_label(shm, r->app) },
                            { "route", i ? route_of(r) : STR("(other)") }),
                     r->bytes);
    }
}

void metrics_cache(struct text *t, const struct metrics_source *src)
{
    const struct shm *shm = src->page->shm;
    const struct shm_cache *c = &shm->cache;
    const struct {
        const char *name;
        enum text_type type;
        u64 n;
        const char *help;
    } all[] = {
        { "fettle_cache_memory_bytes", TEXT_GAUGE, c->bytes, "Memory that stored responses take." },
        { "fettle_cache_memory_max_bytes", TEXT_GAUGE, c->bytes_max,
          "Memory that the cache may take." },
        { "fettle_cache_responses", TEXT_GAUGE, c->entries, "Responses that are stored." },
        { "fettle_cache_stored_total", TEXT_COUNTER, c->stored, "Responses that were stored." },
        { "fettle_cache_evicted_total", TEXT_COUNTER, c->evicted,
          "Stored responses that had to go for others." },
        { "fettle_cache_not_admitted_total", TEXT_COUNTER, c->rejected,
          "Responses that were worth less than those that would have had to go for them." },
        { "fettle_cache_removed_total", TEXT_COUNTER, c->removed,
          "Stored responses that were no longer true, or were purged." },
        { "fettle_cache_waited_total", TEXT_COUNTER, c->waited,
          "Requests that waited for the response to another one." },
        { "fettle_cache_refreshed_total", TEXT_COUNTER, c->refreshed,
          "Requests of the cache itself, for what was stale." },
    };

    for (u32 i = 0; i < ARRAY_LEN(all); i++) {
        text_family(t, all[i].name, all[i].type, all[i].help);
        text_u64(t, NO_LABELS, all[i].n);
    }
    requests_write(t, shm);
}
