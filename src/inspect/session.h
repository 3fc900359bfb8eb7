/* inspect/session.h -- a conversation with an inspector: WebSocket and the DevTools protocol
 *
 * Bytes in, steps out; what is to be sent gathers in `out`. No sockets, no clock. The driver
 * (inspect/devtools.h) moves the bytes.
 *
 * Source: https://chromedevtools.github.io/devtools-protocol/, Node's src/inspector_socket.cc.
 */
#pragma once

#include "base/random.h"
#include "http/websocket.h"
#include "inspect/message.h"

enum { SESSION_HEAD_MAX = 8192 };

enum session_step {
    SESSION_MORE,
    SESSION_OPEN,    /* the upgrade has been answered: commands may be sent */
    SESSION_BULK,    /* `bulk` has some of a large value: to be taken and cleared */
    SESSION_MESSAGE, /* `message` is complete */
    SESSION_CLOSED,
    SESSION_BAD, /* bad_text says why */
};

struct session {
    struct buf out; /* to be sent; the driver drops what it has sent */
    struct buf bulk;
    struct message message;
    char bad_text[128];
    /* private */
    struct random random;
    struct websocket_reader reader;
    char accept[WEBSOCKET_ACCEPT_CHARS];
    u64 asked; /* the id of the newest command */
    bool is_open, is_read;
};

/* Begins: the request for the upgrade is in `out`. `authority` is the Host field, as in
 * "127.0.0.1:9229"; `path` as in "/0f2c936f-…". */
void session_init(struct session *s, struct str authority, struct str path, u64 seed);
void session_done(struct session *s);

/* Adds a command to `out` and returns its id. `params` is a JSON object, or empty. */
u64 session_ask(struct session *s, const char *method, struct str params);
/* Adds a good-bye. */
void session_bye(struct session *s);

/* One step; *used is to be dropped after each one. With MORE the rest, at most SESSION_HEAD_MAX
 * bytes, must come again with more behind it. */
MUST_USE enum session_step session_feed(struct session *s, const char *bytes, size_t len,
                                        size_t *used);
