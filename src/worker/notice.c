/* worker/notice.c -- what the service manager that started fettle is told */
#include "worker/notice.h"

#include "base/log.h"
#include "worker/crew.h"

static void watchdog_due(struct timer *t)
{
    struct crew *c = container_of(t, struct crew, notice.watchdog);
    u64 ns = c->conf->notify->watchdog_ns;

    notify_send(c->conf->notify, "WATCHDOG=1");
    loop_timer(c->loop, t, loop_now_ns(c->loop) + ns / 2, watchdog_due);
}

void notice_start(struct crew *c)
{
    if (c->conf->notify && c->conf->notify->watchdog_ns)
        watchdog_due(&c->notice.watchdog);
}

/* One that has been ready once, or has failed once, keeps nobody waiting any longer. */
static bool worker_settled(const struct worker *w)
{
    return w->finished || w->retired || w->starts > 1 ||
           (w->current && w->current->state == PROCESS_READY);
}

static bool app_settled(const struct app *app)
{
    if (app_is_over(app))
        return true;
    for (u32 i = 1; i <= app->workers; i++)
        if (!worker_settled(&app->worker[i]))
            return false;
    return app->ever_ready;
}

static bool all_settled(const struct crew *c)
{
    for (u32 i = 0; i < c->apps; i++)
        if (!app_settled(c->app[i]))
            return false;
    return true;
}

static bool reloads(const struct crew *c)
{
    if (c->reread.reload_all) /* it begins when the settings have been read */
        return true;
    for (u32 i = 0; i < c->apps; i++)
        if (c->app[i]->reload.at)
            return true;
    return false;
}

static void status_tell(struct crew *c)
{
    char status[NOTICE_STATUS_MAX];
    u32 ready = 0, wanted = 0;

    for (u32 k = 0; k < c->apps; k++) {
        const struct app *app = c->app[k];

        for (u32 i = 1; i <= app->workers; i++) {
            const struct worker *w = &app->worker[i];

            wanted += !app_is_over(app) && !w->finished && !w->retired;
            ready += w->current && w->current->state == PROCESS_READY;
        }
    }
    snprintf(status, sizeof(status), "%s%u of %u workers ready",
             c->notice.reloading ? "reloading; " : "", ready, wanted);
    if (c->apps > 1)
        snprintf(status + strlen(status), sizeof(status) - strlen(status), ", of %u apps", c->apps);
    if (strcmp(status, c->notice.status) == 0)
        return;
    notify_send(c->conf->notify, "STATUS=%s", status);
    str_to_cstr(str_of(status), c->notice.status, sizeof(c->notice.status));
}

/* Sockets that were handed over and that nobody wants: most likely the app listens elsewhere. */
static void unused_tell(const struct crew *c)
{
    const struct activation *a = c->listeners.activation;

    for (u32 i = 0; a && i < a->count; i++) {
        AUTO(buf_done) struct buf text = { 0 };

        if (a->socket[i].used)
            continue;
        activation_text(&a->socket[i], &text);
        if (a->socket[i].inherited) {
            log_warn("the fettle before this one listened on %.*s; no app does any more, and it is "
                     "closed",
                     STR_ARG(buf_str(&text)));
            continue;
        }
        log_warn("the service manager handed over %.*s, on which no app listens; "
                 "--port makes an app listen on another port than it asks for",
                 STR_ARG(buf_str(&text)));
    }
    if (a && a->closed)
        log_warn("the service manager handed over %u sockets too many; they are closed", a->closed);
}

static void ready_tell(struct crew *c)
{
    notify_send(c->conf->notify, "READY=1\nMAINPID=%d", (int)getpid());
    if (!c->notice.ready) {
        unused_tell(c);
        if (c->listeners.activation)
            activation_leave(c->listeners.activation);
    }
    c->notice.ready = true;
    c->notice.reloading = false;
}

void notice_tick(struct crew *c)
{
    if (c->draining)
        return;
    if (crew_holds(c)) {
        predecessor_tick(c->conf->predecessor, all_settled(c));
        return;
    }
    if (reloads(c))
        notice_reload(c);
    else if (c->notice.reloading || (!c->notice.ready && all_settled(c)))
        ready_tell(c);
    status_tell(c);
}

void notice_reload(struct crew *c)
{
    if (c->notice.reloading || c->draining)
        return;
    c->notice.reloading = true;
    notify_send(c->conf->notify, "RELOADING=1\nMONOTONIC_USEC=%llu",
                (unsigned long long)(clock_now_ns() / NS_PER_US));
}

void notice_end(struct crew *c)
{
    notify_send(c->conf->notify, "STOPPING=1\nSTATUS=requests that run are being finished");
}
