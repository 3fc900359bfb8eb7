/* load/destination.h -- where the load goes: a URL, looked up once */
#pragma once

#include "base/problem.h"

#include <sys/socket.h>

struct destination {
    struct sockaddr_storage addr;
    socklen_t addr_len;
    bool websocket;
    char *url;            /* as given */
    struct str authority; /* for the Host field; a view of url */
    struct str path;      /* with the query, without a fragment; "/" when the URL has none */
};

/* Reads "http://host[:port][/path]" or ws:// likewise and looks the host up; with `unix_path` (may
 * be NULL) the host is only named in the Host field. -EINVAL with *p, -ENOMEM. */
MUST_USE int destination_init(struct destination *d, struct str url, const char *unix_path,
                              struct problem *p);
void destination_done(struct destination *d);
