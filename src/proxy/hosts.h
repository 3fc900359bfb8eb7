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

struct lookup;
struct probes;

struct host_group {
    struct endpoints endpoints;
    char *text;             /* thread 0: the list … */
    struct upstreams list;  /* … as it was read: views of it */
    struct lookup *lookups; /* thread 0: of its names */
    struct probes *probes;  /* thread 0; NULL: none yet */
};

/* As ruleset_host.group. */
struct host_group *hosts_find(struct proxy *p, u32 app, struct str place);

/* Those that `rules` names, and their addresses, hold from now on; names are looked up elsewhere.
 */
void hosts_apply(struct proxy *p, const struct ruleset *rules, u64 now_ns);

/* The endpoints of what is not in the list leave. */
void hosts_keep(struct host_group *g, u64 now_ns);

/* Whether names of the groups have been asked for and not answered yet, not even with a failure. */
bool hosts_awaited(const struct proxy *p);

/* Ten times a second or so: names, health. */
void hosts_look(struct proxy *p, u64 now_ns);

/* Says what has happened to an endpoint. */
void hosts_change_log(const struct proxy *p, const struct host_group *g,
                      const struct upstream_endpoint *e, enum endpoints_change change, u64 now_ns);

/* "api shop.example/v1", for the log. */
struct str hosts_name(const struct proxy *p, const struct host_group *g, struct buf *out);
