/* conf/endpoint.h -- an address to listen on, as people write it
 *
 * "127.0.0.1:9484", "[::1]:9484", "localhost:9484", ":9484" (every address of
 * the machine), "9484" (127.0.0.1 only: what is not said is not opened to
 * others), "unix:/run/app.sock", "off". Names are not looked up.
 */
#pragma once

#include "base/addr.h"
#include "base/buf.h"
#include "base/problem.h"

enum endpoint_kind { ENDPOINT_OFF, ENDPOINT_IP, ENDPOINT_UNIX };

struct endpoint {
    enum endpoint_kind kind;
    struct addr addr; /* ENDPOINT_IP; the family is AF_INET6 with :: for ":9484" */
    struct str path;  /* ENDPOINT_UNIX: at most 107 bytes, without "unix:" */
};

/* *out->path is a view of `s`. -EINVAL with p->text saying what is wrong with the value. */
MUST_USE int endpoint_parse(struct str s, struct endpoint *out, struct problem *p);
/* What endpoint_parse reads back. */
void endpoint_text(const struct endpoint *e, struct buf *out);
bool endpoint_same(const struct endpoint *a, const struct endpoint *b);
