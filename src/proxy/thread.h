/* proxy/thread.h -- what one thread of the proxy owns, and what all of them share
 *
 * A thread has a loop, its clients, its connections to workers and its blocks;
 * nobody else touches them. Shared between threads are the shared memory
 * (atomics), the listeners (written by thread 0 before the others hear of them)
 * and the central queue (its own lock).
 */
#pragma once

#include "balance/kind.h"
#include "balance/pathset.h"
#include "balance/pick.h"
#include "balance/router.h"
#include "base/hash.h"
#include "base/slab.h"
#include "conf/routes.h"
#include "conf/settings.h"
#include "io/loop.h"
#include "proxy/access.h"
#include "proxy/block.h"
#include "proxy/pipe.h"
#include "proxy/plan.h"
#include "proxy/queue.h"
#include "proxy/remote.h"
#include "proxy/ruleset.h"
#include "proxy/seat.h"
#include "shm/layout.h"
#include "shm/wire.h"
#include "upstream/retry_budget.h"

#include <pthread.h>
#include <stdatomic.h>

enum { SERIES_LINES = 64 };

struct access_log;
struct ceiling;
struct ceiling_said;
struct flights;
struct purgefeed;
struct host_group;
struct host_pool;
struct resolver;
struct store;
struct thread;

/* A socket that strangers connect to. Written by thread 0. */
struct listener {
    u32 id;
    u32 app;            /* whose it is; SHM_APPS_MAX: our own, which leads to several */
    _Atomic int fd;     /* -1: not open */
    _Atomic u32 opened; /* counts how often it was opened */
    enum wire_kind kind;
    u16 family;  /* of the socket: AF_INET6 shows IPv4 clients as ::ffff:… */
    bool is_any; /* bound to every address, so each connection asks for its local one */
    struct addr local;
    struct endpoint bound; /* the same, with its path for a unix socket */
    bool held;             /* thread 0: not open yet: names of its upstreams are looked up … */
    int held_fd;           /* … this one */
    char path[108];
    _Atomic u32 connections; /* of clients that came here and are open */
};

struct listener_watch {
    struct watch watch;
    struct thread *thread;
    struct listener *listener;
    u32 opened; /* listener->opened when this began */
};

struct proxy {
    struct ruleset *_Atomic rules; /* others after a reload: read anew each time (ruleset.h) */
    struct ruleset_host host;
    struct shm *shm;
    struct shm_peers *peers;
    int wake_fd;
    u32 threads_n;
    struct thread *threads;
    struct listener listeners[SHM_LISTENERS_MAX];
    /* By app: the first of its http listeners, to whose workers it is routed. Written by thread 0.
     */
    _Atomic u32 app_listener[SHM_APPS_MAX]; /* SHM_LISTENERS_MAX: it has none (yet) */
    struct queue queue;
    struct store *_Atomic store;    /* the cache; NULL: nobody has wanted one yet … */
    struct flights *flights;        /* … made before it */
    struct purgefeed *_Atomic feed; /* of other hosts; NULL: the cache has no second tier */
    struct kinds kinds[SHM_APPS_MAX];
    struct limiter limiter;
    struct retry_budget budgets[SHM_APPS_MAX]; /* of repeats */
    struct circuit circuits[SHM_CIRCUITS_MAX];
    struct host_group *groups[SHM_UPSTREAMS_MAX]; /* thread 0; as in shm; NULL: not made yet */
    struct resolver *resolver;                    /* thread 0; NULL: no name has been asked for */
    char *resolver_servers;                       /* … of these servers */
    struct timer held_timer;                      /* thread 0: while listeners are held … */
    u64 held_until_ns;                            /* … until then at most */
    struct ceiling *ceilings;                     /* SHM_CEILINGS_MAX of them … */
    struct ceiling_said *said;                    /* … and by app */
    struct pathset paths;                         /* what requests are counted by … */
    _Atomic bool names_routes[SHM_APPS_MAX];      /* … until the app has named a route */
    struct access_log *access; /* ACCESS_LOGS_MAX of them, of which so many are used: */
    _Atomic u32 access_logs;
    struct hash_key hash_key;
    _Atomic u64 relief_told_ns;
    u32 fields_max;  /* of a response: host.max_fields or more */
    u32 name_random; /* the random part of our end's names (shm/wire.h) */
    _Atomic u64 name_seq;
    _Atomic u32 changes; /* counts the supervisor's CHANGED and LISTENER messages */
    _Atomic bool draining;
    _Atomic bool succeeded; /* another fettle goes on: it accepts, and what stays has its time */
    _Atomic u32 exchanges;  /* running in all threads */
    _Atomic u64 quiet_ns;   /* while draining: so long a kept connection may be without a request */
    _Atomic u32 awaited;    /* while draining: connections whose request may be on its way */
    _Atomic u32 drained;    /* threads that accept nothing more */
    /* By slot: the generation that refused a connection, which the supervisor has not told us of
     * yet; 0: none. Cleared with its next message. */
    _Atomic u32 gone[SHM_SLOTS_MAX];
    _Atomic u64 gone_ns[SHM_SLOTS_MAX]; /* when that was: after GONE_NS it is asked again */
    /* By slot: the generation that is being replaced for its blocked loop, or was. The slot's state
     * goes on to others before the last connection to that process has broken. */
    _Atomic u32 blocked[SHM_SLOTS_MAX];
};

