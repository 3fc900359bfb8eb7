/* admin/site.h -- what a small HTTP server answers with: requests in, answers out
 *
 * Between the connections (admin/conn.h), which know bytes and time-outs, and what is served: the
 * pages of the admin address, or a heap snapshot to its reader's browser. No sockets here.
 */
#pragma once

#include "base/buf.h"
#include "http/head.h"

/* Views until the answer is given; what the request does not have is empty. */
struct site_request {
    enum http_method method;
    struct str target; /* "/metrics?x=1" */
    struct str host;
    struct str authorization;
    struct str origin;
    struct str fetch_site; /* Sec-Fetch-Site: who asks, as a browser says: "cross-site" */
    bool is_known;         /* as the site's `knows` has said of the connection */
};

struct site_answer {
    u32 status;
    struct str content_type;
    struct str fields; /* more header lines, each with its CRLF; literals */
};

struct site {
    /* Appends the body to `body`; embedded in whatever the answers are made from. */
    void (*answer)(struct site *site, const struct site_request *req, struct site_answer *out,
                   struct buf *body);
    /* Asked once of each connection; NULL: every one is known. */
    bool (*knows)(struct site *site, int fd);
};

/* No body is larger. */
#define SITE_BODY_BYTES_MAX (64ull << 20)

/* For every answer: what it says is true now only, and is nothing but what its type says. */
#define SITE_FIELDS "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n"

/* A plain-text answer of our own, for what never becomes a request too. */
void site_refuse(struct site_answer *out, struct buf *body, u32 status, const char *text);
