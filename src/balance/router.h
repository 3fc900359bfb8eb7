/* balance/router.h -- which app gets a request: by its host, then by the longest prefix of its path
 *
 * The host counts without its port, without case and without a dot at its end. Routes of exactly
 * that host come first, then those of "*.example.org" (any host below it; the longest first), then
 * those of any host; of one host the longest path. The first that fits is it.
 *
 * A path is compared in its normal form (RFC 3986 section 6.2.2): letters, digits, - . _ ~ decoded,
 * segments . and .. resolved, the query left out; a prefix fits only up to the end of a segment.
 * What some readers take for more than that (%2F and \ for a slash, // for /, # for an end) is
 * read that way too, and a path that would then be another app's is ambiguous: so that no spelling
 * gets a request past a prefix.
 *
 * Values in, verdict out.
 */
#pragma once

#include "base/str.h"

enum {
    ROUTER_PATH_MAX = 4096, /* of paths that need a normal form */
};

struct router_route {
    struct str host; /* lower case: "shop.example", "*.example.org", "[::1]"; empty: any */
    struct str path; /* "/api", as router_path_is_normal; empty: all */
    u32 app;
    bool strip; /* the app gets the path without the prefix */
    u32 index;  /* the caller's */
};

struct router {
    struct router_route *route; /* the caller's; in the order of router_sort */
    u32 n;
};

void router_sort(struct router *r);

enum router_verdict { ROUTER_FOUND, ROUTER_NOBODY, ROUTER_AMBIGUOUS };

/* `authority` is host[:port] or empty, `path` that of the request line, with its query. FOUND: *out
 * is the route; when it strips, path begins with its prefix as it is written there, and what is
 * behind it has no segments to resolve. */
MUST_USE enum router_verdict router_find(const struct router *r, struct str authority,
                                         struct str path, const struct router_route **out);

/* What may be the path of a route: begins with a slash and does not end with one, is in normal
 * form, and has nothing in it that can be read in two ways. */
bool router_path_is_normal(struct str path);
