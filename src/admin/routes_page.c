/* admin/routes_page.c -- /api/routes: JSON about routes, and what they ask
 *
 * How often and how long comes from the proxy (tally.h), how long a request of the route blocks its
 * loop from what the proxy has learned (struct shm_kind), what it asks of others from the agents
 * (queries.h). A plain http app names no routes: then the kinds of the proxy, which are paths with
 * identifiers left out, stand for them, without how long they took.
 */
#include "admin/page.h"
#include "admin/queries.h"
#include "base/json.h"
#include "metrics/histogram.h"

/* Answers of all statuses. */
struct row {
    const struct tally *first; /* app, method and route; NULL: a kind is all that is known */
    u32 app;
    u64 requests, errors, sum_ns;
    u64 bucket[SHM_SERIES_LE + 1];
};

/* All kinds, copied once, those of one app after the other. */
struct kinds {
    u32 count;
    struct kind_row {
        u32 app;
        u64 block_ns;
        char text[SHM_KIND_TEXT_MAX];
    } kind[SHM_KINDS_MAX];
};

static int by_name(const void *a, const void *b)
{
    const struct kind_row *x = a, *y = b;

    return x->app != y->app ? (x->app < y->app ? -1 : 1) : strcmp(x->text, y->text);
}

static void kinds_take(struct kinds *out, const struct shm *shm)
{
    out->count = 0;
    for (u32 i = 0; i < SHM_KINDS_MAX; i++) {
        const struct shm_kind *k = &shm->kinds.kind[i];
        struct kind_row *to = &out->kind[out->count];

        if (k->key <= 1 || k->count == 0 || k->app >= reading_apps(shm))
            continue;
        *to = (struct kind_row){ .app = k->app, .block_ns = k->block_ns };
        memcpy(to->text, k->text, sizeof(to->text));
        to->text[sizeof(to->text) - 1] = 0;
        /* Those of longer paths together, and those told apart by a parameter, come besides. */
        out->count += to->text[0] && !str_ends(str_of(to->text), STR("*")) &&
                      str_index(str_of(to->text), '?') < 0;
    }
    qsort(out->kind, out->count, sizeof(*out->kind), by_name);
}

static const struct kind_row *kind_find(const struct kinds *ks, u32 app, struct str name)
{
    for (u32 i = 0; i < ks->count; i++)
        if (ks->kind[i].app == app && str_eq(str_of(ks->kind[i].text), name))
            return &ks->kind[i];
    return NULL;
}

static void per_request(struct buf *out, const char *key, u64 sum, u64 requests)
{
    u64 milli = requests ? sum * 1000 / requests : 0;

    json_key(out, key);
    buf_addf(out, "%llu.%03llu", (unsigned long long)(milli / 1000),
             (unsigned long long)(milli % 1000));
}

static void statement_write(struct buf *out, const struct queries_statement *s)
{
    json_key(out, "system");
    json_text(out, queries_system_name(s->system));
    json_key(out, "statement");
    json_text(out, str_of(s->statement));
    json_key(out, "count");
    json_u64(out, s->count);
    json_key(out, "errors");
    json_u64(out, s->errors);
    json_key(out, "total_ms");
    json_ms(out, s->total_ns);
    json_key(out, "mean_ms");
    json_ms(out, s->count ? s->total_ns / s->count : 0);
    json_key(out, "max_ms");
    json_ms(out, s->max_ns);
}

/* What its watched requests asked. */
static void asked_write(struct buf *out, const struct page_source *src, u32 app, struct str name)
{
    const struct queries_route *r =
        src->queries ? queries_route_find(src->queries, app, name) : NULL;
    const struct queries_statement *s = r ? queries_slowest(src->queries, app, name) : NULL;

    json_key(out, "watched");
    json_u64(out, r ? r->requests : 0);
    if (r && r->requests) {
        per_request(out, "queries", r->queries, r->requests);
        json_key(out, "queries_ms");
        json_ms(out, r->queries_ns / r->requests);
        per_request(out, "calls", r->calls, r->requests);
        json_key(out, "calls_ms");
        json_ms(out, r->calls_ns / r->requests);
    }
    json_key(out, "slowest");
    if (s) {
        buf_addc(out, '{');
        statement_write(out, s);
        buf_addc(out, '}');
    } else {
        json_null(out);
    }
}

static void head_write(struct buf *out, const struct page_source *src, u32 app, struct str method,
                       struct str route, u64 requests)
{
    json_comma(out);
    buf_addc(out, '{');
    json_key(out, "app");
    json_text(out, reading_app_name(src->shm, app));
    json_key(out, "method");
    json_text(out, method);
    json_key(out, "route");
    if (route.len)
        json_text(out, route);
    else
        json_null(out);
    json_key(out, "requests");
    if (requests)
        json_u64(out, requests);
    else
        json_null(out);
}

