/* proxy/cached.h -- what the cache does for one request
 *
 *   cached_admit ─▶ SENDS                              something stored is true enough
 *               ├─▶ FETCHES ─ it has it ─▶ SENDS       another host may have stored it (tier.h)
 *               │     └─ no ─▶ ASKS
 *               ├─▶ ASKS ─ response ─▶ stored while it is passed on, or not
 *               │     └─ 304, or the app fails ─▶ SENDS
 *               ├─▶ WAITS ─ whoever asks has it ─▶ as at first
 *               ├─▶ PASSES, UNSAFE                     the app's alone
 *               └─▶ OFF                                the cache is off for it
 *
 * cached.c decides, cached_send.c sends from the slab, cached_fill.c deals with the app's response,
 * cached_stock.c makes the cache and counts.
 */
#pragma once

#include "cache/flight.h"
#include "cache/store.h"
#include "proxy/tier.h"

struct exchange;
struct proxy;
struct ruleset;
struct thread;

enum cached_mode {
    CACHED_OFF,
    CACHED_PASSES,  /* neither looked for nor stored */
    CACHED_UNSAFE,  /* what it changes is removed */
    CACHED_ASKS,    /* the app is asked, and what it says may be stored */
    CACHED_WAITS,   /* for somebody who asks */
    CACHED_FETCHES, /* for the second tier */
    CACHED_SENDS,
};

/* Why it is forwarded, as RFC 9211 names it. */
enum cached_forward {
    CACHED_FORWARD_URI_MISS,
    CACHED_FORWARD_STALE,
    CACHED_FORWARD_REQUEST,
    CACHED_FORWARD_METHOD,
    CACHED_FORWARD_BYPASS,
};

/* Embedded in its exchange. */
struct cached {
    struct digest key;
    const struct stored *entry; /* pinned: what is sent, or what the app is asked about */
    struct cachecontrol ask;
    struct flyer flyer;
    struct filling filling; /* .e NULL: the response is not stored */
    struct tier tier;
    u64 asked_ns, waits_since_ns;
    u32 epoch;
    u8 looks;
    u8 forward;     /* enum cached_forward */
    u8 outcome;     /* enum flight_outcome, of what it waited for */
    bool validates; /* the app is asked whether `entry` is still true */
    bool stored;    /* its response is, or is going to be */
    bool waited;
    bool flew; /* its flyer was in a flight */

    /* What is sent: a line, the stored fields, ours, the body. */
    struct store_cursor head, body;
    u64 body_left;
    u32 head_left;
    u16 lead_at, lead_len, tail_at, tail_len;
    char lead[64], tail[320];
};

enum { CACHED_FIELDS_MAX = 1024 };

/* What the head to the worker leaves out and says more (a view of `room`, lines with their CRLF).
 */
struct cached_fields {
    u64 without; /* bits of enum http_name */
    struct str more;
};
void cached_ask_fields(struct exchange *x, struct cached_fields *out, char room[CACHED_FIELDS_MAX]);

/* The app's final response has come, x->res; nothing of it has been passed on. True: the request
 * was answered by what is stored, look at nothing of it. False: the response is to be passed on. */
MUST_USE bool cached_response(struct exchange *x, const char *bytes);
/* What the client is told of it, as a line with its CRLF; empty: nothing. A view of `room`. */
struct str cached_status(const struct exchange *x, char room[CACHED_FIELDS_MAX]);
/* Bytes of the body, without its framing; all of it has come. Only while x->cached.filling.e. */
void cached_body(struct exchange *x, struct str data);
void cached_complete(struct exchange *x);

/* The app has failed, or no worker is there. True: answered with what is stale; look at nothing of
 * it. For whoever refuses a request instead of the app. */
MUST_USE bool cached_stale(struct exchange *x);

/* Goes on with what is sent, after the client took some of it. May end it. */
void cached_send_more(struct exchange *x);
/* Begins to send x->cached.entry, which the worker has nothing to do with any more. May end it. */
void cached_send(struct exchange *x);

/* Whether it has waited for too long: then it goes on without. */
MUST_USE bool cached_overdue(struct exchange *x, u64 now_ns);
/* Those of a thread's that wait no more. */
void cached_take_landed(struct thread *t);
/* Its flight is over: whoever waited for it goes on. */
void cached_land(struct exchange *x, enum flight_outcome outcome);
/* It is over: lets go of all. */
void cached_done(struct exchange *x);

/* Makes the cache if a rule of these wants one and there is none. Thread 0. */
void cached_setup(struct proxy *p, const struct ruleset *rules);
/* Writes into shared memory what it holds. Thread 0, now and then. */
void cached_show(struct proxy *p);
/* "hit", "miss" …: an enum shm_cache_result as logs have it. */
struct str cached_result_text(u32 result);
/* Counts what became of a request. */
void cached_tell(struct exchange *x);
/* Removes what fits, on all hosts that share a second tier. Thread 0. */
void cached_purge(struct proxy *p, const struct store_purge *purge);
/* … on this one. */
void cached_remove(struct proxy *p, const struct store_purge *purge);
