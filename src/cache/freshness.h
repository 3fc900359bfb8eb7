/* cache/freshness.h -- how long a stored response is true, and what may be done with it after that
 *
 * RFC 9111 section 4.2 and RFC 5861. Ages count on the monotonic clock from the moment at which
 * the response came; dates are compared with the wall clock once, then. Values in, verdict out.
 */
#pragma once

#include "base/clock.h"
#include "cache/cachecontrol.h"

enum freshness_bit {
    FRESHNESS_NO_STALE = BIT(0),  /* must-revalidate and its kin (4.2.4): max-stale does not help */
    FRESHNESS_IMPLICIT = BIT(1),  /* the app said no lifetime: cache-ttl, or a guess (4.2.2) */
    FRESHNESS_VALIDATE = BIT(2),  /* no-cache: never used without asking */
    FRESHNESS_IMMUTABLE = BIT(3), /* RFC 8246: max-age=0 of a client that reloads is not obeyed */
    FRESHNESS_UNKNOWN = BIT(4),   /* neither said nor to be guessed */
};

struct freshness {
    u64 response_ns; /* when the response came, CLOCK_MONOTONIC */
    u32 initial_age_s, lifetime_s;
    u32 while_revalidate_s, if_error_s; /* how long after that it may be used so */
    u32 bits;
};

/* The longest guess from Last-Modified (4.2.2: a tenth of its age). */
#define FRESHNESS_GUESS_MAX_S 3600

/* What a response says, as texts: ptr NULL when the field is not there. */
struct freshness_source {
    struct cachecontrol cc;
    struct str date, expires, age, last_modified;
    bool expires_twice;          /* two Expires that differ: as none that can be read */
    bool may_guess;              /* its status lets a lifetime be guessed */
    u64 request_ns, response_ns; /* when the app was asked and when it answered */
    u64 wall_s;                  /* since 1970, at response_ns */
    /* What people have set. */
    bool has_ttl;
    u32 ttl_s;                          /* when the app says none */
    u32 while_revalidate_s, if_error_s; /* likewise */
};

struct freshness freshness_of(const struct freshness_source *from);

/* The current age (4.2.3). */
u32 freshness_age_s(const struct freshness *f, u64 now_ns);
/* Seconds for which it is fresh yet; below 0: since when it is stale. */
i64 freshness_left_s(const struct freshness *f, u64 now_ns);

enum freshness_verdict {
    FRESHNESS_FRESH,    /* may be sent */
    FRESHNESS_ALLOWED,  /* stale, but this client takes it (max-stale) */
    FRESHNESS_BEHIND,   /* may be sent, while the app is asked anew: stale-while-revalidate */
    FRESHNESS_ASK_FIRST /* the app must be asked before */
};
/* `ask`: what the request's Cache-Control says; all zero: nothing. */
enum freshness_verdict freshness_judge(const struct freshness *f, const struct cachecontrol *ask,
                                       u64 now_ns);
/* May it be sent because the app has failed (RFC 5861 section 4)? */
MUST_USE bool freshness_serves_error(const struct freshness *f, const struct cachecontrol *ask,
                                     u64 now_ns);
/* Whether it will ever be of use: it has a time in which it is sent without asking. */
MUST_USE bool freshness_is_useful(const struct freshness *f);
