/* admin/metrics_page.h -- the parts that /metrics is put together from
 *
 * Each writes whole families, so that a family's samples stay together. doc/metrics.md lists
 * every one; test/unit/admin_metrics_test.c holds that list against what comes out.
 */
#pragma once

#include "admin/page.h"
#include "metrics/text.h"

struct metrics_source {
    const struct page_source *page;
    u32 workers;
    struct reading *worker;
    u32 tallies;
    struct tally *tally;
};

/* A family with one plain number for each process. */
enum metrics_unit { METRICS_COUNT, METRICS_NS, METRICS_PPM };
enum metrics_need { METRICS_ALIVE, METRICS_LOOP, METRICS_AGENT, METRICS_USAGE, METRICS_LISTED };
struct metrics_row {
    const char *name;
    enum text_type type;
    enum metrics_unit unit;
    enum metrics_need need; /* processes of which this is not known are left out */
    size_t offset;          /* of a u64 in struct reading */
    const char *help;
};
void metrics_rows(struct text *t, const struct metrics_source *src, const struct metrics_row *rows,
                  u32 count);
/* Whether the process has what `need` says. */
bool metrics_has(const struct reading *r, enum metrics_need need);
/* The labels of a process: its app, where there are several, and its worker. */
#define METRICS_WORKER(r)             \
    { "app", str_of((r)->app_name) }, \
    {                                 \
        "worker", str_of((r)->id)     \
    }
/* A family's histogram of collections, a series for each process and kind. */
void metrics_gc(struct text *t, const struct metrics_source *src, const char *name,
                const char *label, const char *help);
/* Active handles, requests or both by type; of a type that is both, the sum. */
void metrics_resources(struct text *t, const struct metrics_source *src, const char *name,
                       const char *label, const char *help, bool handles, bool requests);

/* Reads all that the families are made from. False: out of memory. */
MUST_USE bool metrics_source_take(struct metrics_source *src, const struct page_source *page);
void metrics_source_done(struct metrics_source *src);

void metrics_prom_client(struct text *t, const struct metrics_source *src);
void metrics_opentelemetry(struct text *t, const struct metrics_source *src);
void metrics_fettle(struct text *t, const struct metrics_source *src);
void metrics_app(struct text *t, const struct metrics_source *src);
void metrics_cache(struct text *t, const struct metrics_source *src);
void metrics_findings(struct text *t, const struct metrics_source *src);
void metrics_routes(struct text *t, const struct metrics_source *src);
void metrics_queries(struct text *t, const struct metrics_source *src);
void metrics_limits(struct text *t, const struct metrics_source *src);
void metrics_redis(struct text *t, const struct metrics_source *src);
void metrics_otlp(struct text *t, const struct metrics_source *src);
