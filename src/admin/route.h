/* admin/route.h -- from a request to what is answered
 *
 * The table of what the admin address serves. No sockets: the server gives a request's parts and
 * writes what comes back.
 */
#pragma once

#include "admin/page.h"
#include "admin/permit.h"
#include "http/head.h"

struct route_request {
    enum http_method method;
    struct str target; /* "/metrics?x=1" */
    struct str host;   /* may be empty */
    struct str authorization;
};

struct route_answer {
    u32 status;
    struct str content_type;
    struct str fields; /* more header lines, each with its CRLF; literals */
};

/* Appends the body to `body`. */
void route_answer(struct route_answer *out, struct buf *body, const struct route_request *req,
                  const struct permit_rules *rules, const struct page_source *src);

/* A plain-text answer of our own, for what never becomes a request. */
void route_refuse(struct route_answer *out, struct buf *body, u32 status, const char *text);
