/* worker/reload.c -- all workers replaced, one by one */
#include "worker/reload.h"

#include "base/log.h"
#include "worker/crew.h"

static void finish(struct crew *c)
{
    bool again = c->reload.again;

    log_info("reloaded %u worker%s", c->reload.done, c->reload.done == 1 ? "" : "s");
    c->reload = (struct reload){ 0 };
    if (again)
        reload_begin(c);
}

/* Begins with the worker whose turn it is. False: there is nothing to replace in it. */
static bool turn(struct worker *w)
{
    if (w->finished || w->retired)
        return false;
    if (w->successor) { /* on its way already, for the sake of memory */
        w->why = WORKER_RELOAD;
        return true;
    }
    if (w->current && w->current->state == PROCESS_READY)
        return worker_replace(w, WORKER_RELOAD);
    /* It does not serve: a fresh start is all that it needs, and at once. */
    w->backoff = (struct backoff){ 0 };
    worker_abandon(w);
    return true;
}

static void next(struct crew *c)
{
    while (c->reload.at++ < c->workers)
        if (turn(&c->worker[c->reload.at]))
            return;
    finish(c);
}

void reload_begin(struct crew *c)
{
    if (c->reload.at) {
        c->reload.again = true;
        return;
    }
    log_info("reloading the workers, one by one");
    next(c);
}

void reload_worker_done(struct crew *c, struct worker *w, struct process *old)
{
    if (c->reload.at != w->number)
        return;
    c->reload.done++;
    if (old)
        c->reload.old = old;
    else
        next(c);
}

void reload_worker_failed(struct crew *c, struct worker *w)
{
    if (c->reload.at != w->number)
        return;
    log_error("the reload has ended at worker %u of %u: its new process did not get ready; those "
              "that were not replaced go on as they are",
              w->number, c->workers);
    c->reload = (struct reload){ 0 };
}

void reload_process_gone(struct crew *c, struct process *p)
{
    if (c->reload.old != p)
        return;
    c->reload.old = NULL;
    next(c);
}

void reload_stop(struct crew *c)
{
    c->reload = (struct reload){ 0 };
}
