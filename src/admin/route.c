/* admin/route.c -- from a request to what is answered */
#include "admin/route.h"

static void page_index(struct buf *out, const struct page_source *src);

static void page_healthz(struct buf *out, const struct page_source *src)
{
    (void)src; /* the monitor lives no longer than the supervisor */
    buf_add(out, STR("ok\n"));
}

static void page_readyz(struct buf *out, const struct page_source *src)
{
    const char *unready = page_unready(src->shm);

    buf_addf(out, "%s\n", unready ? unready : "ready");
}

static const struct row {
    const char *path;
    void (*page)(struct buf *out, const struct page_source *src);
    const char *content_type;
    bool is_probe; /* answered without a token */
    const char *help;
} rows[] = {
    { "/", page_index, "text/plain; charset=utf-8", false, "this list" },
    { "/metrics", page_metrics, "text/plain; version=0.0.4; charset=utf-8", false,
      "all metrics, for Prometheus" },
    { "/healthz", page_healthz, "text/plain; charset=utf-8", true, "200 while fettle runs" },
    { "/readyz", page_readyz, "text/plain; charset=utf-8", true,
      "200 when a worker of each app is ready, else 503 and why" },
    { "/api/workers", page_workers, "application/json", false, "the workers (JSON)" },
    { "/api/history", page_history, "application/json", false,
      "the workers' last five minutes (JSON)" },
    { "/api/app", page_app, "application/json", false, "the app and its proxy (JSON)" },
    { "/api/apps", page_apps, "application/json", false, "the apps, one by one (JSON)" },
    { "/api/lanes", page_lanes, "application/json", false,
      "which kinds of requests block, and who serves them (JSON)" },
    { "/api/routes", page_routes, "application/json", false,
      "the routes, what they cost and what they ask (JSON)" },
    { "/api/statements", page_statements, "application/json", false,
      "the statements of each route (JSON)" },
    { "/api/cache", page_cache, "application/json", false,
      "what the cache of responses holds and does (JSON)" },
    { "/api/circuits", page_circuits, "application/json", false, "the circuit breakers (JSON)" },
    { "/api/upstreams", page_upstreams, "application/json", false,
      "the hosts that requests go to (JSON)" },
    { "/api/concurrency", page_ceilings, "application/json", false,
      "how many requests run at once, and how many wait (JSON)" },
    { "/api/limits", page_limits, "application/json", false,
      "rate limits, and whom they refuse (JSON)" },
    { "/api/findings", page_findings, "application/json", false,
      "what is wrong with the apps: blocked loops and the like (JSON)" },
};

static void list_write(struct buf *out)
{
    for (u32 i = 0; i < ARRAY_LEN(rows); i++)
        buf_addf(out, "  %-15s %s\n", rows[i].path, rows[i].help);
}

static void page_index(struct buf *out, const struct page_source *src)
{
    u32 apps = reading_apps(src->shm);
    const char *before = "";

    buf_add(out, STR("fettle " FETTLE_VERSION ", running "));
    for (u32 i = 0; i < apps; i++) {
        if (reading_app_is_gone(src->shm, i))
            continue;
        buf_addf(out, "%s%.*s", before, STR_ARG(reading_app_name(src->shm, i)));
        before = ", ";
    }
    buf_add(out, STR("\n\n"));
    list_write(out);
}

static const struct row *row_find(struct str path)
{
    for (u32 i = 0; i < ARRAY_LEN(rows); i++)
        if (str_eq(path, str_of(rows[i].path)))
            return &rows[i];
    return NULL;
}

/* True: the request may go on. */
static bool permit_passed(struct site_answer *out, struct buf *body, const struct site_request *req,
                          const struct permit_rules *rules, const struct row *row)
{
    switch (permit_check(rules, row && row->is_probe, req->host, req->authorization)) {
    case PERMIT_GRANTED:
        return true;
    case PERMIT_TOKEN_MISSING:
        site_refuse(out, body, 401,
                    "This needs the admin token: send Authorization: Bearer TOKEN.");
        out->fields = STR(SITE_FIELDS "WWW-Authenticate: Bearer realm=\"fettle\"\r\n");
        return false;
    case PERMIT_TOKEN_WRONG:
        site_refuse(out, body, 401, "The token is not the admin token.");
        out->fields = STR(SITE_FIELDS "WWW-Authenticate: Bearer realm=\"fettle\", "
                                      "error=\"invalid_token\"\r\n");
        return false;
    case PERMIT_HOST_WRONG:
        site_refuse(out, body, 403,
                    "Without an admin token only requests to localhost or to an IP address are "
                    "answered, so that no web page can read this under a name of its own.");
        return false;
    }
    return false;
}

void route_answer(struct site_answer *out, struct buf *body, const struct site_request *req,
                  const struct permit_rules *rules, const struct page_source *src)
{
    struct str query;
    const struct row *row = row_find(str_cut(req->target, '?', &query));

    if (!permit_passed(out, body, req, rules, row))
        return;
    if (!row) {
        site_refuse(out, body, 404, "There is nothing here. What there is:\n");
        list_write(body);
        return;
    }
    if (req->method != HTTP_GET && req->method != HTTP_HEAD) {
        site_refuse(out, body, 405, "Only GET and HEAD are answered here.");
        out->fields = STR(SITE_FIELDS "Allow: GET, HEAD\r\n");
        return;
    }
    row->page(body, src);
    if (body->failed) {
        site_refuse(out, body, 503, "There is not enough memory for this page now.");
        return;
    }
    *out = (struct site_answer){ 200, str_of(row->content_type), STR(SITE_FIELDS) };
    if (row->page == page_readyz && page_unready(src->shm))
        out->status = 503;
}

static void answer(struct site *site, const struct site_request *req, struct site_answer *out,
                   struct buf *body)
{
    struct route *r = container_of(site, struct route, site);

    r->source.now_ns = clock_now_ns();
    route_answer(out, body, req, &r->rules, &r->source);
}

void route_init(struct route *r, const struct permit_rules *rules, const struct page_source *source)
{
    *r = (struct route){ .site.answer = answer, .rules = *rules, .source = *source };
}
