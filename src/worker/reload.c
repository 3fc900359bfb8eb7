/* worker/reload.c -- all workers replaced, one by one */
#include "worker/reload.h"

#include "base/log.h"
#include "worker/crew.h"

static void finish(struct app *app)
{
    bool again = app->reload.again;

    log_info("%sreloaded %u worker%s", app->lead, app->reload.done,
             app->reload.done == 1 ? "" : "s");
    app->reload = (struct reload){ 0 };
    if (again)
        reload_begin(app);
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

static void next(struct app *app)
{
    while (app->reload.at++ < app->workers)
        if (turn(&app->worker[app->reload.at]))
            return;
    finish(app);
}

void reload_begin(struct app *app)
{
    if (app_is_over(app))
        return;
    if (app->reload.at) {
        app->reload.again = true;
        return;
    }
    log_info("%sreloading the workers, one by one", app->lead);
    next(app);
}

void reload_worker_done(struct app *app, struct worker *w, struct process *old)
{
    if (app->reload.at != w->number)
        return;
    app->reload.done++;
    if (old)
        app->reload.old = old;
    else
        next(app);
}

void reload_worker_failed(struct app *app, struct worker *w)
{
    if (app->reload.at != w->number)
        return;
    log_error("%sthe reload has ended at worker %u of %u: its new process did not get ready; those "
              "that were not replaced go on as they are",
              app->lead, w->number, app->workers);
    app->reloads_failed++;
    app->reload = (struct reload){ 0 };
}

void reload_process_gone(struct app *app, struct process *p)
{
    if (app->reload.old != p)
        return;
    app->reload.old = NULL;
    next(app);
}

void reload_stop(struct app *app)
{
    app->reload = (struct reload){ 0 };
}
