/* proxy/exchange.h -- one request and its response, between a client and a worker
 *
 * Owned by its client (client->x). A call marked «may end it» can free the
 * exchange and its client: look at neither after it.
 */
#pragma once

#include "proxy/client.h"

/* NULL: out of memory. */
struct exchange *exchange_new(struct client *c);
/* Frees its claim, ticket and upstream connection; sets client->x to NULL. */
void exchange_free(struct exchange *x);

/* Lets go of the worker, for good (its connection rests for keep_ns) or before another try. */
void exchange_let_go(struct exchange *x, u64 keep_ns);

/* Its method, path and size: views into the request's head, which stays in client->in until it is
 * over. */
struct kind_request exchange_kind_request(const struct exchange *x);

/* Answers in the worker's place and closes the client's connection after it. Ends it. */
void exchange_refuse(struct exchange *x, u32 status, const char *text, enum shm_refusal reason);

/* An answer in the worker's place. */
struct exchange_answer {
    u32 status;
    enum shm_refusal reason;
    struct str fields; /* lines, each with its CRLF; or empty */
    struct str content_type, body;
};
/* The same, but that the client's connection goes on if it can. May end it. */
void exchange_answer(struct exchange *x, const struct exchange_answer *a);
/* Writes what is left of it; then the exchange is over. May end it. */
void exchange_answer_more(struct exchange *x);

/* The response is over and written: counts it, lets the worker go, turns to the next. Ends it. */
void exchange_over(struct exchange *x);

/* Lets go of the worker before the exchange is over: somebody else answers. `whole`: all of its
 * answer has been read. */
void exchange_release(struct exchange *x, bool whole);

/* The worker's connection broke: sends the request to another worker where that is safe, else
 * answers 502, or breaks off a response that has begun. May end it. */
void exchange_worker_failed(struct exchange *x);

/* The client has gone: counts it, and lets the worker know by closing its connection. Ends it. */
void exchange_abandoned(struct exchange *x);

/* Ready for a response head: at the start, and after an interim response. */
void exchange_expect_response(struct exchange *x);

/* What X-Request-Id says to the worker: a trusted peer's own, else ours. `bytes` is the request's
 * head or NULL. A view into bytes or `out`. */
struct str exchange_id(struct exchange *x, const char *bytes, char out[EXCHANGE_ID_MAX]);

/* Who asks: the peer, or whom a trusted peer speaks for. */
struct addr exchange_peer(struct exchange *x);

/* forward.c: something may be read from or written to the client. May end it. */
void exchange_client_event(struct exchange *x);
