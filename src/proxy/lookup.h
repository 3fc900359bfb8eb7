/* proxy/lookup.h -- the names in the lists of hosts, and what DNS says of them
 *
 * Thread 0 asks (io/resolver.h), when it is time to (upstream/lease.h), and puts what it learns
 * into the groups. A list that changes keeps the endpoints that it had until each of its new names
 * has been asked for once.
 */
#pragma once

#include "proxy/hosts.h"

struct thread;

/* g->list is another one: what is not a name in it any more is forgotten, new names are asked for
 * at once. The answers put their endpoints, and hosts_keep() is called when no name is awaited. */
void lookup_set(struct thread *t, struct host_group *g);

/* Whether a name of g has been neither found nor failed yet. */
bool lookup_awaited(const struct host_group *g);

/* Asks for what is due; ten times a second or so. */
void lookup_look(struct thread *t, u64 now_ns);
