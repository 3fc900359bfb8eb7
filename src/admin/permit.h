/* admin/permit.h -- who may read the admin address
 *
 * The rules:
 *   - An address that other hosts can reach needs a token: settings_check refuses to start without
 * one.
 *   - Where there is a token, every request must carry it (Authorization: Bearer TOKEN), from
 *     whatever host, but those for /healthz and /readyz, which probes ask without.
 *   - Without a token, on a loopback address, Host must name this machine (localhost,
 *     *.localhost or an IP literal): a web page can have its own name resolve to 127.0.0.1 and
 *     would otherwise read the answers (DNS rebinding). A unix socket is guarded by its mode.
 * Pure functions.
 */
#pragma once

#include "conf/settings.h"

struct permit_rules {
    struct str token; /* empty: none */
    bool check_host;
};
struct permit_rules permit_rules_of(const struct settings *settings);

enum permit_verdict {
    PERMIT_GRANTED,
    PERMIT_TOKEN_MISSING, /* no Authorization, or not of the scheme Bearer */
    PERMIT_TOKEN_WRONG,
    PERMIT_HOST_WRONG,
};

/* `host`: host[:port] of the request, empty when an HTTP/1.0 client gave none. `is_probe`: the
 * request is for /healthz or /readyz. */
MUST_USE enum permit_verdict permit_check(const struct permit_rules *rules, bool is_probe,
                                          struct str host, struct str authorization);

/* The parts of these rules, for other sites on this machine. */

/* In a time that tells nothing of the token but its length's order. An empty token is nobody's. */
bool permit_token_equal(struct str token, struct str given);
/* localhost, *.localhost or an IP literal; with or without a port. */
bool permit_host_is_local(struct str host);
/* Whether a browser asks for a page of this very origin, or for somebody who has typed its address:
 * what it says of itself in Origin and Sec-Fetch-Site. Other programs say nothing, and may. */
bool permit_same_origin(struct str host, struct str origin, struct str fetch_site);
