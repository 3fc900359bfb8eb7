/* worker/reload.h -- all workers of an app replaced, one by one
 *
 * Each new process is ready before the old one drains, and the old one is gone before the next
 * worker's turn: one process more than usual. A new one that does not get ready ends the reload,
 * and the old ones stay.
 */
#pragma once

#include "base/base.h"

struct app;
struct worker;
struct process;

struct reload {
    u32 at; /* the worker whose turn it is; 0: no reload runs */
    u32 done;
    bool again;          /* asked for once more while it ran */
    struct process *old; /* waited for */
};

/* An app that is over stays as it is. */
void reload_begin(struct app *app);
/* The worker's new process has taken over from `old`, or is ready where there was none (NULL). */
void reload_worker_done(struct app *app, struct worker *w, struct process *old);
/* The worker's new process has failed. */
void reload_worker_failed(struct app *app, struct worker *w);
void reload_process_gone(struct app *app, struct process *p);
void reload_stop(struct app *app);
