/* proxy/upstream.h -- connections to workers and hosts, and those of them that rest
 *
 * One request at a time on each. A connection whose response is over and that
 * may be kept rests in its thread's pool until the worker's own keep-alive time
 * is nearly over, so that the worker never closes one that is just being used. What is different
 * for hosts beyond this machine is in host.h.
 */
#pragma once

#include "proxy/queue.h"
#include "proxy/thread.h"

struct exchange;
struct host_group;
struct upstream_endpoint;

struct upstream {
    struct thread *thread;
    struct watch watch;
    struct list link;   /* in the thread's pool while idle */
    struct timer timer; /* idle: when to let go */
    struct task grave;
    struct host_group *group; /* a host's; NULL: a worker's … */
    struct upstream_endpoint *endpoint;
    u32 epoch; /* … of the endpoint, when it was connected */
    u32 slot, generation, listener;
    u32 number; /* seats_take(); 0: none was left, so its name says who its one client is */
    struct exchange *exchange; /* NULL: idle */
    struct block *in, *out;
    struct pipe *pipe; /* to be written after `out`; NULL: empty */
    bool readable;     /* the kernel may have bytes, or the end */
    bool hung_up;      /* the worker has closed its side: read until the end */
    bool blocked;      /* the last write did not take all; EPOLLOUT is asked for */
    bool used;         /* has carried a response before */
    bool broken;       /* writing failed; there may still be something to read */
    bool sampled;      /* peers.sampled says so of it */
    bool reset;        /* the worker closed and left some of what was written unread */
    u32 sends;         /* since upstream_get */
    u64 sent_bytes;    /* in all its life */
    u64 began;         /* sent_bytes at upstream_get */
};

/* A connection to the claimed worker: a resting one, else a new one, for a request of `peer`
 * (peer_text) and `trace` (NULL: not sampled), which the worker can read from now on. NULL with
 * *error -errno: -EAGAIN the worker's backlog is full, -ECONNREFUSED or -ENOENT it is gone. */
MUST_USE struct upstream *upstream_get(struct thread *t, const struct claim *claim, u32 listener,
                                       struct str peer, const struct shm_trace_context *trace,
                                       int *error);

/* A new connection for a raw stream, named after its client for the agent (shm/wire.h). */
MUST_USE int upstream_connect_stream(struct thread *t, const struct claim *claim, u32 listener,
                                     struct str peer);

/* Its exchange is over. Rests for keep_ns, or is closed when that is 0; of a host's at most
 * rest_max may rest. */
void upstream_put(struct upstream *u, u64 keep_ns, u32 rest_max);

/* Gives up the connection without closing it; u->in and u->out must have been taken. Its
 * descriptor, which is the caller's; so is u->number. */
MUST_USE int upstream_release(struct upstream *u);

/* Closes it; it is freed after this turn. */
void upstream_close(struct upstream *u);

/* What its descriptor's watch calls, once it is connected. */
void upstream_event(struct watch *w, u32 events);
/* Asks for what it waits for when nothing is to be written. */
void upstream_watch(struct upstream *u);

/* Reads what there is into u->in: bytes > 0; 0 for none yet; -EPIPE at the end of the stream;
 * -ENOBUFS when u->in is full; else -errno. */
MUST_USE ssize_t upstream_fill(struct upstream *u);

/* Takes up to bytes_max bytes from the worker past u->in, which is empty, into *p: bytes > 0, else
 * as upstream_fill. */
MUST_USE ssize_t upstream_splice(struct upstream *u, struct pipe *p, u64 bytes_max);

/* The route that the worker's framework has said for this request; empty: none. A view of shared
 * memory. */
struct str upstream_route(const struct upstream *u);

/* Writes u->out, then u->pipe: 0 all written, -EAGAIN some is left, else -errno (u->broken is set).
 */
MUST_USE int upstream_flush(struct upstream *u);

/* Whether the worker has certainly read nothing of what was written since upstream_get: its
 * keep-alive time was over, or it died, before it came to look. Such a request can be sent again
 * whatever its method is. */
bool upstream_unread(const struct upstream *u);

/* Closes all resting connections to one worker: it seems to have gone. */
void upstream_drop(struct thread *t, u32 slot);

/* Closes resting connections to workers that drain or are gone. */
void upstream_prune(struct thread *t);

/* forward.c: what is done when there is something to read or room to write. */
void exchange_upstream_event(struct exchange *x);
