/* conf/routes.h -- what a file says for places: addresses, and hosts and paths
 *
 *   "listeners": { "0.0.0.0:8080": { "idle-timeout": "5s" } },
 *   "routes": { "0.0.0.0:8080": [ { "host": "shop.example", "path": "/api", "app": "api",
 *                                   "max-body": "1G" }, … ] },
 *   "apps": { "api": { "routes": [ { "path": "/upload", "max-body": "1G" } ] } }
 *
 * `listeners` are settings of addresses, whoever listens there. `routes` are addresses of fettle's
 * own, which lead to several apps. What an app says as `routes`, here called its paths, are
 * settings of what is asked of it, wherever it listens. A route's settings win over those of the
 * app's path, that over the listener's, that over the app's.
 *
 * In the settings each is one text, so that it reaches the proxy as a flag; a semicolon between
 * two:
 *
 *   listeners   ADDRESS OVERRIDES
 *   routes      ADDRESS HOST PATH keep|strip APP OVERRIDES
 *   paths       * HOST PATH keep - OVERRIDES
 *
 * * for any host, / for all paths; APP as =NAME (the NAME as override.h encodes it; empty: the only
 * one), or by its number among those that run, - for none of them; OVERRIDES as conf/override.h has
 * them.
 */
#pragma once

#include "conf/endpoint.h"
#include "conf/override.h"

enum {
    ROUTES_MAX = 128,
    ROUTES_ADDRESSES_MAX = 8,
    ROUTES_LISTENERS_MAX = 32,
    ROUTES_NO_APP = UINT8_MAX,
    ROUTES_ANYWHERE = UINT32_MAX, /* as an address: a path of the app */
};

/* All of it are views of the texts. */
struct routes {
    u32 addresses, n, listeners;
    struct endpoint address[ROUTES_ADDRESSES_MAX]; /* each once, in the order of the text … */
    struct str address_text[ROUTES_ADDRESSES_MAX]; /* … and as they are written there */
    struct routes_row {
        u32 address;           /* index, or ROUTES_ANYWHERE */
        u32 app;               /* number, or ROUTES_NO_APP */
        struct str app_name;   /* encoded; ptr NULL: it is known by its number */
        struct str host, path; /* empty: any, all */
        bool strip;
        struct str overrides;
    } row[ROUTES_MAX];
    struct routes_listener {
        struct endpoint at;
        struct str text; /* as it is written */
        struct str overrides;
    } listener[ROUTES_LISTENERS_MAX];
};

/* Whether the path of a unix socket has nothing in it that ends it in the text. */
bool routes_socket_fits(struct str path);
/* What a Host field may hold, in lower case, without a port; or *. before that. */
bool routes_host_is(struct str host);
/* As balance/router.h wants it. */
bool routes_path_is(struct str path);

/* Adds the routes, or paths, of `text`. -EINVAL with p->text. */
MUST_USE int routes_parse(struct routes *out, struct str text, struct problem *p);
/* Adds the listeners of `text`. */
MUST_USE int routes_parse_listeners(struct routes *out, struct str text, struct problem *p);

/* The texts that these read. */
void routes_text(const struct routes *r, struct buf *out);
void routes_listeners_text(const struct routes *r, struct buf *out);

/* What a row is called, before the names of its settings: "routes.:8080[1]", "routes[0]",
 * "listeners.:8080". */
void routes_place(const struct routes *r, u32 row, struct buf *out);
void routes_listener_place(const struct routes_listener *l, struct buf *out);

/* Sets in *to what a row says, or a listener does; `from` has the text in it that they are of. As
 * override_apply. */
MUST_USE int routes_apply(struct settings *to, const struct settings *from, const struct routes *r,
                          u32 row, struct problem *p);
MUST_USE int routes_listener_apply(struct settings *to, const struct settings *from,
                                   const struct routes_listener *l, struct problem *p);

/* Whether what is said for `l` holds for a socket that is bound to `bound`. 0: it does not; more is
 * nearer: 2 this very address, 1 one of all addresses with the port. */
u32 routes_listener_fits(const struct routes_listener *l, const struct endpoint *bound);
