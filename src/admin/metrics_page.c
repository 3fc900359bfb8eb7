/* admin/metrics_page.c -- /metrics */
#include "admin/metrics_page.h"

#include "metrics/histogram.h"

bool metrics_has(const struct reading *r, enum metrics_need need)
{
    switch (need) {
    case METRICS_ALIVE:
        return reading_alive(r);
    case METRICS_LOOP:
        return reading_alive(r) && r->has_loop;
    case METRICS_AGENT:
        return reading_alive(r) && r->has_agent;
    case METRICS_USAGE:
        return reading_alive(r) && r->has_usage;
    case METRICS_LISTED:
        return true;
    }
    return false;
}

void metrics_rows(struct text *t, const struct metrics_source *src, const struct metrics_row *rows,
                  u32 count)
{
    for (const struct metrics_row *row = rows; row < rows + count; row++) {
        text_family(t, row->name, row->type, row->help);
        for (u32 i = 0; i < src->workers; i++) {
            const struct reading *r = &src->worker[i];
            u64 n = *(const u64 *)((const char *)r + row->offset);

            if (!metrics_has(r, row->need))
                continue;
            switch (row->unit) {
            case METRICS_COUNT:
                text_u64(t, LABELS(METRICS_WORKER(r)), n);
                break;
            case METRICS_NS:
                text_seconds(t, LABELS(METRICS_WORKER(r)), n);
                break;
            case METRICS_PPM:
                text_millionths(t, LABELS(METRICS_WORKER(r)), n);
                break;
            }
        }
    }
}

void metrics_gc(struct text *t, const struct metrics_source *src, const char *name,
                const char *label, const char *help)
{
    u64 cumulative[READING_GC_BOUNDS + 1];

    text_family(t, name, TEXT_HISTOGRAM, help);
    for (u32 i = 0; i < src->workers; i++) {
        const struct reading *r = &src->worker[i];

        for (u32 kind = 0; kind < SHM_GC_KINDS && metrics_has(r, METRICS_AGENT); kind++) {
            histogram_cumulate(r->gc[kind].bucket, reading_gc_le_ns, READING_GC_BOUNDS,
                               reading_gc_le_ns, READING_GC_BOUNDS, cumulative);
            text_histogram(t, LABELS(METRICS_WORKER(r), { label, str_of(reading_gc_name(kind)) }),
                           reading_gc_le_ns, READING_GC_BOUNDS, cumulative, r->gc[kind].total_ns);
        }
    }
}

void metrics_resources(struct text *t, const struct metrics_source *src, const char *name,
                       const char *label, const char *help, bool handles, bool requests)
{
    text_family(t, name, TEXT_GAUGE, help);
    for (u32 i = 0; i < src->workers; i++) {
        const struct reading *r = &src->worker[i];

        for (u32 j = 0; j < r->resources && metrics_has(r, METRICS_AGENT); j++) {
            const struct reading_resource *one = &r->resource[j];
            bool is_first = true;
            u64 count = 0;

            for (u32 k = 0; k < r->resources; k++) {
                const struct reading_resource *other = &r->resource[k];

                if (!(other->is_request ? requests : handles) ||
                    strcmp(one->type, other->type) != 0)
                    continue;
                is_first &= k >= j;
                count += other->count;
            }
            if (is_first && (one->is_request ? requests : handles))
                text_u64(t, LABELS(METRICS_WORKER(r), { label, str_of(one->type) }), count);
        }
    }
}

bool metrics_source_take(struct metrics_source *src, const struct page_source *page)
{
    *src = (struct metrics_source){
        .page = page,
        .worker = calloc(SHM_SLOTS_MAX, sizeof(*src->worker)),
        .tally = calloc(SHM_SERIES_MAX, sizeof(*src->tally)),
    };
    if (!src->worker || !src->tally)
        return false;
    src->workers = sampler_read_all(page->sampler, page->shm, page->now_ns, src->worker);
    src->tallies = tally_read_all(page->shm, src->tally);
    return true;
}

void metrics_source_done(struct metrics_source *src)
{
    free(src->worker);
    free(src->tally);
    *src = (struct metrics_source){ 0 };
}

void page_metrics(struct buf *out, const struct page_source *src)
{
    struct metrics_source parts;
    struct text text = { .out = out };

    if (metrics_source_take(&parts, src)) {
        metrics_fettle(&text, &parts);
        metrics_findings(&text, &parts);
        metrics_routes(&text, &parts);
        metrics_queries(&text, &parts);
        metrics_cache(&text, &parts);
        metrics_limits(&text, &parts);
        metrics_redis(&text, &parts);
        metrics_otlp(&text, &parts);
        if (src->prom_client)
            metrics_prom_client(&text, &parts);
        if (src->opentelemetry)
            metrics_opentelemetry(&text, &parts);
        metrics_app(&text, &parts);
    } else {
        out->failed = true;
    }
    metrics_source_done(&parts);
}
