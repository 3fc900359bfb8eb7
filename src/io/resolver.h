/* io/resolver.h -- asks DNS, in a loop
 *
 * By c-ares, which is loaded when the first name is asked for: name servers and search domains of
 * /etc/resolv.conf (read again when it has changed), /etc/hosts, other servers after time-outs, TCP
 * for answers that are cut off. Whatever is answered, no more than RESOLVER_TARGETS_MAX addresses
 * come of it.
 *
 * The answer always comes from the loop, never within resolver_ask.
 */
#pragma once

#include "base/addr.h"
#include "base/problem.h"
#include "io/loop.h"

enum { RESOLVER_TARGETS_MAX = 64, RESOLVER_NAME_MAX = 254, RESOLVER_WHY_MAX = 64 };

struct resolver;
struct resolver_query;

enum resolver_kind {
    RESOLVER_ADDRESSES, /* A and AAAA */
    RESOLVER_SERVICE,   /* SRV, and the addresses of what it names */
};

enum resolver_status {
    RESOLVER_OK,
    RESOLVER_NOTHING, /* the name is not there, or has none of these */
    RESOLVER_FAILED,  /* nobody answered, or said that it could not */
};

struct resolver_target {
    struct addr addr;
    u32 priority, weight; /* of SRV; else 0 and 1 */
};

struct resolver_answer {
    enum resolver_status status;
    u64 ttl_ns; /* OK: of all that it rests on, the least; 0 for /etc/hosts */
    u32 n;      /* OK: at least 1 */
    u32 left_out;
    struct resolver_target target[RESOLVER_TARGETS_MAX]; /* in the order of DNS, each once */
    char why[RESOLVER_WHY_MAX];                          /* not OK: "DNS server returned …" */
};

/* The query may be asked again from within, or freed. */
typedef void resolver_fn(struct resolver_query *q, const struct resolver_answer *answer);

/* A name that is asked for; embedded in its owner, who fills in the first three. All zero but
 * those: not asked. */
struct resolver_query {
    char name[RESOLVER_NAME_MAX + 1];
    enum resolver_kind kind;
    u16 port; /* of the addresses; SRV has its own */

    struct resolver *resolver; /* while it runs; NULL: it does not */
    struct resolver_run *run;
};

/* `servers`: "10.0.0.2,[::1]:5353"; empty: those of the system. -ENOTSUP with *p: c-ares is not
 * installed; -EINVAL with *p: not servers. */
MUST_USE int resolver_new(struct resolver **out, struct loop *loop, const char *servers,
                          struct problem *p);
/* Ends what runs without a word; accepts NULL. */
void resolver_free(struct resolver *r);

/* Asks, if it is not being asked already. */
void resolver_ask(struct resolver *r, struct resolver_query *q, resolver_fn *fn);
/* Its answer is not wanted any more; accepts NULL, and one that is not asked. */
void resolver_forget(struct resolver_query *q);
