/* proxy/ruleset.h -- what the settings of one time say, resolved for every listener and route
 *
 * Made once at the start and once at each reload, so that a request finds all that holds for it
 * with one look: a `rule` for each way that can be taken to an app (its settings, those of the
 * listener, of the app's path, of the route: the later wins). What a setting is named is of no
 * interest here: whatever row of the table may be said for a route arrives in `struct
 * settings_request`, and what may be said for a listener in the `settings` of its door.
 *
 * Thread 0 makes rulesets and doors; the others only read. A request holds the ruleset under which
 * it began; all else that is read is read anew each time, and for ten seconds after a reload the
 * old one may still be looked at.
 */
#pragma once

#include "balance/router.h"
#include "conf/routes.h"
#include "conf/settings.h"
#include "proxy/fallback.h"
#include "proxy/limits.h"
#include "shm/layout.h"
#include "upstream/circuit.h"
#include "upstream/endpoints.h"

struct host_group;

struct ceiling;

enum { RULESET_NO_LOG = UINT32_MAX };

/* What holds for a request. */
struct rule {
    struct settings_request is;
    u32 access;              /* which of the access logs, or RULESET_NO_LOG */
    struct circuit *circuit; /* its breaker; NULL: none */
    struct ceiling *ceiling; /* how many may run at once; NULL: there is none */
    struct circuit_rules breaker;
    struct fallback *fallback;   /* what is said while it is open; NULL: what we say */
    const struct limits *limits; /* how often one client may ask; NULL: as it likes */
    struct host_group *group;    /* where it goes (hosts.h); NULL: to the app's workers alone … */
    bool local;                  /* … to those first */
    struct endpoints_rules endpoints;
};

/* One way to an app: of a route that leads to it, or of a listener of its own. */
struct rule_way {
    const struct router *paths; /* of the app */
    const struct rule *rule;    /* by the index of a path; behind those, when none fits */
};

/* What holds at one listener. */
struct door {
    struct door *next;
    struct settings settings;    /* of connections; the texts are the apps' */
    bool traced;                 /* its requests have spans */
    u32 connections_max;         /* at this address; 0: no limit of its own */
    const struct router *router; /* not NULL: it leads to several apps */
    const struct rule_way *way;  /* by the index of a route; [0] when there is no router */
    const struct rule *rule;     /* before it is known what is asked */
};

/* What the process has made room for, and its access logs. */
struct ruleset_host {
    u64 max_head_bytes; /* 0: not known yet */
    u32 max_fields;
    /* The number of the log that these settings name, RULESET_NO_LOG for none. */
    u32 (*access_log)(struct ruleset_host *host, const struct settings *s);
    /* The circuit breaker of this app and place (empty: of the app as a whole); NULL: there are too
     * many. Asked only where one is wanted. */
    struct circuit *(*circuit)(struct ruleset_host *host, u32 app, struct str place);
    /* The hosts that are said of this app and place; NULL: there are too many. */
    struct host_group *(*group)(struct ruleset_host *host, u32 app, struct str place);
    /* The ceiling of this app and place; NULL: there are too many. */
    struct ceiling *(*ceiling)(struct ruleset_host *host, u32 app, struct str place,
                               const struct settings_request *is);
    /* The limits that these settings name, said for that place; *out is NULL for none. -ENOMEM. */
    int (*limits)(struct ruleset_host *host, const struct settings *s,
                  const struct limits_place *at, struct limits **out);
};

/* What a group of hosts shall be. */
struct ruleset_upstream {
    struct ruleset_upstream *next;
    struct host_group *group;
    struct str list; /* conf/upstreams.h */
    struct endpoints_rules endpoints;
    struct settings_request is; /* of the place that names it first */
};

struct ruleset {
    struct ruleset *older;
    struct ruleset_host *host;
    u32 apps;
    struct settings *app; /* of each: what it says, and what all say */
    struct ruleset_paths {
        struct router router;
        struct routes *routes; /* NULL: it has no paths */
    } paths[SHM_APPS_MAX];
    struct routes *routes; /* of all: addresses with their routes, and listeners */
    struct router router[ROUTES_ADDRESSES_MAX];
    struct door *doors; /* all that were ever made */
    struct door *_Atomic door[SHM_LISTENERS_MAX];
    _Atomic u64 tick_ns; /* how often an exchange looks at its time-outs */
    u64 made_ns;
    struct limits *limits;              /* all that were made */
    struct ruleset_upstream *upstreams; /* each group once */
    bool cache_redis_wanted;            /* by one of the rules that have a cache */
    bool cache_wanted;                  /* by one of the rules so far … */
    u64 cache_object_bytes_max;         /* … and the largest response that one of them stores */
    struct settings_text *texts;
    struct fallback *fallbacks; /* all that are read */
    struct ruleset_users {
        _Alignas(64) _Atomic u64 n; /* requests that hold it; the writer is that thread */
    } users[SHM_THREADS_MAX];
};

/* Takes `app`, an array of malloc with the settings of each, whatever comes of it. -EINVAL with *p,
 * -ENOMEM. */
MUST_USE int ruleset_new(struct ruleset **out, struct settings *app, u32 apps,
                         struct ruleset_host *host, struct problem *p);
/* The same from flags, each with its NUL, those of one app after the other with "--" between; what
 * a reload cannot change is as in `present`. */
MUST_USE int ruleset_read(struct ruleset **out, const struct ruleset *present, struct str flags,
                          struct problem *p);
/* Accepts NULL. */
void ruleset_free(struct ruleset *rs);

/* Frees those behind `rs` that were replaced ten seconds ago and that no request holds. */
void ruleset_prune(struct ruleset *rs, u64 now_ns);

/* What the largest head and the most fields are, at any listener. */
void ruleset_room(const struct ruleset *rs, u64 *head_bytes, u32 *fields);

/* Makes the door of a listener that is bound to `bound`; `app` is whose it is, SHM_APPS_MAX for one
 * of our own, which leads to several. -ENOMEM. */
MUST_USE int ruleset_door(struct ruleset *rs, u32 listener, u32 app, const struct endpoint *bound);

/* What holds for a request of this way: as router_find, but that it never says NOBODY. */
MUST_USE enum router_verdict ruleset_rule(const struct rule_way *way, struct str authority,
                                          struct str path, const struct rule **out);

static inline void ruleset_hold(struct ruleset *rs, u32 thread)
{
    _Atomic u64 *n = &rs->users[thread].n;

    atomic_store_explicit(n, atomic_load_explicit(n, memory_order_relaxed) + 1,
                          memory_order_relaxed);
}

static inline void ruleset_release(struct ruleset *rs, u32 thread)
{
    _Atomic u64 *n = &rs->users[thread].n;

    atomic_store_explicit(n, atomic_load_explicit(n, memory_order_relaxed) - 1,
                          memory_order_release);
}
