/* inspect/attach.h -- a way into a running Node: its inspector, opened if need be, closed after
 *
 * SIGUSR1 has Node open its inspector, also while its loop is blocked by JavaScript: a thread of
 * its own takes the signal. Where that listens is asked of the kernel: of the sockets that the
 * process has, the one that is new. It is closed again from inside, by process._debugEnd(), which
 * every Node from 16 to 26 has, in CommonJS and in ES modules alike. One that was open before stays
 * open.
 */
#pragma once

#include "inspect/devtools.h"
#include "inspect/listing.h"
#include "inspect/node_process.h"
#include "inspect/tcp_listens.h"

struct attach {
    struct devtools client;
    struct node_process process; /* pid 0: an address was given, the process is not known */
    struct addr addr;            /* of its inspector */
    bool opened;                 /* by us, or about to be: to be closed */
    char title[128];             /* as the inspector says */
    /* private */
    struct tcp_listens before; /* where the process listened then */
    bool woken;                /* it was sent the signal again: it may open once more */
};

struct attach_conf {
    struct wait wait;
    u64 open_ns; /* how long to wait until the inspector is open */
    bool force;  /* also if the process does not look like Node */
};

/* Opens the inspector of a process and connects. -EINVAL, -ETIMEDOUT, … with *p; -ECANCELED.
 * attach_end in any case. */
MUST_USE int attach_process(struct attach *a, const struct attach_conf *conf, u32 pid,
                            struct problem *p);
/* Connects to an inspector that is open. `path` (of a ws:// address) may be empty: the first of its
 * targets. As above. */
MUST_USE int attach_address(struct attach *a, const struct attach_conf *conf, const struct addr *to,
                            struct str path, struct problem *p);

/* Closes what was opened, and disconnects. 0; -ECANCELED; else with *p: it is open still. For
 * `wait_ns` at most: the process may be busy. May be called again after that. All zero is accepted.
 */
MUST_USE int attach_end(struct attach *a, u64 wait_ns, struct problem *p);

/* It has been asked to open its inspector, and has not done so. */
bool attach_is_late(const struct attach *a);

/* The same from a process of its own, which goes on after us for at most ten minutes. */
void attach_end_later(struct attach *a);
