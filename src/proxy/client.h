/* proxy/client.h -- a client's connection and the request that runs on it
 *
 *                 bytes            head whole          a worker
 *   accept ─▶ IDLE ────▶ HEAD ───────────▶ QUEUED ────────────▶ ACTIVE ─┐
 *              ▲           │ bad, late        │ full, late        │     │ 101
 *              │           ▼                  ▼                   │     ▼
 *              │         CLOSING ◀────────────┴───────────────────┤   (tunnel)
 *              └──────────────────────────────────────────────────┘
 *                 response over, connection kept
 *
 * One request at a time: bytes of the next one wait in `in` (pipelining). The
 * head of the running request stays at the start of `in` until it is over, so
 * that it can be sent to another worker and shown in the access log.
 */
#pragma once

#include "balance/kind.h"
#include "http/body.h"
#include "http/head.h"
#include "proxy/cached.h"
#include "proxy/peer.h"
#include "proxy/queue.h"
#include "proxy/sharedlimit.h"
#include "proxy/span.h"
#include "proxy/thread.h"
#include "proxy/upstream.h"
#include "upstream/endpoints.h"

enum client_state { CLIENT_IDLE, CLIENT_HEAD, CLIENT_QUEUED, CLIENT_ACTIVE, CLIENT_CLOSING };

struct client {
    struct thread *thread;
    struct watch watch;
    struct list link; /* thread->clients */
    struct timer timer;
    struct task more; /* goes on with bytes that are already here */
    struct task grave;
    enum client_state state;
    bool readable; /* the kernel may have bytes, or the end */
    bool hung_up;  /* the client has closed its side */
    bool gone;     /* ... and reads nothing any more: it has reset the connection, or both sides are
                      closed */
    bool blocked;  /* the last write did not take all; EPOLLOUT is asked for */
    bool ended;    /* its last byte has been read: half-closed */
    bool said_end; /* CLOSING: our side is shut down */
    bool closed;
    bool awaited;  /* counted in proxy->awaited */
    bool internal; /* nobody's: it has no descriptor, and what is sent to it is dropped */
    struct listener *listener;
    struct addr peer, local;
    char peer_text[PEER_TEXT_MAX]; /* peer_text() of the two, for the worker; no NUL */
    u8 peer_text_len;
    struct shm_series *series; /* where its newest request was counted; NULL: nowhere yet */
    u64 moved_ns;              /* the last time that bytes came or went */
    u32 requests;
    u32 lingered_bytes;
    struct block *in, *out;
    struct pipe *pipe;  /* to be written after `out`; NULL: empty */
    struct exchange *x; /* from the first byte of a head to the end of the response */
};

/* Where the time of a request went; all times CLOCK_MONOTONIC, 0: not reached. */
struct exchange_times {
    u64 begun_ns;      /* the first byte of the head */
    u64 dispatched_ns; /* given to the worker that answered */
    u64 queue_ns;      /* sum of waits in the central queue */
    u64 first_byte_ns; /* the response's head */
};

enum { EXCHANGE_ATTEMPTS_MAX = 3, EXCHANGE_ID_MAX = 64 };

struct exchange {
    struct client *client;
    struct upstream *up; /* NULL: not with a worker */
    struct ticket ticket;
    struct claim claim;         /* on a worker, … */
    struct endpoints_call host; /* … or at a host (host.h) */
    u64 tried;                  /* hosts that have failed it, a bit for each place of the group */
    u64 host_first_ns;          /* how long the host took to begin its answer */

