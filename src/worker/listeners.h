/* worker/listeners.h -- the addresses that the apps listen on, held in fettle's name
 *
 * The same address asked for by several workers of an app is the same listener; so is port 0 with
 * the same index. `worker` is a worker's number over all apps (wire_worker). Two apps share no
 * listener. The sockets live here, whoever dies: a listener closes only when every worker that
 * listened on it has ended that itself. Decides about no process; who is told is the caller's
 * affair.
 */
#pragma once

#include "base/addr.h"
#include "base/buf.h"
#include "conf/endpoint.h"
#include "io/activation.h"
#include "shm/layout.h"
#include "shm/wire.h"

enum { LISTENERS_WORKERS_MAX = 128 };

struct listener {
    bool open;
    bool lent;      /* its socket is one that a service manager opened; or another fettle has it */
    bool announced; /* the line for people has been logged */
    int fd;
    u32 app, kind;         /* app: SHM_APPS_MAX for our own; kind: enum wire_kind */
    u32 routes;            /* of our own, which: shm_listener.routes */
    struct wire_listen as; /* as it was asked for */
    struct addr bound;     /* family AF_UNIX: as.path */
    u64 workers[LISTENERS_WORKERS_MAX / 64 + 1]; /* bit n: worker n listens here */
    u32 last;                                    /* the worker that released it last … */
    u64 empty_ns;                                /* … and when; 0: somebody holds it */
};

struct listeners {
    struct shm *shm;
    bool done;
    u32 port[SHM_APPS_MAX + 1];    /* for an app's first http listener; 0: as asked. Then taken */
    bool orphan[SHM_APPS_MAX + 1]; /* the app is gone */
    u64 orphans_until_ns;
    struct activation *activation; /* sockets to use where they fit; NULL: none */
    struct listener listener[SHM_LISTENERS_MAX];
};

void listeners_init(struct listeners *ls, struct shm *shm);
/* The app's first http listener gets this port, whatever is asked for; 0: as asked. */
void listeners_port(struct listeners *ls, u32 app, u32 port);
/* Closes all, removes the unix sockets. A worker that only now comes to listen is told that it
 * does, and nothing is bound: clients stay refused. */
void listeners_done(struct listeners *ls);

/* Finds or makes the listener for what worker `worker` asks for and notes that it holds it. The
 * index, with *is_new; or -errno of bind and listen, -EINVAL for what makes no sense, -ENFILE when
 * there are too many. */
MUST_USE int listeners_open(struct listeners *ls, const struct wire_listen *asked, u32 worker,
                            bool *is_new);

/* After -EADDRINUSE: the listener of another app that has the address; -ENOENT: somebody else has.
 */
MUST_USE int listeners_holder(const struct listeners *ls, const struct wire_listen *asked,
                              u32 worker);

/* Opens a listener of our own, on which several apps are routed to; `routes` is published. It stays
 * until listeners_close_own. A unix socket that nobody listens on any more gives way. The index or
 * -errno as above. */
MUST_USE int listeners_open_own(struct listeners *ls, const struct endpoint *at, u32 routes);

/* The address of a listener of our own is not wanted any more. */
void listeners_close_own(struct listeners *ls, u32 index);

/* Whether the app is gone from the settings: its addresses may become another's, who asks for them,
 * and then clients do not notice. */
void listeners_orphan(struct listeners *ls, u32 app, bool is_gone);
/* Until then addresses of such apps stay open, for those who have yet to ask. 0: no longer. */
void listeners_keep_orphans(struct listeners *ls, u64 until_ns);

/* Worker `worker` has ended listening by itself. When nobody is left, the listener closes at a
 * tick half a second later, unless somebody asks for it again. */
void listeners_release(struct listeners *ls, u32 index, u32 worker, u64 now_ns);
/* The worker will not come back: releases all that it holds. */
void listeners_release_all(struct listeners *ls, u32 worker, u64 now_ns);
/* The worker has ended and will be started again: what it released as its last act is still its. */
void listeners_keep(struct listeners *ls, u32 worker);
/* Closes what has been released by all. The bits of the closed ones. */
MUST_USE u32 listeners_tick(struct listeners *ls, u64 now_ns);

/* The sockets for a fettle that is to go on with them: ours, and those that a service manager gave.
 * How many; and their names (LISTEN_FDNAMES). */
u32 listeners_hand_over(const struct listeners *ls, int *fds, u32 room, struct buf *names);
/* Another fettle has them now: the paths of unix sockets are its affair. */
void listeners_give_up(struct listeners *ls);

/* For people: "http://localhost:3000", "tcp://10.0.0.1:8443", "unix:/run/app.sock". */
void listeners_url(const struct listeners *ls, u32 index, struct buf *out);
