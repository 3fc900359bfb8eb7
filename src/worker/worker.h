/* worker/worker.h -- a worker: what keeps one process of the app running
 *
 * `current` serves, or is on its way to; `successor` is started to take its place gracefully.
 * Older lives that are still ending belong to nobody but the crew's lists.
 */
#pragma once

#include "shm/layout.h"
#include "worker/backoff.h"
#include "worker/process.h"

enum { WORKER_NAME_MAX = SHM_NAME_MAX + 24 };

enum worker_why { WORKER_RELOAD, WORKER_MEMORY, WORKER_ASKED };

struct worker {
    struct app *app;
    u32 number;                 /* 1 … */
    u32 id;                     /* wire_worker() */
    char name[WORKER_NAME_MAX]; /* "worker 1"; where there are several apps "shop worker 1" */
    struct process *current, *successor;
    enum worker_why why; /* there is a successor */
    struct backoff backoff;
    struct timer restart;
    u64 replace_not_before_ns;
    u32 starts;
    u64 ended_ns;                       /* when it was last started again; 0: never … */
    char ended_why[CHILD_END_TEXT_MAX]; /* … and why */
    bool finished;                      /* it has run to its end, like a script, */
    bool given_up;                      /* … or is not started again though it failed */
    bool retired; /* is not wanted any more: the app is a cluster of its own, or over */
};

void worker_init(struct worker *w, struct app *app, u32 number);
/* Makes its name, which has the app's in it when there are several. */
void worker_name(struct worker *w);

/* Starts a life now; failing, later again. False: a program that cannot be executed at all. */
bool worker_start(struct worker *w);

/* A new process shall take over from the current one. False: cannot be started now. */
bool worker_replace(struct worker *w, enum worker_why why);

/* Notes why it is started again. */
void worker_note(struct worker *w, const char *why);

/* Its current process is past help: a new one starts at once. */
void worker_abandon(struct worker *w);

/* No more lives; the present ones are ended gracefully. */
void worker_retire(struct worker *w);

/* Called by process.c: it has become ready; its main process is gone (p->end says how); and at
 * every tick. */
void worker_process_ready(struct worker *w, struct process *p);
void worker_process_ended(struct worker *w, struct process *p);
void worker_tick(struct worker *w, u64 now_ns);
