/* http/websocket.h -- WebSocket, RFC 6455: keys, frames, and what a server's frames say
 *
 * A client's side. Bytes in, steps out: no sockets, no memory of its own, no randomness (keys and
 * masks are arguments). A payload is handed on as it comes, so messages of any size need no memory.
 */
#pragma once

#include "base/buf.h"

enum websocket_opcode {
    WEBSOCKET_CONTINUATION,
    WEBSOCKET_TEXT,
    WEBSOCKET_BINARY,
    WEBSOCKET_CLOSE = 8,
    WEBSOCKET_PING,
    WEBSOCKET_PONG,
};

enum {
    WEBSOCKET_NONCE_BYTES = 16,
    WEBSOCKET_KEY_CHARS = 24,
    WEBSOCKET_ACCEPT_CHARS = 28,
    WEBSOCKET_CONTROL_MAX = 125, /* bytes of a ping or a close */
    WEBSOCKET_HEAD_MAX = 14      /* of a frame */
};

/* Section 4.1: what Sec-WebSocket-Key holds for 16 random bytes; what Sec-WebSocket-Accept must
 * answer. Neither is NUL-terminated. */
void websocket_key(const u8 nonce[WEBSOCKET_NONCE_BYTES], char out[WEBSOCKET_KEY_CHARS]);
void websocket_accept(const char key[WEBSOCKET_KEY_CHARS], char out[WEBSOCKET_ACCEPT_CHARS]);

/* Adds one whole frame, masked with `mask` (section 5.3). */
void websocket_frame_add(struct buf *out, enum websocket_opcode opcode, struct str payload,
                         u32 mask);

/* The head of a frame. */
struct websocket_frame {
    bool fin, masked;
    u8 reserved; /* the three bits; not 0: an extension's */
    u8 opcode;
    u64 payload_bytes;
};
/* Its bytes without the mask, or 0 while they are not all there (of them two, *out has all but
 * payload_bytes). */
MUST_USE size_t websocket_frame_head(struct websocket_frame *out, const char *bytes, size_t len);

enum websocket_step {
    WEBSOCKET_MORE,   /* nothing is left but the beginning of a head */
    WEBSOCKET_PART,   /* `part` is some of a message's payload */
    WEBSOCKET_END,    /* the message is complete */
    WEBSOCKET_PINGED, /* to be answered by websocket_pong; then feed again */
    WEBSOCKET_CLOSED, /* the server says good-bye */
    WEBSOCKET_BAD,    /* bad_text says why */
};

/* Reads what a server sends. All zero at first. */
struct websocket_reader {
    struct str part; /* a view of the bytes that were fed */
    const char *bad_text;
    /* private */
    bool in_message, in_frame;
    struct websocket_frame frame;
    u64 left; /* of its payload */
    u8 control[WEBSOCKET_CONTROL_MAX];
    u8 control_len;
};

/* One step. *used is to be dropped after each one; with MORE the rest, at most WEBSOCKET_HEAD_MAX
 * bytes, must come again with more behind it. */
MUST_USE enum websocket_step websocket_read(struct websocket_reader *r, const char *bytes,
                                            size_t len, size_t *used);
/* Adds the answer to the ping that was reported last. */
void websocket_pong(const struct websocket_reader *r, u32 mask, struct buf *out);