struct thread {
    struct proxy *proxy;
    u32 index;
    pthread_t id;
    struct loop *loop;
    struct watch mail;    /* an eventfd: look at the queue's given tickets and at proxy->changes */
    struct watch wake;    /* the loops' eventfd, shared by all threads */
    struct watch control; /* thread 0: the supervisor */
    u32 changes_seen;
    bool drained; /* counted in proxy->drained */
    struct block_pool blocks;
    struct pipe_pool pipes;
    struct listener_watch listeners[SHM_LISTENERS_MAX];
    struct timer accept_timer; /* armed while accepting rests, for want of descriptors */
    struct timer queue_timer;  /* armed while tickets of this thread wait */
    struct timer plan_timer;   /* thread 0 */
    struct list clients;       /* every client, client.link */
    struct slab client_slab;
    u32 internal_clients;
    struct list tunnels;
    struct list pool[SHM_SLOTS_MAX];                /* idle upstreams by slot */
    struct seats seats;                             /* numbers for them */
    struct host_pool *host_pool[SHM_UPSTREAMS_MAX]; /* the same of hosts, by group; NULL: none */
    struct task given_task;  /* takes the tickets that this thread gave itself */
    struct task landed_task; /* likewise those that waited for its own responses */
    struct task log_task;
    struct task relief_task; /* closes who holds too much (pressure.h) */
    u64 relieved_ns;
    struct buf log[ACCESS_LOGS_MAX]; /* access lines of this turn */
    struct pick_state pick[SHM_APPS_MAX];
    u64 id_key, id_next; /* for X-Request-Id */
    struct shm_trace_ids trace_ids;
    struct remote remote; /* Redis */
    u64 slow_window_ns;
    u32 slow_in_window, slow_left_out;
    struct exchange *exchange_free;
    u32 exchange_free_count;
    struct plan *plan;  /* thread 0 */
    u32 exchanges_peak; /* thread 0: since memory was given back */
    u64 tidied_ns;
    struct kind_cache kind_cache;
    struct series_line { /* by kind and status: where a path is counted */
        u64 key;
        u32 app;
        struct shm_series *series; /* NULL: not known */
    } series[SERIES_LINES];
    bool drain_seen;
};

/* Starts watching thread->loop's fixed descriptors and runs it until the process ends. */
MUST_USE int thread_setup(struct thread *t, struct proxy *p, u32 index);
void thread_run(struct thread *t);
/* The local address of a connection accepted from l. */
struct addr listener_local(const struct listener *l, int fd);

/* Watches every open listener; stops watching all. */
void thread_listen(struct thread *t);
void thread_unlisten(struct thread *t);
/* A ticket of this thread waits: looks again now and then until none does. */
void thread_queue_watch(struct thread *t);
/* A worker has refused a connection: it gets nothing until the supervisor says something new, or
 * for a second if the supervisor says nothing, since a worker that lives may have refused one. */
void thread_worker_gone(struct thread *t, const struct claim *claim);
/* From any thread: makes t look at its given tickets and at proxy->changes. */
void thread_poke(struct thread *t);

static inline u64 thread_now(const struct thread *t)
{
    return loop_now_ns(t->loop);
}

/* What holds at a listener just now. */
static inline const struct door *listener_door(const struct proxy *p, const struct listener *l)
{
    return atomic_load(&atomic_load(&p->rules)->door[l->id]);
}

/* What is the same for all apps. */
static inline const struct settings *proxy_settings(const struct proxy *p)
{
    return &atomic_load(&p->rules)->app[0];
}

/* Relaxed counters in shared memory. */
#define COUNT(field, n) ((void)atomic_fetch_add_explicit(&(field), (n), memory_order_relaxed))
#define UNCOUNT(field, n) ((void)atomic_fetch_sub_explicit(&(field), (n), memory_order_relaxed))
