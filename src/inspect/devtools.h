/* inspect/devtools.h -- drives a conversation with an inspector (inspect/session.h) over a socket
 *
 * Waits in place. Times are CLOCK_MONOTONIC.
 */
#pragma once

#include "conf/json_value.h"
#include "inspect/session.h"
#include "inspect/wait.h"

struct devtools;

/* What comes without being asked for. Both run inside devtools_wait; what devtools_bulk_fn returns,
 * when it is not 0, ends that. */
typedef void devtools_event_fn(struct devtools *c, struct str method,
                               const struct json_value *params);
typedef int devtools_bulk_fn(struct devtools *c, struct str bytes);

struct devtools {
    struct wait wait;
    void (*silent)(struct devtools *c); /* nothing has come for a second, then two, four …; may be
                                         * NULL */
    devtools_event_fn *event;           /* may be NULL */
    devtools_bulk_fn *bulk;             /* NULL: thrown away */
    void *arg;                          /* of the two, as its owner likes */
    /* private */
    int fd;
    bool is_over; /* the inspector has closed the connection */
    struct session session;
    char *in;
    size_t in_at, in_len;
};

/* Connects, and waits for the upgrade. `path` as in "/0f2c936f-…". 0; -ETIMEDOUT, -ECANCELED;
 * -EPROTO with a text in c->session.bad_text; -errno. devtools_done in any case; `wait`, `event`,
 * `bulk` and `arg` are the caller's to set, before and at any time. */
MUST_USE int devtools_open(struct devtools *c, const struct addr *a, struct str path, u64 until_ns);
/* All zero is accepted. */
void devtools_done(struct devtools *c);

/* Sends a command. `params` is a JSON object, or empty. *id is what to wait for. -errno. */
MUST_USE int devtools_ask(struct devtools *c, const char *method, struct str params, u64 *id);

/* Waits for the answer to a command. 0, and the whole message is *out, the caller's, with its
 * `result` (out may be NULL); -EREMOTEIO: the inspector refuses, and session.bad_text has its
 * words; -EPIPE: the connection is gone; -ETIMEDOUT, -ECANCELED; -EPROTO; -errno. */
MUST_USE int devtools_wait(struct devtools *c, u64 id, u64 until_ns, struct json_value **out);

/* The two together. */
MUST_USE int devtools_call(struct devtools *c, const char *method, struct str params, u64 until_ns,
                           struct json_value **out);

/* Waits until *came, which `event` sets; as devtools_wait. */
MUST_USE int devtools_until(struct devtools *c, const bool *came, u64 until_ns);

/* Waits and hands on what comes until then: -ETIMEDOUT is its usual end. */
MUST_USE int devtools_listen(struct devtools *c, u64 until_ns);
