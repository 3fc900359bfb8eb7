/* cache/condition.h -- what a client has already, and how much of it (RFC 9110 13 and 14)
 *
 * Bytes in, verdict out.
 */
#pragma once

#include "base/str.h"

/* Entity tags, with their quotes and W/ (RFC 9110 8.8.3.2). */
MUST_USE bool condition_etag_weak_eq(struct str a, struct str b);
MUST_USE bool condition_etag_strong_eq(struct str a, struct str b);
/* Whether a list of If-None-Match or If-Match ("*" included) has a tag that is weakly the same. */
MUST_USE bool condition_etag_listed(struct str list, struct str etag);

/* What is stored: ptr NULL when the response has no such field. */
struct condition_stored {
    struct str etag, last_modified, date;
};

/* Whether If-Modified-Since says that the stored response is not news (RFC 9111 4.3.2: without a
 * Last-Modified its Date counts). */
MUST_USE bool condition_unmodified_since(const struct condition_stored *s, struct str since,
                                         u64 wall_s);
/* Whether If-Range lets a part be sent (RFC 9110 13.1.5). */
MUST_USE bool condition_range_holds(const struct condition_stored *s, struct str if_range);

enum byterange_verdict {
    BYTERANGE_ALL,  /* no range that we answer with a part: send all of it */
    BYTERANGE_PART, /* *from, *len */
    BYTERANGE_NONE, /* 416 */
};
/* A Range field against `bytes` stored bytes. Several ranges are answered with the whole, which
 * whoever serves them may do (RFC 9110 14.2). */
enum byterange_verdict condition_range(struct str range, u64 bytes, u64 *from, u64 *len);
