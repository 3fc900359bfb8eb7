/* app/inspectee.h -- TARGET of the commands that look into a running Node
 *
 * "4711" is a process, "127.0.0.1:9229", ":9229" or a ws:// address an inspector that is open, and
 * everything else a worker of an app that fettle runs: "shop/2", or "shop".
 */
#pragma once

#include "base/addr.h"
#include "base/problem.h"

enum inspectee_kind { INSPECTEE_APP, INSPECTEE_PROCESS, INSPECTEE_ADDRESS };

struct inspectee {
    enum inspectee_kind kind;
    const char *word; /* as it was given */
    u32 pid;          /* of a process */
    struct str host;  /* of an address, to be looked up */
    u16 port;
    struct str path; /* of a ws:// address; empty: none */
};

/* Reads a TARGET. -EINVAL with *p. Pure; views of `word`. */
MUST_USE int inspectee_parse(struct inspectee *out, const char *word, struct problem *p);
/* Looks its host up. -EINVAL with *p. */
MUST_USE int inspectee_addr(const struct inspectee *in, struct addr *out, struct problem *p);
