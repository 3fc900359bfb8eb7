/* conf/routes.h -- one address that leads to several apps: which host and path is whose
 *
 *   "routes": { "0.0.0.0:8080": [ { "host": "shop.example", "path": "/api", "app": "api" }, … ] }
 *
 * In the settings it is one text, so that it reaches the proxy as a flag: a route is
 * "ADDRESS HOST PATH keep|strip APP", * for any host, / for all paths, the app by its number in
 * the file (- for none that runs); between two routes stands a semicolon.
 */
#pragma once

#include "conf/endpoint.h"
#include "conf/json_value.h"

enum { ROUTES_MAX = 128, ROUTES_ADDRESSES_MAX = 8, ROUTES_NO_APP = UINT8_MAX };

struct routes {
    u32 addresses, n;
    struct endpoint address[ROUTES_ADDRESSES_MAX]; /* each once, in the order of the text */
    struct routes_row {
        u32 address;           /* index */
        u32 app;               /* number, or ROUTES_NO_APP */
        struct str host, path; /* views of the text; empty: any, all */
        bool strip;
    } row[ROUTES_MAX];
};

/* Whether the path of a unix socket has nothing in it that ends it in the text. */
bool routes_path_fits(struct str path);

/* Adds the routes of `text`. -EINVAL with p->text. */
MUST_USE int routes_parse(struct routes *out, struct str text, struct problem *p);
/* The text that routes_parse reads. */
void routes_text(const struct routes *r, struct buf *out);

/* One object of the file as text, for routes_parse: `apps` are the names that there are (count 0:
 * one app without a name). Unless 0 is returned *key is what the problem is about. -EINVAL,
 * -ENOMEM. */
struct strings;
MUST_USE int routes_read(const struct json_value *route, struct str address,
                         const struct strings *apps, struct buf *out, struct str *key,
                         struct problem *p);
