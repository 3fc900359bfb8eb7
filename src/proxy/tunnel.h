/* proxy/tunnel.h -- bytes both ways, unread: WebSockets and other upgrades, and raw streams
 *
 * For listeners of kind stream (https, http2, net) a connection waits in the
 * central queue for the freest worker like a request does, and then belongs to
 * it. Each direction has at most one block on the way, and none while it rests;
 * the end of one direction is passed on (half-close).
 */
#pragma once

#include "proxy/thread.h"

struct exchange;

/* A connection accepted on a stream listener; takes fd. */
void tunnel_accept(struct thread *t, struct listener *l, int fd, const struct addr *peer);

/* The worker has switched protocols: the 101 is in client->out. Ends the exchange and its client.
 */
void tunnel_upgrade(struct exchange *x);

struct shed;
/* What tunnels hold whose ends do not take it (pressure.h). */
void tunnel_weigh(struct thread *t, struct shed *s, u64 now_ns);
/* Closes those above the level `from`, and of that level what holds *part bytes; what they held. */
u64 tunnel_shed(struct thread *t, u32 from, u64 *part, u64 now_ns);

/* Closes those that wait for a worker. */
void tunnel_drain(struct thread *t);
