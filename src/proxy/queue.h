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
 *
 * In each line the priorities wait apart (guard/priority.h). A line that has been too long for a
 * while is overloaded (guard/codel.h): its newest are served first, and what has waited for too
 * long is shed: its owner is told, and answers 503.
 *
 * Whose ceiling (proxy/ceiling.h) is reached waits in that ceiling's own lines, apart from the
 * others, until one of those in it is over. A ceiling and a worker are claimed together, so nobody
 * holds a place of the one while waiting for the other.
 */
#pragma once

#include "base/list.h"
#include "guard/codel.h"
#include "guard/priority.h"
#include "proxy/claim.h"

#include <pthread.h>

struct thread;
struct proxy;
struct ticket;

/* The owner's thread: ticket->claim names the worker, or ticket->shed says that there is none. */
typedef void ticket_fn(struct ticket *t);

enum ticket_state {
    TICKET_NONE,
    TICKET_QUEUED,
    TICKET_PARKED, /* its ceiling is reached */
    TICKET_DOUBTFUL,
    TICKET_GIVEN,
};

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
    bool shed;                         /* given up: it has waited too long in an overload */
    enum priority priority;            /* known when it waits */
    struct ceiling *ceiling;           /* NULL: none */
    u64 queued_ns;                     /* when it came into the queue; 0: it never did */
    struct claim claim;
    ticket_fn *fn;
};

/* Those of one priority, in the order in which they came. */
struct line {
    struct list tickets;
    u32 n;
    struct codel codel;
};

enum queue_lane { QUEUE_FAST, QUEUE_SLOW, QUEUE_LANES };

struct queue {
    pthread_mutex_t lock;
    struct queue_listener {
        u32 n; /* of all lines and in doubt */
        struct line line[QUEUE_LANES][PRIORITIES];
        struct list doubtful; /* served when nobody else waits */
    } at[SHM_LISTENERS_MAX];
    struct list given[SHM_THREADS_MAX];
    struct codel_drain drain[SHM_APPS_MAX];
    struct priority_checks checks[SHM_APPS_MAX];
    _Atomic u64 told;                /* how often somebody was told when to come again */
    _Atomic u32 parked;              /* that wait for a ceiling */
    _Atomic u32 all;                 /* of all apps: waiting, parked, or in doubt */
    _Atomic u32 count[SHM_APPS_MAX]; /* waiting, by app */
    _Atomic u32 ranks[SHM_APPS_MAX][PRIORITIES]; /* waiting or parked, by app */
    _Atomic u32 slow_count[SHM_APPS_MAX];        /* waiting in the line of the slow */
    _Atomic u32 doubtful_count;                  /* bounded by the connections there may be */
};

void line_init(struct line *l);
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
    struct ceiling *ceiling;           /* of which it needs a place; NULL: none */
    struct str check;                  /* the target of a GET or HEAD; empty: another method */
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

/* When it may be worth another try for one that cannot wait, or waits no longer: seconds. */
u32 queue_retry_after_s(struct ticket *t);

/* Takes the ticket back, whatever its state; a claim that it was given is handed back. */
void queue_leave(struct ticket *t);

/* Gives workers to the oldest tickets while there are free ones. Any thread, after anything that
 * may have made a worker free. */
void queue_serve(struct thread *t);

/* After a claim was released: whoever waits for a place in its ceiling may have it. */
void queue_room(struct thread *t);

/* Calls fn of the tickets of this thread that were given by others. */
void queue_take_given(struct thread *t);
