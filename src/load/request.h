/* load/request.h -- a kind of request as bytes, made once and sent again and again */
#pragma once

#include "http/method.h"
#include "load/destination.h"
#include "load/mix.h"

struct request {
    struct buf name;
    struct buf bytes; /* head and body; for a WebSocket, the message */
    enum http_method method;
};

/* -ENOMEM. */
MUST_USE int request_init(struct request *r, const struct mix_kind *k, const struct destination *d,
                          bool keep_alive);
void request_done(struct request *r);
