/* worker/order.h -- one request that came over the control socket
 *
 * A JSON object on a line of its own:
 *     {"do":"ps"}
 *     {"do":"scale","app":"shop","by":-1}
 *     {"do":"signal","app":"shop","worker":2,"signal":"SIGUSR2"}
 *     {"do":"stop","app":"shop","last":true}
 *     {"do":"hold","app":"shop","worker":2,"wait_ms":10000}
 *     {"do":"purge","app":"shop","path":"/news*"}   also with "tag", or "everything":true
 * An app that is not named is the only one that there is. What is not known is refused, so that a
 * wish that an older supervisor cannot fulfil is not passed over. Pure.
 */
#pragma once

#include "base/problem.h"

enum order_verb {
    ORDER_PS,       /* all apps, a row each */
    ORDER_DESCRIBE, /* everything about one app */
    ORDER_ENV,
    ORDER_RELOAD,
    ORDER_RESTART,
    ORDER_STOP,
    ORDER_START,
    ORDER_SCALE,
    ORDER_SIGNAL,
    ORDER_HOLD,  /* a worker gets nothing new, as long as the connection is there (worker/hold.h) */
    ORDER_LOGS,  /* the newest lines that went to no file (worker/recent.h) */
    ORDER_PURGE, /* of the cache of responses: a path, a tag, or all */
    ORDER_UPGRADE, /* of fettle itself: another one takes over */
    ORDER_VERBS,
};

enum {
    ORDER_BYTES_MAX = 8192,
    ORDER_APP_MAX = 128,
    ORDER_WORKERS_MAX = 128,
    ORDER_PATH_MAX = 2048,
    ORDER_TAG_MAX = 256,
    ORDER_WAIT_MS_MAX = 3600000
};

struct order {
    enum order_verb verb;
    char app[ORDER_APP_MAX]; /* empty: the only one */
    u32 worker;              /* 1 …; 0: all of them */
    u32 workers;             /* scale: how many; 0: `by` more */
    int by;
    bool automatic; /* scale: by load again, after it was set by hand */
    int signal;
    u32 wait_ms; /* hold: for what is inside the worker; 0: as long as for a drain */
    bool show_secrets;
    bool follow;               /* logs: and those that come */
    u64 from;                  /* logs: where to begin, as an earlier answer said */
    char path[ORDER_PATH_MAX]; /* purge: of these; empty: any */
    char tag[ORDER_TAG_MAX];   /* purge: likewise */
    bool everything;           /* purge: all that is stored of the app */
    bool last;                 /* stop: fettle ends with it if nothing else of it runs */
};

/* Reads one line, without its end. -EINVAL with *p; -ENOMEM. */
MUST_USE int order_read(struct order *out, struct str line, struct problem *p);

/* "reload". */
const char *order_name(enum order_verb verb);

/* The number of a signal's name, with or without SIG, in any case; or of its number. 0: there is
 * none. */
int order_signal(struct str name);
