/* admin/server.h -- the admin address: listens, and talks HTTP/1.1 to whoever asks
 *
 * A few short requests at a time from scrapers, probes and people, so everything is small: 64
 * connections (the one idle longest makes room for a new one), heads of 8 KB, bodies of at most
 * 64 KB (read and thrown away), times-outs on each step. Connections are kept alive. When the
 * address cannot be had (somebody else listens there), it says so and tries again every few
 * seconds; nothing else of fettle depends on it.
 *
 * One thread: the loop's. It owns its sockets and connections.
 */
#pragma once

#include "admin/route.h"
#include "io/loop.h"

struct admin_server_conf {
    const struct endpoint *address; /* ENDPOINT_IP or ENDPOINT_UNIX; as long as the server lives */
    struct permit_rules rules;
    struct page_source source; /* its now_ns is filled in for each request */
};

struct admin_server;

/* Listens, or begins to try. The memory and the sampler in conf->source outlive the server. */
MUST_USE int admin_server_new(struct admin_server **out, struct loop *loop,
                              const struct admin_server_conf *conf);
/* Closes everything; removes the unix socket. Accepts NULL. */
void admin_server_free(struct admin_server *s);

/* Whether it has the address now. */
bool admin_server_listening(const struct admin_server *s);
