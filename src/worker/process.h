/* worker/process.h -- one life of a worker, from its start to its last trace
 *
 *   STARTING ──► READY ──► DRAINING ──┐
 *      │  │        │  │               ▼
 *      │  │        │  └──────────► ENDING ──► KILLED
 *      │  └────────┼──────────────────┘         │
 *      └───────────┴─► BLOCKED ─────────────────┘
 *   any of them ──► LEFT (its main process is gone, others of its group are not) ──► GONE
 *
 * One function moves it. It is freed after GONE.
 */
#pragma once

#include "io/child.h"
#include "io/loop.h"
#include "worker/ipc.h"
#include "worker/output.h"

struct app;
struct crew;
struct worker;

enum process_state {
    PROCESS_STARTING,
    PROCESS_READY,
    PROCESS_DRAINING, /* gets nothing new; SIGTERM when nothing runs in it, or in time */
    PROCESS_BLOCKED,  /* its stack is being asked for, then SIGKILL */
    PROCESS_ENDING,   /* SIGTERM sent */
    PROCESS_KILLED,   /* SIGKILL sent */
    PROCESS_LEFT,
    PROCESS_GONE,
    PROCESS_STATES,
};

struct process {
    struct list link; /* in crew.processes[state] */
    struct crew *crew;
    struct app *app;
    struct worker *worker;
    enum process_state state;
    u64 since_ns;         /* in this state */
    struct timer timeout; /* of this state */
    struct timer look;    /* while something is waited for that gives no event */
    struct task grave;
    pid_t pid; /* of the main process and of the group */
    bool reaped;
    bool term_sent;
    bool ever_listened;
    u64 started_ns, ready_ns;
    u64 busy_ns; /* something new happened to its agents (for readiness without listening) */
    struct list agents;
    struct output output;
    struct ipc ipc; /* with wait_ready or shutdown_message */
    bool said_ready;
    bool held;     /* gets nothing new while it is being looked into (worker/hold.h) */
    int side_slot; /* of a side process; -1: none */
    struct child_end end;
};

/* Starts a process for the worker. -errno when that could not be done; it has been logged. */
MUST_USE int process_start(struct worker *w, struct process **out);

void process_move(struct process *p, enum process_state state);
const char *process_state_name(enum process_state state);
/* Gets nothing new, finishes, ends. Accepts one that is ending already. */
void process_retire(struct process *p);
/* Ends without waiting for requests. */
void process_kill(struct process *p, int signal);

/* STARTING or READY: it counts for its worker. */
static inline bool process_serves(const struct process *p)
{
    return p->state <= PROCESS_READY;
}

/* Bits of the listeners that it accepts connections of. */
u32 process_listening(const struct process *p);
/* Whether it is ready by now; moves it if so. */
void process_consider(struct process *p, u64 now_ns);

/* If `end` is of this process's main one, deals with it. */
MUST_USE bool process_reaped(struct process *p, const struct child_end *end);

/* The process of a worker that the kernel's `pid` belongs to; `claimed` is the worker that it
 * names itself (wire_worker). NULL: none. */
struct process *process_of_pid(struct crew *c, u32 pid, u32 claimed);
