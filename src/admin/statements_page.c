/* admin/statements_page.c -- /api/statements: JSON about what the requests of each route ask */
#include "admin/page.h"
#include "admin/queries.h"
#include "admin/slow_statement.h"
#include "base/json.h"
#include "metrics/histogram.h"

static u64 quantile(const struct queries_statement *s, u32 permille)
{
    return min(s->max_ns,
               histogram_quantile(s->bucket, queries_le_ns, SHM_CALL_BUCKETS - 1, permille));
}

/* [[0.020,3],[0.028,1]]: how many took at most so many ms, and longer than the bound before. What
 * took longer than all bounds stands at twice the last one. */
static void times_write(struct buf *out, const struct queries_statement *s)
{
    json_key(out, "times");
    buf_addc(out, '[');
    for (u32 i = 0; i < SHM_CALL_BUCKETS; i++) {
        if (!s->bucket[i])
            continue;
        json_comma(out);
        buf_addc(out, '[');
        json_ms(out, shm_call_le_ns(i));
        json_u64(out, s->bucket[i]);
        buf_addc(out, ']');
    }
    buf_addc(out, ']');
}

static void counts_write(struct buf *out, const struct queries_statement *s)
{
    json_key(out, "count");
    json_u64(out, s->count);
    json_key(out, "errors");
    json_u64(out, s->errors);
    json_key(out, "rows");
    if (s->rows_of)
        json_u64(out, s->rows);
    else
        json_null(out);
    json_key(out, "total_ms");
    json_ms(out, s->total_ns);
    json_key(out, "mean_ms");
    json_ms(out, s->count ? s->total_ns / s->count : 0);
    json_key(out, "p50_ms");
    json_ms(out, quantile(s, 500));
    json_key(out, "p99_ms");
    json_ms(out, quantile(s, 990));
    json_key(out, "max_ms");
    json_ms(out, s->max_ns);
    json_key(out, "requests_ms");
    json_ms(out, s->requests_ns);
    times_write(out, s);
}

static void statement_write(struct buf *out, const struct page_source *src,
                            const struct queries_statement *s)
{
    char id[17];

    slow_statement_id(s->hash, id);
    json_comma(out);
    buf_addc(out, '{');
    json_key(out, "id");
    json_text(out, str_of(id));
    json_key(out, "app");
    json_text(out, reading_app_name(src->shm, s->app));
    json_key(out, "route");
    json_text(out, str_of(s->route));
    json_key(out, "system");
    json_text(out, queries_system_name(s->system));
    json_key(out, "statement");
    json_text(out, str_of(s->statement));
    counts_write(out, s);
    buf_addc(out, '}');
}

void page_statements(struct buf *out, const struct page_source *src)
{
    buf_addc(out, '{');
    json_key(out, "statements");
    buf_addc(out, '[');
    for (u32 i = 0; src->queries && i < QUERIES_STATEMENTS_MAX; i++) {
        const struct queries_statement *s = queries_statement_at(src->queries, i);

        if (s)
            statement_write(out, src, s);
    }
    buf_add(out, STR("]}\n"));
}
