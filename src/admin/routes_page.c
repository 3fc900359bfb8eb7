/* admin/routes_page.c -- /api/routes: JSON about routes, and what they ask
 *
 * How often, how long, how much and for how much of the loops' time comes from the proxy (tally.h),
 * how long a request of the route blocks its loop from what the proxy has learned (struct
 * shm_kind), what it asks of others from the agents (queries.h).
 */
#include "admin/page.h"
#include "admin/queries.h"
#include "admin/route_costs.h"
#include "admin/route_rows.h"
#include "base/json.h"
#include "metrics/histogram.h"

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

static void head_write(struct buf *out, const struct page_source *src, const struct route_row *r,
                       bool is_named)
{
    json_comma(out);
    buf_addc(out, '{');
    json_key(out, "app");
    json_text(out, reading_app_name(src->shm, r->app));
    json_key(out, "method");
    json_text(out, str_of(r->all.method));
    json_key(out, "route");
    if (is_named)
        json_text(out, str_of(r->all.route));
    else
        json_null(out);
    json_key(out, "named_by");
    json_text(out, !is_named ? STR("nobody") : r->all.is_path ? STR("path") : STR("app"));
    json_key(out, "requests");
    json_u64(out, r->requests);
    per_request(out, "per_second", r->all.per_1000s, 1000);
}

static u64 mean(u64 sum, u64 count)
{
    return count ? sum / count : 0;
}

static void block_write(struct buf *out, const struct kind_row *kind)
{
    json_key(out, "block_ms");
    if (kind)
        json_ms(out, kind->block_ns);
    else
        json_null(out);
}

static void times_write(struct buf *out, const struct route_row *r)
{
    json_key(out, "p50_ms");
    json_ms(out, histogram_quantile(r->all.bucket, tally_le_ns, SHM_SERIES_LE, 500));
    json_key(out, "p99_ms");
    json_ms(out, histogram_quantile(r->all.bucket, tally_le_ns, SHM_SERIES_LE, 990));
    json_key(out, "mean_ms");
    json_ms(out, mean(r->all.sum_ns, r->requests));
}

static void bytes_write(struct buf *out, const struct route_row *r)
{
    json_key(out, "response_bytes");
    json_u64(out, mean(r->all.sent_bytes, r->requests));
    json_key(out, "response_bytes_total");
    json_u64(out, r->all.sent_bytes);
    json_key(out, "request_bytes_total");
    json_u64(out, r->all.received_bytes);
}

/* Of the loops' time, and what the kernel gave them of a CPU in it. */
static void loop_write(struct buf *out, const struct route_row *r)
{
    json_key(out, "loop_ms");
    json_ms(out, mean(r->all.loop_ns, r->requests));
    json_key(out, "loop_ms_total");
    json_ms(out, r->all.loop_ns);
    json_key(out, "cpu_ms");
    json_ms(out, mean(r->all.cpu_ns, r->requests));
    json_key(out, "cpu_ms_total");
    json_ms(out, r->all.cpu_ns);
}

static void allocated_write(struct buf *out, const struct route_row *r)
{
    json_key(out, "measured");
    json_u64(out, r->all.measured);
    json_key(out, "allocated_bytes");
    if (r->all.measured)
        json_u64(out, r->all.allocated_bytes / r->all.measured);
    else
        json_null(out);
}

static void row_write(struct buf *out, const struct page_source *src, const struct route_row *r,
                      const struct kinds *kinds)
{
    bool is_named = !route_row_is_nobodys(r);
    char name[SHM_CALL_ROUTE_MAX + 1];

    snprintf(name, sizeof(name), "%s %s", r->all.method, r->all.route);
    head_write(out, src, r, is_named);
    json_key(out, "errors");
    json_u64(out, r->errors);
    times_write(out, r);
    loop_write(out, r);
    allocated_write(out, r);
    bytes_write(out, r);
    block_write(out, is_named ? kind_find(kinds, r->app, str_of(name)) : NULL);
    asked_write(out, src, r->app, str_of(name));
    buf_addc(out, '}');
}

/* What its loops did since the monitor started, and how much of it was for requests. */
static void app_write(struct buf *out, const struct page_source *src, u32 app)
{
    struct route_costs_app c = route_costs_app(src->costs, app);

    json_comma(out);
    buf_addc(out, '{');
    json_key(out, "app");
    json_text(out, reading_app_name(src->shm, app));
    json_key(out, "loop_ms_total");
    json_ms(out, c.loop_ns);
    json_key(out, "cpu_ms_total");
    json_ms(out, c.cpu_ns);
    json_key(out, "cpu_ms_routes");
    json_ms(out, min(c.route_ns, c.cpu_ns));
    buf_addc(out, '}');
}

void page_routes(struct buf *out, const struct page_source *src)
{
    AUTO(freep) struct tally *tallies = calloc(SHM_SERIES_MAX, sizeof(*tallies));
    AUTO(freep) struct route_row *rows = calloc(SHM_SERIES_MAX, sizeof(*rows));
    AUTO(freep) struct kinds *kinds = calloc(1, sizeof(*kinds));
    u32 n;

    if (!tallies || !rows || !kinds) {
        out->failed = true;
        return;
    }
    n = route_rows_make(rows, tallies, tally_read_all(src->shm, tallies), src->shm);
    kinds_take(kinds, src->shm);
    buf_addc(out, '{');
    json_key(out, "routes");
    buf_addc(out, '[');
    for (u32 i = 0; i < n; i++)
        row_write(out, src, &rows[i], kinds);
    buf_addc(out, ']');
    json_key(out, "apps");
    buf_addc(out, '[');
    for (u32 i = 0; src->costs && i < reading_apps(src->shm); i++)
        if (!reading_app_is_gone(src->shm, i))
            app_write(out, src, i);
    buf_add(out, STR("]}\n"));
}
