/* proxy/breaker.h -- the circuit breaker on a request's way (upstream/circuit.h)
 *
 * Asked before a worker is, for each attempt. Each attempt is told of once: a failure when it comes
 * to it; a success when the exchange lets go of its worker, so that an answer that breaks off is
 * none, but for a probe and for what becomes a tunnel, whose end nobody can wait for.
 */
#pragma once

#include "proxy/exchange.h"

/* Where the circuits of a proxy are; before any ruleset. */
void breaker_init(struct proxy *p);

/* As ruleset_host.circuit. */
struct circuit *breaker_find(struct proxy *p, u32 app, struct str place);

/* Whether a worker may be asked. False: it has been answered instead. May end it. */
MUST_USE bool breaker_pass(struct exchange *x);

/* The head of an answer has come. */
void breaker_answered(struct exchange *x, u32 status, bool tunnel);

/* The attempt is over: x->fault and x->answered say how. */
void breaker_over(struct exchange *x);
