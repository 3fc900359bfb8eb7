/* cache/storedhead.h -- the head of a response as it is stored: as it will be sent
 *
 * Status line and fields, each with its CRLF, without the empty line. Left out is what belongs to
 * one connection, what is written anew each time (Age, Content-Length), and the surrogate keys,
 * which are for caches only. Bytes in, bytes out.
 */
#pragma once

#include "cache/freshness.h"
#include "cache/store.h"

enum { STOREDHEAD_TAGS_MAX = 2048 };

struct storedhead {
    char *bytes; /* the caller's */
    u32 room, len;
    u32 line_bytes; /* of the status line */
    struct store_span etag, last_modified, date;
    bool full; /* it did not fit */
    u32 tags_len;
    char tags[STOREDHEAD_TAGS_MAX]; /* surrogate keys, one space between two; those that fit */
};

/* Of a response from the app. `wall_s` is its Date if it has none (RFC 9110 6.6.1). False: no room.
 */
MUST_USE bool storedhead_make(struct storedhead *to, const char *bytes,
                              const struct http_head *head, u64 wall_s);
/* What is stored, with the fields that a 304 says anew in the place of the old ones (RFC 9111 3.2).
 */
MUST_USE bool storedhead_merge(struct storedhead *to, struct str stored, const char *bytes,
                               const struct http_head *head, u64 wall_s);
/* The head of a 304 to a client: without the fields that describe the content (RFC 9110 15.4.5). */
MUST_USE bool storedhead_not_modified(struct storedhead *to, struct str stored);

static inline struct str storedhead_text(const struct storedhead *h)
{
    return str_make(h->bytes, h->len);
}

/* What it says of how long it is true, and of its variants. Dates and ages that are not in the head
 * are left as they are. False: Vary lets it answer nobody else. */
MUST_USE bool storedhead_facts(const struct storedhead *h, struct freshness_source *from,
                               struct vary *vary);

/* Whether the field is one of surrogate keys. */
MUST_USE bool storedhead_is_tag(struct str name);
