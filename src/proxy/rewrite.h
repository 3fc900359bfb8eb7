/* proxy/rewrite.h -- what changes in a head on its way through
 *
 * Pure: a head and some values in, bytes out, appended to a block. Hop-by-hop
 * fields (RFC 9110 7.6.1) go and are made anew for the next hop; the forwarding
 * fields are ours alone unless the peer is trusted.
 */
#pragma once

#include "http/head.h"
#include "proxy/block.h"

struct rewrite_request {
    bool trusted;          /* the peer may say what X-Forwarded-* and X-Request-Id are */
    struct str client_ip;  /* "1.2.3.4": whom peer_client() found; all of X-Forwarded-For */
    struct str scheme;     /* "http" */
    struct str request_id; /* exchange_id() has chosen it */
    bool chunked;          /* the body goes in chunks */
    bool upgrade;          /* passes Connection and Upgrade on */
    bool stripped;     /* `path` is a part of the target: a / is put before it if it has none … */
    struct str prefix; /* … and this is what was taken off it, for X-Forwarded-Prefix */
    /* The span of ours that is the parent of whatever comes; empty: traceparent and tracestate pass
     * as they are. */
    struct str traceparent;
    bool drop_state; /* tracestate belongs to no trace that goes on */
    u64 without;     /* names (bits of enum http_name) that are left out … */
    struct str via;  /* who we are, added to Via (RFC 9110 section 7.6.3); empty: nothing is */
    struct str host; /* what Host says; empty: as it came */
    struct str more; /* … and lines that are added, each with its CRLF */
};

/* The request as the worker gets it. False: no room. */
MUST_USE bool rewrite_request(struct block *out, const char *bytes, struct http_head *head,
                              const struct rewrite_request *r);

enum rewrite_framing { REWRITE_AS_IS, REWRITE_CHUNKED, REWRITE_CLOSE };

struct rewrite_response {
    enum rewrite_framing framing;  /* CLOSE: the end of the connection ends the body */
    u8 version_minor;              /* of the client */
    bool keep;                     /* the connection stays */
    bool upgrade;                  /* a 101 */
    bool interim;                  /* another 1xx: no connection fields at all */
    struct str more, fields, load; /* lines that are added, each with its CRLF */
};

/* The response as the client gets it. False: no room. */
MUST_USE bool rewrite_response(struct block *out, const char *bytes, struct http_head *head,
                               const struct rewrite_response *r);

/* The value of the cookie `name` in the request's Cookie fields; empty: none. */
struct str rewrite_cookie(const char *bytes, struct http_head *head, struct str name);
/* The first field of this name, without case; empty: none. */
struct str rewrite_field(const char *bytes, struct http_head *head, struct str name);
