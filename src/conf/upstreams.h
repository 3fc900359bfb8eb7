/* conf/upstreams.h -- what the setting `upstream` lists: where requests go
 *
 *   http://10.0.0.2:3000                     an address; without a port, 80
 *   http://api.internal:8080 weight 2        a name: each of its addresses
 *   srv:_http._tcp.api.internal zone eu-1    a DNS service: hosts, ports, weights and priorities
 *   10.0.0.9:3000 backup                     only when none of the others is there
 *   local                                    the workers of this machine: hosts only help them out
 *
 * Commas between. http:// may be left out.
 */
#pragma once

#include "base/addr.h"
#include "base/problem.h"

enum {
    UPSTREAMS_MAX = 64,       /* items of one list */
    UPSTREAMS_NAME_MAX = 253, /* RFC 1035 section 2.3.4, as text */
    UPSTREAMS_ZONE_MAX = 32,
    UPSTREAMS_WEIGHT_MAX = 65535,
};

enum upstreams_kind { UPSTREAMS_ADDRESS, UPSTREAMS_NAME, UPSTREAMS_SERVICE };

struct upstreams_item {
    enum upstreams_kind kind;
    struct addr addr; /* ADDRESS */
    struct str name;  /* NAME, SERVICE: what is looked up */
    u16 port;         /* NAME */
    u32 weight;
    bool backup;
    u32 id;          /* of the text below: the same in another list */
    struct str zone; /* empty: none */
    struct str text; /* "api.internal:8080", as it is shown */
};

/* Views of the text. */
struct upstreams {
    bool local; /* the workers of this machine, too */
    u32 n;      /* items, `local` not among them */
    struct upstreams_item item[UPSTREAMS_MAX];
};

/* -EINVAL with p->text. An empty text is an empty list. */
MUST_USE int upstreams_parse(struct upstreams *out, struct str text, struct problem *p);

/* For the rows of settings: a list; a zone's name; what may stand in a Host field. */
MUST_USE int upstreams_check(struct str text, struct problem *p);
MUST_USE int upstreams_check_zone(struct str text, struct problem *p);
MUST_USE int upstreams_check_host(struct str text, struct problem *p);
/* DNS servers; a path or "tcp". */
MUST_USE int upstreams_check_resolver(struct str text, struct problem *p);
MUST_USE int upstreams_check_health(struct str text, struct problem *p);
