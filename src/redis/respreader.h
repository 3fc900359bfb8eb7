/* redis/respreader.h -- what a Redis answers: bytes in, replies out
 *
 * RESP2, by hiredis's reader, which owns no socket; the library is loaded when the first reader is
 * made. Replies that are larger than asked for, or no RESP, are errors: what the bytes say is never
 * trusted.
 */
#pragma once

#include "base/problem.h"
#include "base/str.h"

enum reply_kind {
    REPLY_NIL,
    REPLY_STATUS,
    REPLY_ERROR,
    REPLY_STRING,
    REPLY_INTEGER,
    REPLY_ARRAY,
};

/* Valid until the next respreader_next. */
struct reply {
    enum reply_kind kind;
    u32 n;           /* of an array */
    i64 integer;     /* of an integer */
    struct str text; /* of a string, a status, an error */
    const void *is;  /* private */
};

/* The i-th of an array; of anything else, and behind its end: nil. */
struct reply reply_at(const struct reply *r, u32 i);

struct respreader;

/* A reply may take so many bytes in all. -EINVAL with *p: the library is not there; -ENOMEM. */
MUST_USE int respreader_new(struct respreader **out, size_t bytes_max, struct problem *p);
/* Accepts NULL. */
void respreader_free(struct respreader *r);
/* -EPROTO, -EMSGSIZE, -ENOMEM: the connection is of no use any more. */
MUST_USE int respreader_feed(struct respreader *r, struct str bytes);
/* 1: *out is the next one; 0: it has not come as a whole; as respreader_feed. */
MUST_USE int respreader_next(struct respreader *r, struct reply *out);
