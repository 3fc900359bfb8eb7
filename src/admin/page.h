/* admin/page.h -- what the pages of the admin address are made from
 *
 * One look at everything, taken when a page is asked for: shared memory and the sampler's history,
 * nothing else. No page asks a worker, or waits for one.
 */
#pragma once

#include "admin/blocks.h"
#include "admin/sampler.h"
#include "admin/tally.h"
#include "base/buf.h"
#include "otlp/points.h"

struct page_source {
    const struct shm *shm;
    struct sampler *sampler;
    struct found *found;             /* NULL: there is none */
    const struct blocks *blocks;     /* NULL likewise */
    const struct journals *journals; /* NULL likewise */
    const struct queries *queries;   /* NULL likewise */
    const struct route_costs *costs; /* NULL likewise */
    u64 now_ns;
    const struct exporter *exporter; /* NULL: nothing is sent by OTLP */
    bool prom_client;                /* which families /metrics holds */
    bool opentelemetry;
};

/* Each appends a page to `out`; a failed allocation shows in out->failed. */
void page_metrics(struct buf *out, const struct page_source *src);    /* Prometheus text 0.0.4 */
void page_workers(struct buf *out, const struct page_source *src);    /* JSON list */
void page_history(struct buf *out, const struct page_source *src);    /* JSON list */
void page_app(struct buf *out, const struct page_source *src);        /* JSON object */
void page_apps(struct buf *out, const struct page_source *src);       /* JSON list */
void page_lanes(struct buf *out, const struct page_source *src);      /* JSON object */
void page_cache(struct buf *out, const struct page_source *src);      /* JSON object */
void page_findings(struct buf *out, const struct page_source *src);   /* JSON object */
void page_routes(struct buf *out, const struct page_source *src);     /* JSON object */
void page_ceilings(struct buf *out, const struct page_source *src);   /* JSON object */
void page_circuits(struct buf *out, const struct page_source *src);   /* JSON object */
void page_upstreams(struct buf *out, const struct page_source *src);  /* JSON object */
void page_limits(struct buf *out, const struct page_source *src);     /* JSON object */
void page_statements(struct buf *out, const struct page_source *src); /* JSON object */

/* What /metrics has, for OTLP. NULL: out of memory. */
MUST_USE struct batch *page_otlp(struct points *p, const struct page_source *src);

/* Of all apps. */
u64 page_workers_wanted(const struct shm *shm);
/* Of one, those that have a process that is ready. */
u32 page_workers_ready(const struct shm *shm, u32 app);

/* The member `listeners` of an app, or of all. */
enum { PAGE_ALL_APPS = SHM_APPS_MAX };
void page_listeners(struct buf *out, const struct shm *shm, u32 app);

/* Whether requests are served: NULL, or why not. */
const char *page_unready(const struct shm *shm);
