/* inspect/listing.h -- what an inspector offers: the answer to GET /json/list
 *
 * Source: https://chromedevtools.github.io/devtools-protocol/#endpoints, Node's
 * src/inspector_socket_server.cc.
 */
#pragma once

#include "inspect/wait.h"

enum { LISTING_TARGETS_MAX = 32, LISTING_BYTES_MAX = 1 << 20 };

struct listing_target {
    char path[128];  /* of the WebSocket: "/0f2c936f-b1cd-4ac9-aab3-f63b0f33d55e" */
    char title[128]; /* "node server.js[4711]" */
    char type[16];   /* "node", "page" */
};

struct listing {
    u32 count;
    struct listing_target target[LISTING_TARGETS_MAX];
};

/* Reads the body of the answer. False: it is not an inspector's. */
MUST_USE bool listing_parse(struct listing *out, struct str body);

/* Asks whoever listens there. 0; -EPROTO: not an inspector; -ETIMEDOUT, -ECANCELED, -errno. */
MUST_USE int listing_get(struct listing *out, const struct wait *w, const struct addr *a,
                         u64 until_ns);
