/* admin/metrics_queries.c -- what the requests of each route ask, as numbers */
#include "admin/metrics_page.h"
#include "admin/queries.h"

static const struct family {
    const char *name;
    size_t offset; /* of a u64 in struct queries_route */
    bool is_ns;
    const char *help;
} families[] = {
    { "fettle_watched_requests_total", offsetof(struct queries_route, requests), false,
      "Requests that were watched for what they ask (the setting watch-requests)." },
    { "fettle_watched_queries_total", offsetof(struct queries_route, queries), false,
      "Statements and commands that these sent to databases." },
    { "fettle_watched_queries_seconds_total", offsetof(struct queries_route, queries_ns), true,
      "How long it took until these were answered." },
    { "fettle_watched_calls_total", offsetof(struct queries_route, calls), false,
      "Requests that these sent to other servers." },
    { "fettle_watched_calls_seconds_total", offsetof(struct queries_route, calls_ns), true,
      "How long it took until these were answered." },
};

void metrics_queries(struct text *t, const struct metrics_source *src)
{
    const struct queries *q = src->page->queries;

    for (u32 f = 0; f < ARRAY_LEN(families); f++) {
        text_family(t, families[f].name, TEXT_COUNTER, families[f].help);
        for (u32 i = 0; q && i < QUERIES_ROUTES_MAX; i++) {
            const struct queries_route *r = queries_route_at(q, i);
            u64 n;

            if (!r)
                continue;
            memcpy(&n, (const char *)r + families[f].offset, sizeof(n));
            (families[f].is_ns ? text_seconds : text_u64)(
                t,
                LABELS({ "app", reading_app_label(src->page->shm, r->app) },
                       { "route", str_of(r->route) }),
                n);
        }
    }
}