    struct ruleset *rules;    /* held: what it began under … */
    const struct door *door;  /* … at its listener … */
    const struct rule *rule;  /* … and on its way */
    u32 app, listener;        /* whose workers, and which of their sockets */
    u32 admission_step;       /* which of the steps is next (admission.h) */
    u32 attempts;             /* how often a worker was asked for … */
    u32 repeats;              /* … after one that may have begun with it (resend.h) */
    u32 avoid;                /* the slot that has failed it, + 1; 0: none */
    u8 refusal;               /* enum shm_refusal + 1: why it ended as it did; 0: as the app said */
    struct circuit_call call; /* what the breaker has passed (breaker.h) … */
    u32 fault;                /* … what has gone wrong with it, enum outcome; 0: nothing … */
    u32 answered;             /* … and the status that came; 0: none yet */
    u32 retry_after_s;        /* what a 503 says; 0: as usual */
    bool head_known;          /* req is valid */
    bool replayable;          /* all that came of the request is still in client->in */
    bool req_done;            /* the request has been written to up->out as a whole */
    bool trailers_done;       /* …its last chunk with the trailers */
    bool loop_idle;           /* the worker's loop waited when it got the request */
    bool res_begun;           /* the final head is in client->out */
    bool res_raw;             /* chunks are passed on as they are */
    bool res_chunk;           /* we make the chunks */
    bool res_done;
    bool keep;       /* the client's connection outlives the response */
    bool running;    /* counted in proxy->exchanges */
    u8 interim_n;    /* 1xx answers to it so far */
    bool is_nobodys; /* no route leads anywhere */
    u8 cache_mode;   /* enum cached_mode */
    u8 cache_result; /* enum shm_cache_result */
    u8 shared_state; /* enum sharedlimit_state */
    u32 status;
    struct exchange_times times;
    u64 sticky;         /* what hash policies stick to */
    struct kind kind;   /* what kind of request it is, and what is expected of it */
    u64 loop_ns;        /* for how long it kept the worker's loop running, as far as is known */
    u64 worker_keep_ns; /* how long the worker's connection may rest after this */
    u64 sent_bytes;     /* put into client->out: head and body */
    u64 in_bytes, out_bytes; /* read and written on the client's socket */
    u64 tick_in_bytes, tick_out_bytes, stalled_in_ns, stalled_out_ns;
    u64 tick_sent_bytes, quiet_worker_ns; /* the worker, within its answer */
    u64 quiet_out_bytes, quiet_since_ns; /* after the client's end: nothing sent to it since then */
    u64 request_id[2];
    struct span span; /* of the request */
    u8 route_len;
    /* Of each limit of its rule, after it was let in: what answers say. */
    struct exchange_budget {
        u32 remaining, reset_s;
    } budget[RATELIMIT_MAX];
    bool has_budget;
    struct http_span prefix; /* of the target, which the route takes off the path; len 0: nothing */

    /* What follows is not cleared for a new request: it is written before it is read. */
    struct http_parser parser; /* of the request's head, then of the response's */
    struct http_head req;      /* when head_known */
    struct http_head res;      /* from its head on */
    struct http_body req_body, res_body;
    char route[SHM_ROUTE_MAX];
    struct cached cached;      /* unless cache_mode is CACHED_OFF */
    struct sharedlimit shared; /* unless shared_state is SHAREDLIMIT_NONE */
    struct exchange *next_free;
    struct http_field fields[]; /* host.max_fields for the request, fields_max for the response */
};

/* Accepts what waits on a listener; bounded per turn. */
void client_accept(struct listener_watch *lw);

/* Reads what there is into c->in: bytes > 0; 0 for none yet; -EPIPE at the end; -ENOBUFS when it
 * is full; else -errno. */
MUST_USE ssize_t client_fill(struct client *c);
/* Takes up to bytes_max bytes from the client past c->in, which is empty, into *p: bytes > 0, else
 * as client_fill. */
MUST_USE ssize_t client_splice(struct client *c, struct pipe *p, u64 bytes_max);
/* Writes c->out, then c->pipe: 0 all written, -EAGAIN some is left, else -errno. */
MUST_USE int client_flush(struct client *c);
/* Writes `n` pieces, after what was in c->out, which is empty: bytes > 0; -EAGAIN: none; else
 * -errno.
 */
MUST_USE ssize_t client_send(struct client *c, struct iovec *iov, u32 n);
/* A client of our own that asks what `c` has asked, with its method, target and fields; NULL: out
 * of memory. Nobody reads its answer. client_internal_start has it begin. */
struct client *client_internal(const struct client *c);
void client_internal_start(struct client *c);
/* Its exchange is over: goes on with the next request, or closes. */
void client_next(struct client *c);
/* Writes what is left of c->out, says the end, reads the rest for a moment, closes: so that the
 * client sees the last answer even though it was still sending. */
void client_finish(struct client *c);
/* Closes at once and frees after this turn. */
void client_close(struct client *c);
/* Gives up the connection without closing it (it becomes a tunnel's). The descriptor. */
MUST_USE int client_release(struct client *c);
/* Nothing more is accepted. A connection that had no request for proxy->quiet_ns is closed; others
 * are kept so long, and the answer to their next request says that it is the last one: nobody meets
 * a reset who sends while we close. Those whose first request has not come yet, or not as a whole,
 * have a second for it. All of these are counted in proxy->awaited. */
void client_drain(struct thread *t);