static void loop_write(struct buf *out, const struct kind_row *kind)
{
    json_key(out, "loop_ms");
    if (kind)
        json_ms(out, kind->block_ns);
    else
        json_null(out);
}

static void row_write(struct buf *out, const struct page_source *src, const struct row *r,
                      const struct kinds *kinds)
{
    struct str method = str_of(r->first->method), route = str_of(r->first->route);
    bool is_named = !str_eq(route, STR("(none)"));
    char name[SHM_CALL_ROUTE_MAX + 1];

    snprintf(name, sizeof(name), "%s %s", r->first->method, r->first->route);
    head_write(out, src, r->app, method, is_named ? route : (struct str){ 0 }, r->requests);
    json_key(out, "errors");
    json_u64(out, r->errors);
    json_key(out, "p50_ms");
    json_ms(out, histogram_quantile(r->bucket, tally_le_ns, SHM_SERIES_LE, 500));
    json_key(out, "p99_ms");
    json_ms(out, histogram_quantile(r->bucket, tally_le_ns, SHM_SERIES_LE, 990));
    json_key(out, "mean_ms");
    json_ms(out, r->requests ? r->sum_ns / r->requests : 0);
    loop_write(out, is_named ? kind_find(kinds, r->app, str_of(name)) : NULL);
    asked_write(out, src, r->app, str_of(name));
    buf_addc(out, '}');
}

/* A kind of an app that names no routes. Most requests of one that never blocks are not counted. */
static void kind_write(struct buf *out, const struct page_source *src, const struct kind_row *k)
{
    struct str route, method = str_cut(str_of(k->text), ' ', &route);

    head_write(out, src, k->app, method, route, 0);
    for (u32 i = 0; i < 4; i++) {
        static const char *const unknown[] = { "errors", "p50_ms", "p99_ms", "mean_ms" };

        json_key(out, unknown[i]);
        json_null(out);
    }
    loop_write(out, k);
    asked_write(out, src, k->app, str_of(k->text));
    buf_addc(out, '}');
}

static u32 app_of(const struct shm *shm, const struct tally *t)
{
    for (u32 i = 0; t->app_name[0] && i < reading_apps(shm); i++)
        if (str_eq(reading_app_name(shm, i), str_of(t->app_name)))
            return i;
    return 0;
}

/* Tallies come in order of app, route, method, status. */
static u32 rows_make(struct row *rows, const struct tally *tallies, u32 count,
                     const struct shm *shm)
{
    u32 n = 0;

    for (u32 i = 0; i < count; i++) {
        const struct tally *t = &tallies[i];
        struct row *r = n ? &rows[n - 1] : NULL;

        if (!r || strcmp(r->first->app_name, t->app_name) != 0 ||
            strcmp(r->first->route, t->route) != 0 || strcmp(r->first->method, t->method) != 0) {
            r = &rows[n++];
            *r = (struct row){ .first = t, .app = app_of(shm, t) };
        }
        for (u32 b = 0; b <= SHM_SERIES_LE; b++) {
            r->bucket[b] = u64_add(r->bucket[b], t->bucket[b]);
            r->requests = u64_add(r->requests, t->bucket[b]);
            r->errors = u64_add(r->errors, t->is_error ? t->bucket[b] : 0);
        }
        r->sum_ns = u64_add(r->sum_ns, t->sum_ns);
    }
    return n;
}

static bool app_names_routes(const struct row *rows, u32 count, u32 app)
{
    for (u32 i = 0; i < count; i++)
        if (rows[i].app == app && rows[i].first->route[0] == '/')
            return true;
    return false;
}

void page_routes(struct buf *out, const struct page_source *src)
{
    AUTO(freep) struct tally *tallies = calloc(SHM_SERIES_MAX, sizeof(*tallies));
    AUTO(freep) struct row *rows = calloc(SHM_SERIES_MAX, sizeof(*rows));
    AUTO(freep) struct kinds *kinds = calloc(1, sizeof(*kinds));
    u32 n;

    if (!tallies || !rows || !kinds) {
        out->failed = true;
        return;
    }
    n = rows_make(rows, tallies, tally_read_all(src->shm, tallies), src->shm);
    kinds_take(kinds, src->shm);
    buf_addc(out, '{');
    json_key(out, "routes");
    buf_addc(out, '[');
    for (u32 i = 0; i < n; i++)
        row_write(out, src, &rows[i], kinds);
    for (u32 i = 0; i < kinds->count; i++)
        if (!app_names_routes(rows, n, kinds->kind[i].app))
            kind_write(out, src, &kinds->kind[i]);
    buf_add(out, STR("]}\n"));
}
