/* worker/workers.c -- how many workers an app has, while it runs */
#include "worker/workers.h"

#include "worker/crew.h"

/* A number that was in use before begins anew: what is left of its old life belongs to the crew's
 * lists alone. */
static void grow(struct app *app, u32 n)
{
    u32 first = app->workers + 1;

    app->workers = n;
    for (u32 i = first; i <= n; i++)
        worker_init(&app->worker[i], app, i);
    for (u32 i = first; i <= n; i++)
        worker_start(&app->worker[i]); /* failing, later again */
}

static void shrink(struct app *app, u32 n)
{
    u32 last = app->workers;

    app->workers = n; /* first: a reload goes no further than this */
    for (u32 i = last; i > n; i--)
        worker_retire(&app->worker[i]);
}

int workers_set(struct app *app, u32 n)
{
    if (n < 1 || n > LISTENERS_WORKERS_MAX)
        return -ERANGE;
    if (app->crew->draining || app_is_over(app))
        return -ESHUTDOWN;
    if (n == app->workers)
        return 0;
    if (app->is_cluster)
        return -ENOTSUP;
    if (app->conf->is_hosts)
        return -ENOENT;
    app->crew->shm->app[app->index].workers_wanted = n;
    if (n > app->workers)
        grow(app, n);
    else
        shrink(app, n);
    crew_changed(app->crew);
    return 0;
}
