/* proxy/hosts.h -- the groups of endpoints that the settings name (`upstream`)
 *
 * A group belongs to an app, or to the place that has a list of its own, and stays when its list
 * changes, so that a reload adds and removes endpoints under requests that run. Thread 0 makes
 * groups and says who is in them; all threads choose (upstream/endpoints.h).
 */
#pragma once

#include "base/buf.h"
#include "conf/upstreams.h"
#include "shm/layout.h"
#include "upstream/endpoints.h"

struct proxy;
struct ruleset;

struct host_group {
    struct endpoints endpoints;
    char *text;            /* thread 0: the list … */
    struct upstreams list; /* … as it was read: views of it */
};

/* As ruleset_host.group. */
struct host_group *hosts_find(struct proxy *p, u32 app, struct str place);

/* Those that `rules` names, and their addresses, hold from now on; names are looked up elsewhere.
 */
void hosts_apply(struct proxy *p, const struct ruleset *rules, u64 now_ns);

/* "api shop.example/v1", for the log. */
struct str hosts_name(const struct proxy *p, const struct host_group *g, struct buf *out);
