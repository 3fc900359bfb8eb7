/* load/handshake.h -- how a connection becomes a WebSocket: RFC 6455 section 4, a client's side */
#pragma once

#include "base/buf.h"
#include "base/random.h"
#include "http/websocket.h"
#include "load/answer.h"

/* One upgrade. */
struct handshake {
    char accept[WEBSOCKET_ACCEPT_CHARS]; /* what the server must answer */
    char bad_text[64];                   /* after ANSWER_BAD */
};

/* Adds the request to `out`, with a fresh key. `fields` are further lines, each with its CRLF;
 * `host`: whether a Host field shall be written. */
void handshake_begin(struct handshake *h, struct random *random, struct str path,
                     struct str authority, bool host, struct str fields, struct buf *out);

/* The answer so far, from its first byte: MORE; DONE, *used bytes of it were the head and what
 * follows are frames; BAD: no WebSocket. */
MUST_USE enum answer_step handshake_feed(struct handshake *h, const char *bytes, size_t len,
                                         size_t *used);
