/* proxy/response.h -- the head of an answer, as the worker gave it and as the client gets it
 *
 * The one place where an answer is known and nothing of it has been passed on yet. `bytes` is where
 * its head begins in up->in; x->res is that head.
 */
#pragma once

#include "proxy/exchange.h"

/* Whether the connection is no longer HTTP after this answer. */
bool response_is_tunnel(const struct exchange *x);

/* The final head is here: what it says of the worker's connection, and the app's route. */
void response_begun(struct exchange *x, const char *bytes);

/* A 1xx that is not the answer yet. False: it does not fit. */
MUST_USE bool response_pass_interim(struct exchange *x, const char *bytes);

/* The final head, into client->out. False: it does not fit. */
MUST_USE bool response_pass(struct exchange *x, const char *bytes, bool tunnel);
