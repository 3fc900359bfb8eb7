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
