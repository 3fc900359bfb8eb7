/* worker/helper.h -- fettle's own children: the proxy and the monitor
 *
 * Started through /proc/self/exe with the descriptors of shm/wire.h; started again when it dies,
 * at once and then with growing pauses. What the proxy must know (listening sockets, changes) is
 * kept as "to be told" bits and sent as its socket takes it, so that a proxy that does not read
 * blocks nobody, and a new one is told everything again.
 */
#pragma once

#include "io/child.h"
#include "io/loop.h"
#include "shm/wire.h"
#include "worker/backoff.h"
#include "worker/listeners.h"

struct helper;
typedef void helper_fn(struct helper *h);

struct helper_conf {
    const char *name;  /* "proxy" */
    char *const *argv; /* NULL: there is none */
    const char *dir;   /* the runtime folder */
    struct loop *loop;
    int shm_fd, wake_fd;
    int peers_fd;                     /* -1: not for this one */
    struct listeners *listeners;      /* to be sent; NULL: none */
    _Atomic uint32_t *pid, *restarts; /* where these are published */
    u64 pause_max_ns;
    helper_fn *drained; /* it says that nothing runs any more, or it is gone after helper_drain */
    helper_fn *unlistened; /* it accepts nothing any more, after helper_drain; may be NULL */
    helper_fn *hopeless;   /* it has failed again and again and never lived; may be NULL */
    void (*stack)(struct helper *h, const struct wire_note *note); /* WIRE_STACK; may be NULL */
};

struct helper {
    struct helper_conf conf;
    struct backoff backoff;
    struct watch watch; /* the control socket */
    struct timer restart;
    pid_t pid; /* 0: not running */
    u64 started_ns;
    bool has_lived;
    bool stopping; /* its end is wanted */
    bool drained;
    bool holds; /* it is not told of listeners yet */

    /* private: not yet told */
    u32 tell_listeners, tell_gone;
    bool tell_changed, tell_drain, tell_settings, succeeded;
};

/* Starts it, with h->holds as `holds`. -errno when it cannot be executed. A conf without argv: 0,
 * and nothing ever runs. */
MUST_USE int helper_init(struct helper *h, const struct helper_conf *conf, bool holds);

/* If `end` is of this one, deals with it. */
MUST_USE bool helper_reaped(struct helper *h, const struct child_end *end);

void helper_changed(struct helper *h);
/* Has a new command line, with which it is started from now on; `tell`: and it is told of the
 * settings in that. */
void helper_settings(struct helper *h, char *const *argv, bool tell);
/* Is told of the listeners now, which `holds` has kept from it. */
void helper_release(struct helper *h);
/* Sends a message of shm/wire.h at once. -EAGAIN: it does not read; -ENOTCONN: it does not run. */
MUST_USE int helper_send(struct helper *h, const void *message, size_t bytes);
void helper_listener(struct helper *h, u32 index);
void helper_listener_gone(struct helper *h, u32 index);

/* Nothing new any more; `drained` is called once, perhaps at once. It is not started again.
 * `succeeded`: another fettle goes on. */
void helper_drain(struct helper *h, bool succeeded);
/* Ends it for good: closes its socket, on which it ends by itself. */
void helper_stop(struct helper *h);
/* The end that was wanted is not wanted any more. */
void helper_resume(struct helper *h);
/* Ends it for good with SIGKILL, and closes what is open. */
void helper_done(struct helper *h);
