/* load/answer.h -- where an answer ends, and what it says: an HTTP response, from bytes
 *
 * The parsers of http/ with what a client adds: interim responses are passed
 * over, the framing follows the request's method, bodies are counted and thrown
 * away. No memory of its own, no clock, no sockets.
 */
#pragma once

#include "http/body.h"

enum {
    ANSWER_HEAD_MAX = 64 << 10, /* bytes of one head; more is a broken server */
    ANSWER_FIELDS_MAX = 256,
    ANSWER_INTERIM_MAX = 16 /* 1xx responses before the one that counts */
};

extern const struct http_limits answer_limits;

enum answer_step {
    ANSWER_MORE, /* all right so far */
    ANSWER_DONE, /* complete: status and keep_alive are valid */
    ANSWER_BAD   /* not HTTP: bad_text says why */
};

struct answer {
    u32 status;      /* 0 before the head has been read */
    bool keep_alive; /* the connection may be used for another request */
    const char *bad_text;
    /* private */
    enum http_method method;
    u32 interim;
    bool in_body;
    struct http_body body;
};

/* For one request with this method; again for the next. */
void answer_init(struct answer *a, enum http_method method);

/* Takes from `bytes`; *used is what to drop. With ANSWER_MORE the rest must come again, with more
 * behind it: it is at most ANSWER_HEAD_MAX. Bytes after the answer are left unused. */
MUST_USE enum answer_step answer_feed(struct answer *a, const char *bytes, size_t len,
                                      size_t *used);
/* The server has closed its side. True: the answer was allowed to end there, and is complete. */
MUST_USE bool answer_eof(struct answer *a);
