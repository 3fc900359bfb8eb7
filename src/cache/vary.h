/* cache/vary.h -- which requests a stored response answers besides its own (RFC 9111 4.1)
 *
 * The names of a Vary field, and a digest of what a request has in the fields of these names. Two
 * requests have the same digest when those fields are the same but for spaces around commas and
 * lines that are joined; Accept-Encoding, whose tokens have no case, also but for that.
 */
#pragma once

#include "cache/digest.h"
#include "http/head.h"

enum { VARY_NAMES_MAX = 16, VARY_TEXT_MAX = 240 };

/* The names in lower case with commas between, as they came. */
struct vary {
    u16 len;
    char text[VARY_TEXT_MAX];
};

/* Adds the names of a field line. False: it is "*", or no list of names, or there are too many:
 * nobody else's request can be answered. */
MUST_USE bool vary_add(struct vary *v, struct str value);
/* The fields of `head` that `names` (the text of a vary) names. */
struct digest vary_digest(struct str names, const struct digest_keys *keys, const char *bytes,
                          const struct http_head *head);
