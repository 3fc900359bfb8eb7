/* worker/agents.h -- the control connections of Node processes (shm/wire.h)
 *
 * What comes over them is checked field by field: an app may send anything. Which process of
 * which worker an agent belongs to is decided by what the kernel says of its peer, not by what it
 * claims.
 */
#pragma once

#include "io/loop.h"
#include "shm/layout.h"
#include "shm/wire.h"
#include "worker/verdict.h"

struct app_conf;
struct crew;
struct process;

enum { AGENTS_MAX = 1024 };

struct agents {
    struct crew *crew;
    struct watch watch; /* agent.sock */
    struct list strays; /* before HELLO, and of processes that belong to no worker (any more) */
    u32 count;
};

struct agent {
    struct list link; /* in its process's list, or with the strays */
    struct crew *crew;
    struct watch watch;
    struct task grave;
    struct process *process; /* NULL: a stray */
    u32 pid;
    enum wire_role role;
    char node_version[16];
    u64 started_ns;
    int slot;             /* -1: none */
    u32 holds, listening; /* bits of listeners: asked for; accepting */
    bool greeted, is_main, idle, ready;
    u64 idle_ns;

    /* Of a blocked loop */
    u64 stack_asked_ns; /* 0: no stack is wanted */
    u64 stack_since_ns; /* busy_since_ns of the period asked about */
    bool stack_follows; /* the answer was «in native code»: who called that comes when it returns */
    u64 warned_since_ns, warned_ns;

    /* Of a cluster's child that is being replaced: SIGTERM when drained or at this time */
    u64 drain_until_ns;
    bool doomed; /* SIGKILL has been sent */
};

/* Listens on <dir>/agent.sock. */
MUST_USE int agents_init(struct agents *as, struct crew *crew);
void agents_done(struct agents *as);
/* Workers of this app, which may be another user's, get through to it, and have a place for their
 * sockets. -errno. */
MUST_USE int agents_let_in(struct agents *as, const struct app_conf *conf);

/* Publishes the state of its slot: what its process's state says, or its own readiness. */
void agent_publish(struct agent *a);
/* Asks for the stack of its loop, which has been running since `since_ns`. */
void agent_stack_ask(struct agent *a, u64 since_ns, u64 now_ns);
/* Asks the agent of a slot, in that generation, to put its stack into the journal (shm/blocked.h).
 */
void agents_stack_record(struct agents *as, u32 slot, u32 generation);
/* Closes the connection, by which the agent ends its process. */
void agent_close(struct agent *a);
