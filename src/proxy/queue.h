/* proxy/queue.h -- the one central queue of requests that wait for a free loop
 *
 * First come, first served, over all threads of the proxy. A ticket is embedded
 * in what waits. When a worker can take the oldest ticket it is *given*: moved to
 * the owner thread's list of given tickets, with a claim on the worker that the
 * owner must use or hand back. One lock guards all of it; a request that finds a
 * free loop and an empty queue takes no lock.
 *
 * While there are lanes (balance/lane.h), requests of slow kinds wait in a line of their own, and
 * those of fast kinds come first; only loops that are not kept for the fast go to slow ones that
 * have waited too long before them.
 */
#pragma once

#include "base/list.h"
#include "proxy/claim.h"

#include <pthread.h>

struct thread;
struct proxy;
struct ticket;

/* The owner's thread: ticket->claim names the worker. */
typedef void ticket_fn(struct ticket *t);

enum ticket_state { TICKET_NONE, TICKET_QUEUED, TICKET_DOUBTFUL, TICKET_GIVEN };

struct ticket {
    struct list link;
    _Atomic enum ticket_state state; /* changed under the lock */
    struct thread *owner;
    u32 listener, app;
    const struct settings_request *is; /* what holds for it; lives longer */
    u64 key;                           /* what hash policies stick to */
    u64 block_ns;                      /* how long it is expected to block a loop … */
    u64 loop_ns;                       /* … and to keep it running; 0: unknown */
    u32 avoid;                         /* a slot + 1 that gets it only when there is no other */
    bool slow;                         /* in the line of the slow */
    u64 queued_ns;                     /* when it came into the queue; 0: it never did */
    struct claim claim;
    ticket_fn *fn;
};

struct queue {
    pthread_mutex_t lock;
    struct list waiting[SHM_LISTENERS_MAX];
    struct list slow[SHM_LISTENERS_MAX];
    struct list doubtful[SHM_LISTENERS_MAX]; /* served when nobody else waits */
    struct list given[SHM_THREADS_MAX];
    _Atomic u32 all;                      /* of all apps: waiting, or in doubt */
    _Atomic u32 count[SHM_APPS_MAX];      /* waiting, by app */
    _Atomic u32 slow_count[SHM_APPS_MAX]; /* waiting in the line of the slow */
    _Atomic u32 doubtful_count;           /* bounded by the connections there may be */
};

void queue_init(struct queue *q);

enum queue_verdict { QUEUE_TAKEN, QUEUE_WAITS, QUEUE_FULL };

/* For whom a worker is asked. */
struct queue_want {
    u32 app, listener;                 /* one of the app, which listens there */
    const struct settings_request *is; /* lives until the ticket has left */
    u64 key;                           /* what hash policies stick to */
    u64 block_ns;                      /* how long it will be blocked, as far as is known … */
    u64 loop_ns;                       /* … and keep it running */
    u32 avoid;                         /* a slot + 1: only when there is no other; 0: none */
};

/* Asks for a worker. TAKEN: t->claim is it, at once. WAITS: fn will be called, unless queue_leave
 * comes first. FULL: the queue is at its limit. */
MUST_USE enum queue_verdict queue_ask(struct thread *owner, struct ticket *t,
                                      const struct queue_want *want, ticket_fn *fn);

/* How many wait, those in doubt included. */
u32 queue_length(const struct queue *q);

/* The client has closed its sending side: it may have gone, or it may just have nothing more to
 * say. A waiting ticket gives up its place and is served when nobody else waits, so that in an
 * overload no worker works for those who have given up. Accepts a ticket in any state. */
void queue_doubt(struct ticket *t);

/* Takes the ticket back, whatever its state; a claim that it was given is handed back. */
void queue_leave(struct ticket *t);

/* Gives workers to the oldest tickets while there are free ones. Any thread, after anything that
 * may have made a worker free. */
void queue_serve(struct thread *t);

/* Calls fn of the tickets of this thread that were given by others. */
void queue_take_given(struct thread *t);
