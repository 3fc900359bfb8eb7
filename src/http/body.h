/* http/body.h -- the body of an HTTP/1 message: framing off, payload through
 *
 * Bytes in, views of the payload out; nothing is copied. The loop of a caller:
 *
 *     do {
 *         step = http_body_feed(&b, bytes, len, &used, &data, &error);
 *         … DATA: pass `data` on before the buffer changes …
 *         bytes += used, len -= used;
 *     } while (step == HTTP_BODY_DATA || step == HTTP_BODY_TRAILERS);
 *
 * and, on HTTP_BODY_MORE, read more behind the bytes that were not used. What is
 * left unused is never more than HTTP_BODY_LINE_MAX in front of a chunk, or
 * HTTP_BODY_TRAILERS_MAX at the end: a buffer of the latter size always suffices.
 */
#pragma once

#include "http/head.h"

enum {
    HTTP_BODY_LINE_MAX = 256,        /* a chunk's size line with its extensions and CRLF */
    HTTP_BODY_TRAILERS_MAX = 8192,   /* the trailer section with its empty line */
    HTTP_BODY_TRAILERS_N_MAX = 64,   /* lines in it */
    HTTP_BODY_EXTENSIONS_MAX = 16384 /* bytes of chunk extensions in one body */
};

enum http_body_step {
    HTTP_BODY_MORE,     /* nothing to report until there are more bytes */
    HTTP_BODY_DATA,     /* *data: the next part of the payload, never empty */
    HTTP_BODY_TRAILERS, /* *data: the trailer fields, each line with its CRLF, without the empty
                           line */
    HTTP_BODY_END, /* the body is complete; said once, what follows belongs to the next message */
    HTTP_BODY_BAD  /* *error: 400 for framing, 413 above bytes_max; said again if called again */
};

struct http_body {
    /* private */
    u64 left;      /* of this chunk, or of the whole by length */
    u64 bytes;     /* payload so far */
    u64 bytes_max; /* 0: none */
    const char *bad_text;
    u32 fed;        /* bytes used so far, for error.at */
    u32 bad_at;     /* what error.at says */
    u32 scanned;    /* trailer bytes found good and not yet used */
    u16 extensions; /* bytes of chunk extensions so far */
    u16 bad_status;
    u8 framing;
    u8 state;
    u8 trailers_n;
};
static_assert(sizeof(struct http_body) <= 64, "a body is embedded in every connection");

/* bytes_max: the largest payload that is taken, 0 for no limit. A content_length above it is BAD at
 * the first feed, a chunk that leads above it at its size line. */
void http_body_init(struct http_body *b, enum http_framing framing, u64 content_length,
                    u64 bytes_max);

/* Takes from bytes. *used: the bytes to drop after this step, written at every step (on BAD: 0).
 * *data is written with DATA and TRAILERS and is a view into bytes; *error with BAD, where `at`
 * counts from the body's first byte (modulo 2^32).
 * Feed with len 0 is allowed and asks what is known: a body of length 0 ends so.
 * HTTP_BODY_MORE leaves a partial size line or trailer section unused: the same bytes must come
 * again, with more behind them. After END: MORE, nothing used.
 * Trailers come once, complete and validated, before END, only if there are any. Those that would
 * change what the head meant (framing, routing, authentication, RFC 9110 6.5.1: rows of http/name.h
 * marked HTTP_NAME_NO_TRAILER) are refused, not dropped: a peer that sends one is lying to
 * somebody. */
MUST_USE enum http_body_step http_body_feed(struct http_body *b, const char *bytes, size_t len,
                                            size_t *used, struct str *data,
                                            struct http_error *error);

/* The peer has closed its side. True: the body was allowed to end here (CLOSE framing, or it was
 * complete), and is done. */
MUST_USE bool http_body_eof(struct http_body *b);
/* How many of the next bytes are payload for certain: what is left by length, or of the chunk that
 * has begun. Nobody needs to look at them. */
u64 http_body_opaque(const struct http_body *b);
/* So many of these have gone another way. */
void http_body_skip(struct http_body *b, u64 bytes);
/* All bytes of the body have been taken; END may still be to come. */
bool http_body_done(const struct http_body *b);
/* Payload so far. */
u64 http_body_bytes(const struct http_body *b);
