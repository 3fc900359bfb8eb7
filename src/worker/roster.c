/* worker/roster.c -- apps that come and go while fettle runs */
#include "worker/roster.h"

#include "base/log.h"
#include "worker/crew.h"
#include "worker/pidfile.h"

/* How long the addresses of an app that is gone wait for one that has come with the same reload. */
#define HANDOVER_NS (10 * NS_PER_S)

static void app_remove(struct app *app)
{
    struct crew *c = app->crew;

    app->removed = true;
    pidfile_remove(app->conf->pid_file);
    listeners_orphan(&c->listeners, app->index, true);
    if (app_is_over(app))
        app_process_gone_last(app);
    else
        app_end(app, SHM_APP_STOPPED);
}

static void app_return(struct app *app)
{
    app->removed = false;
    listeners_orphan(&app->crew->listeners, app->index, false);
    app->workers = app->workers_conf = app->conf->workers;
    app_start_again(app);
}

static bool app_add(struct crew *c, u32 index)
{
    const struct app_conf *conf = &c->conf->app[index];
    int r = agents_let_in(&c->agents, conf);

    if (r == 0)
        r = app_new(&c->app[index], c, conf, index);
    if (r < 0) {
        log_error("app %s cannot be started: %s", conf->name, strerror(-r));
        return false;
    }
    c->shm->apps = ++c->apps;
    return true;
}

void roster_follow(struct crew *c)
{
    u32 before = c->apps, come = c->conf->apps - before, gone = 0;

    if (c->draining)
        return;
    while (c->apps < c->conf->apps && app_add(c, c->apps))
        continue;
    for (u32 i = 0; i < c->apps && c->apps > 1; i++)
        app_name(c->app[i]);
    for (u32 i = 0; i < before; i++) {
        struct app *app = c->app[i];

        come += !app->conf->removed && app->removed;
        gone += app->conf->removed && !app->removed;
    }
    listeners_keep_orphans(&c->listeners, come && gone ? loop_now_ns(c->loop) + HANDOVER_NS : 0);
    for (u32 i = 0; i < c->apps; i++)
        c->app[i]->has_come = i >= before || (c->app[i]->removed && !c->app[i]->conf->removed);
    for (u32 i = before; i < c->apps; i++)
        app_start(c->app[i]);
    for (u32 i = 0; i < before; i++)
        if (!c->app[i]->conf->removed && c->app[i]->removed)
            app_return(c->app[i]);
    for (u32 i = 0; i < before; i++)
        if (c->app[i]->conf->removed && !c->app[i]->removed)
            app_remove(c->app[i]);
    pidfile_write_all(c);
    crew_changed(c);
}
