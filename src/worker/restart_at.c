/* worker/restart_at.c -- an app that is restarted by the clock of the wall */
#include "worker/restart_at.h"

#include "base/log.h"
#include "worker/crew.h"

#include <time.h>

bool restart_at_due(struct restart_at *r, const struct cron *c, i64 now_s)
{
    bool due = false;

    /* One second back is what an adjustment of the clock does now and then. */
    if (r->next_s == 0 || now_s < r->seen_s - 1) {
        r->next_s = cron_next(c, now_s);
    } else if (r->next_s > 0 && now_s >= r->next_s) {
        due = true;
        r->next_s = cron_next(c, now_s);
    }
    r->seen_s = now_s;
    return due;
}

static void time_text(i64 at_s, char out[32])
{
    time_t at = (time_t)at_s;
    struct tm t = { 0 };

    if (at_s < 0 || !localtime_r(&at, &t) || strftime(out, 32, "%F %T", &t) == 0)
        str_to_cstr(STR("no time"), out, 32);
}

/* Those that have run to their end run once more. */
static bool finished_start(struct app *app)
{
    bool any = false;

    for (u32 i = 1; i <= app->workers; i++) {
        struct worker *w = &app->worker[i];

        if (!w->finished || w->current || w->retired)
            continue;
        w->finished = w->given_up = false;
        w->backoff = (struct backoff){ 0 };
        any = worker_start(w) || any;
    }
    return any;
}

void restart_at_tick(struct app *app, i64 now_s)
{
    char next[32];

    if (!app->conf->has_restart_at || app->crew->draining || app_is_over(app) ||
        !restart_at_due(&app->restart_at, &app->conf->restart_at, now_s))
        return;
    time_text(app->restart_at.next_s, next);
    log_info("%srestart-at: it is time; the next is %s", app->lead, next);
    if (!finished_start(app))
        reload_begin(app);
}

bool restart_at_waits(struct app *app)
{
    char next[32];

    if (!app->conf->has_restart_at || app->restart_at.next_s < 0)
        return false;
    if (app->restart_at.next_s == 0)
        (void)restart_at_due(&app->restart_at, &app->conf->restart_at,
                             (i64)(clock_wall_ms() / 1000));
    time_text(app->restart_at.next_s, next);
    log_info("%sall workers have finished; they are started again at %s", app->lead, next);
    return true;
}
