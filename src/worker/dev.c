/* worker/dev.c -- --watch: an app is restarted when its files change */
#include "worker/dev.h"

#include "base/log.h"
#include "worker/crew.h"

#include <signal.h>

/* The successor of the middle of a reload may have read half of the old code. */
static void restart(struct worker *w)
{
    if (w->retired)
        return;
    w->finished = w->given_up = false;
    w->backoff = (struct backoff){ 0 };
    if (w->successor)
        process_kill(TAKE(w->successor, NULL), SIGTERM);
    worker_abandon(w);
}

static void changed(struct watcher *watcher)
{
    struct app *app = container_of(watcher, struct app, dev.watcher);

    if (app->crew->draining || app_is_over(app))
        return;
    reload_stop(app);
    for (u32 i = 1; i <= app->workers; i++)
        restart(&app->worker[i]);
    if (watcher->changes > 1)
        log_info("%s%s and %u more have changed: restarting", app->lead, watcher->path,
                 watcher->changes - 1);
    else
        log_info("%s%s has changed: restarting", app->lead, watcher->path);
}

void dev_start(struct app *app)
{
    struct watcher_conf conf = {
        .loop = app->crew->loop,
        .paths = str_of(app->conf->watch),
        .rules = { .ignore = str_of(app->conf->watch_ignore) },
        .delay_ns = app->conf->watch_delay_ns,
        .lead = app->lead,
        .changed = changed,
    };

    if (!app->conf->watch || app->dev.on)
        return;
    app->dev.on = watcher_init(&app->dev.watcher, &conf) == 0;
    if (app->dev.on)
        log_info("%swatching %u folder%s for changes", app->lead, app->dev.watcher.count,
                 app->dev.watcher.count == 1 ? "" : "s");
}

void dev_done(struct app *app)
{
    watcher_done(&app->dev.watcher);
    app->dev.on = false;
}

bool dev_waits(struct app *app, const struct process *p, const char *why)
{
    if (!app->dev.on || p->ready_ns)
        return false;
    log_error("%s has ended: %s; it is started again when a file changes", p->worker->name, why);
    return true;
}

bool dev_waits_all(struct app *app)
{
    if (!app->dev.on)
        return false;
    log_info("%sall workers have finished; they are started again when a file changes", app->lead);
    return true;
}
