/* admin/route.h -- from a request to what is answered
 *
 * The table of what the admin address serves. No sockets: the server gives a request's parts and
 * writes what comes back.
 */
#pragma once

#include "admin/page.h"
#include "admin/permit.h"
#include "admin/site.h"

/* The pages to whom the rules permit. */
struct route {
    struct site site; /* its answer is route_answer */
    struct permit_rules rules;
    struct page_source source; /* its now_ns is filled in for each request */
};
void route_init(struct route *r, const struct permit_rules *rules,
                const struct page_source *source);

/* Appends the body to `body`. */
void route_answer(struct site_answer *out, struct buf *body, const struct site_request *req,
                  const struct permit_rules *rules, const struct page_source *src);
