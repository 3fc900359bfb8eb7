/* proxy/host.h -- a request is given to an endpoint of a group (hosts.h) instead of to a worker
 *
 * Its connection is a struct upstream as a worker's is, so all that moves bytes is the same. What
 * is different is here: it is TCP, so it takes a while to connect, and its reset says nothing of
 * what has been read; it rests in a pool of its endpoint, and is looked at before it is used again,
 * since whatever a host has said without being asked must be nobody's answer.
 */
#pragma once

#include "proxy/exchange.h"
#include "proxy/hosts.h"

/* How this fettle calls itself in Via: "1.1 fettle-1a2b3c4d". */
enum { HOST_VIA_MAX = 24 };
struct str host_via(const struct proxy *p, char out[HOST_VIA_MAX]);

/* Whether the request has been here before: hosts lead back to us. */
bool host_loops(struct exchange *x);

/* Counts the request in at one of its endpoints (x->host). False: nobody is there. */
MUST_USE bool host_choose(struct exchange *x);

/* A connection to x->host.to, which may not be made yet (`blocked` until then). NULL with *error
 * -errno. */
MUST_USE struct upstream *host_connection(struct exchange *x, int *error);

/* No connection could be made: to another endpoint, or it is answered. May end it. */
void host_unreachable(struct exchange *x, int error);

/* The head of an answer, x->res, has come in `bytes`. */
void host_answered(struct exchange *x, const char *bytes);

/* The attempt is over: x->fault and x->answered say how. Before x->up is put back. */
void host_over(struct exchange *x);

/* How long its connection may rest. */
u64 host_keep_ns(const struct exchange *x);

/* Whether an endpoint is up that has not failed this request yet. */
bool host_has_other(const struct exchange *x);

/* ---- for upstream.c ---- */

/* Into the pool: false when there is no room for it, or its endpoint is leaving. */
MUST_USE bool host_rest(struct upstream *u, u32 most);
/* Out of the pool it rests in. */
void host_unrest(struct upstream *u);
/* Closes those of its endpoint that rest in this thread. */
void host_drop(struct thread *t, struct host_group *g, const struct upstream_endpoint *e);
/* Closes those that rest and whose endpoint is leaving. */
void host_prune(struct thread *t);
