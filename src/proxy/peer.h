/* proxy/peer.h -- who the client is, and what of its claims is believed
 *
 * Pure. A peer in --trust-proxy may say for whom it forwards: the client is then
 * the right-most address of X-Forwarded-For that is not itself trusted. From
 * anybody else the X-Forwarded-* and Forwarded fields, X-Real-IP and
 * X-Request-Id are dropped and made anew.
 */
#pragma once

#include "base/addr.h"
#include "conf/settings.h"

bool peer_trusted(const struct settings_cidrs *trust, const struct addr *peer);

/* The client behind `peer`: `peer` itself unless it is trusted and `forwarded_for` (all values,
 * joined by commas) names one. Its port is unknown then: 0. */
struct addr peer_client(const struct settings_cidrs *trust, const struct addr *peer,
                        struct str forwarded_for);

/* "<remote address> <remote port> <local address> <local port>", as the agent reads it
 * (shm/wire.h). v6_socket: the listener's family is IPv6, where Node shows IPv4 addresses as
 * mapped. Clients of unix sockets have no address: "- 0 - 0". Returns a view of out, without a NUL.
 */
enum { PEER_TEXT_MAX = 2 * (7 + ADDR_TEXT_MAX + 6) };
struct str peer_text(char out[PEER_TEXT_MAX], const struct addr *remote, const struct addr *local,
                     bool v6_socket);
/* Its remote address alone, without the "::ffff:" of a mapped one. A view of `text`. */
struct str peer_text_ip(struct str text, bool mapped);
