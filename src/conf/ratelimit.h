/* conf/ratelimit.h -- a rate limit as people write it
 *
 * COUNT/PERIOD [burst N] [by KEY]: "100/1m", "10/s burst 20", "1000/h by header=X-Api-Key". PERIOD
 * is a duration (10s, 1m, 24h) or a unit alone (s, m, h, d; also second, minute, hour, day);
 * nginx's "10r/s" is understood. KEY is whose requests are counted together: ip, header=NAME,
 * cookie=NAME, or route (those of all clients).
 */
#pragma once

#include "base/problem.h"
#include "base/str.h"

enum ratelimit_by { RATELIMIT_BY_IP, RATELIMIT_BY_HEADER, RATELIMIT_BY_COOKIE, RATELIMIT_BY_ROUTE };

struct ratelimit_key {
    enum ratelimit_by by;
    struct str name; /* of the header field or cookie; a view */
};

/* How many limits one setting may have. */
enum { RATELIMIT_MAX = 4 };

struct ratelimit {
    u32 count;
    u32 burst; /* at most so many at once; count when nothing is said */
    u64 period_ns;
    bool has_key; /* else the setting rate-limit-by holds */
    struct ratelimit_key key;
};

/* -EINVAL with *p. */
MUST_USE int ratelimit_parse(struct ratelimit *out, struct str text, struct problem *p);
MUST_USE int ratelimit_parse_key(struct ratelimit_key *out, struct str text, struct problem *p);

/* For the rows of settings: up to RATELIMIT_MAX of them, commas between; a key. */
MUST_USE int ratelimit_check(struct str text, struct problem *p);
MUST_USE int ratelimit_check_key(struct str text, struct problem *p);
