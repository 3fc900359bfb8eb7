/* proxy/limits.h -- the rate limits that hold for a request, as its rule has them
 *
 * Made once with the rule (ruleset.h). A limit has one budget for each client where it was said:
 * said for the app, it is the same one on all of its routes; said for a path, it is that path's. As
 * long as a limit stays as it is, its budgets outlive a reload: they are named by what it says and
 * where.
 */
#pragma once

#include "conf/ratelimit.h"
#include "conf/settings.h"
#include "guard/limiter.h"
#include "shm/limits.h"

enum { LIMITS_TEXT_MAX = 32 };
struct limits {
    struct limits *next; /* of the ruleset */
    u32 n;
    struct limits_one {
        struct limiter_rule rule;
        struct ratelimit said;
        u64 scope;                  /* a part of the budgets' names … */
        u64 shared_scope[2];        /* … and of those that are the same on all hosts */
        struct shm_limit *shown;    /* where it is counted */
        char text[LIMITS_TEXT_MAX]; /* "10/s": its name in the policy */
        char item_bytes[LIMITS_TEXT_MAX + 16];
        struct str
            item; /* what goes before its numbers in RateLimit: a comma, the name in quotes */
    } one[RATELIMIT_MAX];
    bool same_key;  /* all of them are counted by the same */
    u64 shared_tag; /* of the place, the same on all hosts */
    char *policy_line;
    struct str policy; /* the line RateLimit-Policy, and the name of the next one */
};

/* For whom they are made. */
struct limits_place {
    u32 app;
    struct str app_name;
    struct str place; /* empty: the whole app */
};

/* Hashes of what all hosts must name alike. That anybody can reckon them is why there are two. */
extern const struct hash_key limits_shared_keys[2];

/* What `s` says; *out is NULL when that is nothing. -ENOMEM. */
MUST_USE int limits_new(struct limits **out, const struct settings *s,
                        const struct limits_place *at, struct limiter *limiter,
                        struct shm_limits *shown);
/* All that are linked. Accepts NULL. */
void limits_free(struct limits *all);
