/* admin/route.c -- from a request to what is answered */
#include "admin/route.h"

#define TEXT_PLAIN STR("text/plain; charset=utf-8")
/* For every answer: what it says is true now only, and is nothing but what its type says. */
#define FIELDS "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n"

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
};

static void list_write(struct buf *out)
{
    for (u32 i = 0; i < ARRAY_LEN(rows); i++)
        buf_addf(out, "  %-14s %s\n", rows[i].path, rows[i].help);
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

void route_refuse(struct route_answer *out, struct buf *body, u32 status, const char *text)
{
    *out = (struct route_answer){ status, TEXT_PLAIN, STR(FIELDS) };
    buf_clear(body);
    buf_addf(body, "%s\n", text);
}

/* True: the request may go on. */
static bool permit_passed(struct route_answer *out, struct buf *body,
                          const struct route_request *req, const struct permit_rules *rules,
                          const struct row *row)
{
    switch (permit_check(rules, row && row->is_probe, req->host, req->authorization)) {
    case PERMIT_GRANTED:
        return true;
    case PERMIT_TOKEN_MISSING:
        route_refuse(out, body, 401,
                     "This needs the admin token: send Authorization: Bearer TOKEN.");
        out->fields = STR(FIELDS "WWW-Authenticate: Bearer realm=\"fettle\"\r\n");
        return false;
    case PERMIT_TOKEN_WRONG:
        route_refuse(out, body, 401, "The token is not the admin token.");
        out->fields = STR(FIELDS "WWW-Authenticate: Bearer realm=\"fettle\", "
                                 "error=\"invalid_token\"\r\n");
        return false;
    case PERMIT_HOST_WRONG:
        route_refuse(out, body, 403,
                     "Without an admin token only requests to localhost or to an IP address are "
                     "answered, so that no web page can read this under a name of its own.");
        return false;
    }
    return false;
}

void route_answer(struct route_answer *out, struct buf *body, const struct route_request *req,
                  const struct permit_rules *rules, const struct page_source *src)
{
    struct str query;
    const struct row *row = row_find(str_cut(req->target, '?', &query));

    if (!permit_passed(out, body, req, rules, row))
        return;
    if (!row) {
        route_refuse(out, body, 404, "There is nothing here. What there is:\n");
        list_write(body);
        return;
    }
    if (req->method != HTTP_GET && req->method != HTTP_HEAD) {
        route_refuse(out, body, 405, "Only GET and HEAD are answered here.");
        out->fields = STR(FIELDS "Allow: GET, HEAD\r\n");
        return;
    }
    row->page(body, src);
    if (body->failed) {
        route_refuse(out, body, 503, "There is not enough memory for this page now.");
        return;
    }
    *out = (struct route_answer){ 200, str_of(row->content_type), STR(FIELDS) };
    if (row->page == page_readyz && page_unready(src->shm))
        out->status = 503;
}
