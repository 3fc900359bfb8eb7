/* redis/tierentry.h -- a response of the cache as it lies in Redis
 *
 * A head of fixed size with version, lengths and a checksum, then the texts. What does not fit this
 * to the byte is nothing: who else may write into that Redis is not known. The response's head is
 * parsed again by whoever takes it (http/head.h), and none of its lengths is believed here without
 * the others. Bytes in, views out.
 */
#pragma once

#include "base/buf.h"

/* A place in the log of purges (redis/purgelog.h): the id of an entry of a stream. */
struct purge_id {
    u64 ms, n;
};

enum tierentry_kind { TIERENTRY_RESPONSE = 1, TIERENTRY_VARY = 2 };

struct tierentry {
    enum tierentry_kind kind;
    u32 status;
    u32 age_s;            /* when it came (freshness.initial_age_s) … */
    u64 response_wall_ms; /* … which was then, since 1970 */
    struct purge_id seen; /* the last purge that was known when the app was asked */
    u64 generation;       /* of the variants: a part of their keys */
    struct str name, tags, vary, route;
    struct str head; /* status line and fields, each with its CRLF */
    struct str body;
};

enum { TIERENTRY_HEAD_BYTES = 76 };

/* How many bytes it takes. */
u64 tierentry_bytes(const struct tierentry *e);
/* All but the body: the caller adds e->body.len bytes of it (e->body.ptr is not looked at), then
 * seals what began at `begin` of the buffer. */
void tierentry_write(struct buf *out, const struct tierentry *e);
void tierentry_seal(struct buf *out, size_t begin);
/* Views of `bytes`. False: it is none. */
MUST_USE bool tierentry_read(struct tierentry *out, struct str bytes);
