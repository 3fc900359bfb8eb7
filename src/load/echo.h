/* load/echo.h -- messages of a WebSocket and their echo: RFC 6455 section 5, a client's side
 *
 * Bytes in, a verdict out. What comes back is compared with what was sent, as it
 * comes, so that messages of any size need no memory.
 */
#pragma once

#include "base/buf.h"
#include "base/random.h"
#include "http/websocket.h"

enum echo_step {
    ECHO_MORE,
    ECHO_DONE,   /* the echo is complete */
    ECHO_PING,   /* to be answered by echo_pong; then feed again */
    ECHO_CLOSED, /* the server says good-bye */
    ECHO_BAD     /* bad_text says why */
};

/* All zero: no echo is expected. */
struct echo {
    const char *bad_text;
    /* private */
    struct str want; /* what has not come back yet */
    bool wanted;
    struct websocket_reader reader;
};

/* Adds a message as one masked frame (text, or binary when it is not UTF-8) and expects its echo,
 * of either type. `message` must live until the echo is complete. */
void echo_send(struct echo *e, struct str message, struct random *random, struct buf *out);
/* Adds the answer to the ping that was reported last. */
void echo_pong(const struct echo *e, struct random *random, struct buf *out);
/* Adds a close frame, status 1000. */
void echo_bye(struct random *random, struct buf *out);

/* *used is to be dropped after each step; with MORE the rest, at most WEBSOCKET_HEAD_MAX bytes,
 * must come again with more behind it. */
MUST_USE enum echo_step echo_feed(struct echo *e, const char *bytes, size_t len, size_t *used);
