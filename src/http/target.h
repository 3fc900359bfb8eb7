/* http/target.h -- hosts, ports and authorities
 *
 * What may stand in Host, in an absolute-form target and after CONNECT: RFC 3986
 * 3.2.2 without userinfo, IPvFuture and zone ids; a port is 1 to 65535.
 */
#pragma once

#include "base/str.h"

struct http_authority {
    struct str host; /* "example.com", "127.0.0.1", "[::1]" with its brackets; never empty */
    u32 port;        /* 0: not given */
};

/* host[:port]. False: it is none; *out unchanged. */
MUST_USE bool http_authority_parse(struct str s, struct http_authority *out);
