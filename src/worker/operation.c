/* worker/operation.c -- what is done with an app because somebody asked for it, until it is done */
#include "worker/operation.h"

#include "base/log.h"
#include "worker/control.h"
#include "worker/crew.h"
#include "worker/reply.h"
#include "worker/snapshot.h"
#include "worker/workers.h"

#include <signal.h>

#define LOOK_NS (20 * NS_PER_MS)

bool operation_reads_settings(const struct operation *op)
{
    return op->order.verb == ORDER_RELOAD || op->order.verb == ORDER_RESTART ||
           op->order.verb == ORDER_START;
}

static void ready_tell(struct operation *op)
{
    u32 ready = snapshot_ready(op->app), wanted = snapshot_wanted(op->app);
    char text[64];

    if (ready == op->ready)
        return;
    op->ready = ready;
    snprintf(text, sizeof(text), "%u of %u workers ready", ready, wanted);
    reply_step(op, 0, text);
}

static bool has_failed(const struct operation *op)
{
    return op->app->failure.count != op->failures &&
           (!op->order.worker || op->order.worker == op->app->failure.worker);
}

static const char *plural(u32 n)
{
    return n == 1 ? "" : "s";
}

/* ---- each looks whether it is done, and ends itself if so ---- */

static void reload_look(struct operation *op)
{
    struct app *app = op->app;
    u32 at = app->reload.at;

    if (at && at != op->at) {
        op->at = at;
        reply_step(op, at, "a new process starts");
    }
    if (at)
        return;
    if (app->reloads_failed != op->reloads_failed)
        reply_failed(
            op, true,
            "worker %u's new process did not get ready (%s); those that were not replaced go on "
            "serving. Its last lines:",
            app->failure.worker, app->failure.why);
    else
        reply_ok(op, "reloaded %u worker%s", snapshot_ready(app), plural(snapshot_ready(app)));
}

static void one_look(struct operation *op)
{
    const struct worker *w = &op->app->worker[op->order.worker];
    const struct process *p = w->current;

    if (has_failed(op))
        reply_failed(op, true,
                     "worker %u's new process did not get ready (%s)%s. Its last lines:", w->number,
                     op->app->failure.why,
                     p && p->pid == op->old_pid ? "; the old one goes on serving" : "");
    else if (p && p->pid != op->old_pid && p->state == PROCESS_READY)
        reply_ok(op, "worker %u is replaced: process %d", w->number, (int)p->pid);
}

static void ready_look(struct operation *op)
{
    u32 wanted = snapshot_wanted(op->app), ready = snapshot_ready(op->app);

    ready_tell(op);
    if (has_failed(op))
        reply_failed(op, true,
                     "worker %u did not get ready (%s); it is tried again. Its last lines:",
                     op->app->failure.worker, op->app->failure.why);
    else if (op->app->state == SHM_APP_FINISHED)
        reply_ok(op, "it has run to its end");
    else if (ready >= wanted && (op->order.verb != ORDER_SCALE || op->app->processes <= wanted))
        reply_ok(op,
                 op->order.verb == ORDER_SCALE   ? "%u worker%s"
                 : op->order.verb == ORDER_START ? "started %u worker%s"
                                                 : "restarted %u worker%s",
                 ready, plural(ready));
}

static void stop_look(struct operation *op)
{
    if (op->app->processes == 0 && !op->ends_all)
        reply_ok(op, "stopped");
}

static bool begin(struct operation *op);

/* The settings come first; what is wrong with them ends it. */
static void reading_look(struct operation *op)
{
    const struct reread *r = &op->app->crew->reread;

    if (op->app->crew->draining) {
        reply_failed(op, false, "fettle is ending");
        return;
    }
    if (r->finished < op->reading)
        return;
    op->reading = 0;
    if (r->ok)
        (void)begin(op);
    else
        reply_failed_with(op, buf_str(&r->said),
                          "the settings have a mistake, so nothing was changed:");
}

static void look_at(struct operation *op)
{
    enum order_verb verb = op->order.verb;

    if (op->reading) {
        reading_look(op);
        return;
    }
    if (verb == ORDER_STOP)
        stop_look(op);
    else if (op->app->crew->draining)
        reply_failed(op, false, "fettle is ending");
    else if (app_is_over(op->app) && op->app->state != SHM_APP_FINISHED)
        reply_failed(op, op->app->state == SHM_APP_ERRORED,
                     op->app->state == SHM_APP_ERRORED ? "it did not start, and has been given up"
                                                       : "it has been stopped meanwhile");
    else if (op->order.worker)
        one_look(op);
    else if (verb == ORDER_RELOAD)
        reload_look(op);
    else
        ready_look(op);
}

static void look(struct timer *t)
{
    struct operations *ops = container_of(t, struct operations, look);

    list_each_safe (link, &ops->list)
        look_at(container_of(link, struct operation, link));
    if (!list_empty(&ops->list))
        loop_timer(ops->crew->loop, t, loop_now_ns(ops->crew->loop) + LOOK_NS, look);
}

/* ---- the beginnings: false when it has been answered already ---- */

static bool worker_check(struct operation *op)
{
    struct app *app = op->app;
    u32 n = op->order.worker;

    if (n <= app->workers)
        return true;
    reply_failed(op, false, "there is no worker %u; there are %u", n, app->workers);
    return false;
}

static bool one_replace(struct operation *op)
{
    struct worker *w = &op->app->worker[op->order.worker];
    bool serves = w->current && w->current->state == PROCESS_READY;

    op->old_pid = w->current ? w->current->pid : 0;
    w->backoff = (struct backoff){ 0 };
    w->finished = false;
    if (op->order.verb == ORDER_RESTART || !serves) {
        worker_note(w, order_name(op->order.verb));
        worker_abandon(w);
    } else if (!w->successor && !worker_replace(w, WORKER_ASKED)) {
        reply_failed(op, false, "a new process cannot be started");
        return false;
    }
    return true;
}

static void all_restart(struct operation *op)
{
    struct app *app = op->app;

    reload_stop(app);
    for (u32 i = 1; i <= app->workers; i++) {
        struct worker *w = &app->worker[i];

        if (w->retired)
            continue;
        w->backoff = (struct backoff){ 0 };
        w->finished = false;
        worker_note(w, "restart");
        worker_abandon(w);
    }
}

/* Whether fettle has nothing to do when this app does not run. */
static bool is_last(const struct operation *op)
{
    const struct crew *c = op->app->crew;

    u32 there = 0;

    for (u32 i = 0; i < c->apps; i++) {
        if (c->app[i] != op->app && !app_is_over(c->app[i]))
            return false;
        there += !c->app[i]->removed;
    }
    return there == 1 || op->order.last;
}

static void stop_begin(struct operation *op)
{
    struct crew *c = op->app->crew;

    op->ends_all = is_last(op);
    log_info("%sstopped by `fettle stop`", op->app->lead);
    if (op->ends_all)
        crew_end(c, 0);
    else
        app_end(op->app, SHM_APP_STOPPED);
}

/* By load again; a number outside of the limits is put right within a second. */
static bool scale_automatically(struct operation *op)
{
    struct app *app = op->app;

    scaling_start(app);
    if (app->scaling.app)
        reply_ok(op, "from %u to %u workers, by load", app->conf->workers, app->conf->workers_most);
    else
        reply_failed(
            op, false,
            "it has no least and most number of workers; `fettle run --workers 2-8` gives it "
            "both");
    return false;
}

static bool scale_begin(struct operation *op)
{
    struct app *app = op->app;
    i64 n = op->order.workers ? (i64)op->order.workers : (i64)app->workers + op->order.by;
    u32 before = app->workers;
    int r = n < 1 || n > LISTENERS_WORKERS_MAX ? -ERANGE : workers_set(app, (u32)n);

    if (r == 0) {
        scaling_stop(app); /* by hand, from now on */
        if (before != app->workers)
            log_info("%s%u worker%s instead of %u, by `fettle scale`", app->lead, app->workers,
                     plural(app->workers), before);
        return true;
    }
    if (r == -ERANGE)
        reply_failed(op, false,
                     "%lld workers are not possible; there are %u now, and may be 1 to %d",
                     (long long)n, before, LISTENERS_WORKERS_MAX);
    else if (r == -ENOENT)
        reply_failed(op, false, "it has no processes: its requests go to other hosts");
    else if (r == -ENOTSUP)
        reply_failed(op, false,
                     "it uses cluster itself: how many processes it has is its own affair");
    else
        reply_failed(op, false, "it does not run; `fettle start %s` starts it", app->conf->name);
    return false;
}

static void signal_begin(struct operation *op)
{
    struct app *app = op->app;
    u32 n = 0, from = op->order.worker ? op->order.worker : 1;
    u32 to = op->order.worker ? op->order.worker : app->workers;

    for (u32 i = from; i <= to; i++) {
        const struct process *p = app->worker[i].current;

        n += p && !p->reaped && kill(p->pid, op->order.signal) == 0;
    }
    if (n)
        reply_ok(op, "SIG%s sent to %u process%s", sigabbrev_np(op->order.signal), n,
                 n == 1 ? "" : "es");
    else
        reply_failed(op, false, "none of its processes runs");
}

/* False: it has been answered. */
static bool begin(struct operation *op)
{
    struct app *app = op->app;

    switch (op->order.verb) {
    case ORDER_RELOAD:
        if (app->removed) {
            reply_ok(op, "is no longer in the settings");
            return false;
        }
        if (op->order.worker)
            return one_replace(op);
        reload_begin(app);
        return true;
    case ORDER_RESTART:
        if (op->order.worker)
            return one_replace(op);
        all_restart(op);
        return true;
    case ORDER_STOP:
        stop_begin(op);
        return true;
    case ORDER_START:
        app_start_again(app);
        return true;
    case ORDER_SCALE:
        return op->order.automatic ? scale_automatically(op) : scale_begin(op);
    case ORDER_SIGNAL:
        signal_begin(op);
        return false;
    case ORDER_PS:
    case ORDER_LOGS:
    case ORDER_UPGRADE:
    case ORDER_PURGE:
    case ORDER_DESCRIBE:
    case ORDER_ENV:
    case ORDER_HOLD:
    case ORDER_VERBS:
        break;
    }
    reply_failed(op, false, "this is no operation");
    return false;
}

/* Whether it makes sense for the app as it is; else it is answered. */
static bool check(struct operation *op)
{
    const struct app *app = op->app;
    bool over = app_is_over(app);

    if (app->crew->draining && op->order.verb != ORDER_STOP) {
        reply_failed(op, false, "fettle is ending");
        return false;
    }
    if (op->order.verb == ORDER_START && !over) {
        reply_failed(op, false,
                     "it runs already; `fettle reload %s` brings new code, `fettle stop %s` "
                     "ends it",
                     app->conf->name, app->conf->name);
        return false;
    }
    if (over && op->order.verb == ORDER_STOP && !is_last(op)) {
        reply_ok(op, "it does not run");
        return false;
    }
    if (app->removed && op->order.verb == ORDER_RELOAD)
        return true; /* it may be back */
    if (app->removed && op->order.verb != ORDER_STOP) {
        reply_failed(op, false, "it is no longer in the settings");
        return false;
    }
    if (over && op->order.verb != ORDER_START && op->order.verb != ORDER_STOP) {
        reply_failed(op, false, "it does not run; `fettle start %s` starts it", app->conf->name);
        return false;
    }
    return worker_check(op);
}

void operation_begin(struct operations *ops, struct app *app, const struct order *order,
                     struct control_talk *talk)
{
    struct operation *op = calloc(1, sizeof(*op));

    if (!op) {
        control_fail(talk, "out of memory");
        return;
    }
    op->all = ops;
    op->app = app;
    op->order = *order;
    op->talk = talk;
    op->started_ns = clock_now_ns();
    op->failures = app->failure.count;
    op->reloads_failed = app->reloads_failed;
    op->ready = snapshot_ready(app);
    list_init(&op->link);
    list_add(&ops->list, &op->link);
    if (!check(op))
        return;
    if (operation_reads_settings(op))
        op->reading = reread_begin(&ops->crew->reread);
    if (op->reading || begin(op))
        loop_timer(ops->crew->loop, &ops->look, loop_now_ns(ops->crew->loop) + LOOK_NS, look);
}

void operation_forget(struct operations *ops, struct control_talk *talk)
{
    list_each_safe (link, &ops->list) {
        struct operation *op = container_of(link, struct operation, link);

        if (op->talk != talk)
            continue;
        list_del(link);
        free(op);
    }
}

void operations_init(struct operations *ops, struct crew *crew)
{
    ops->crew = crew;
    list_init(&ops->list);
}

void operations_done(struct operations *ops)
{
    if (!ops->crew)
        return;
    loop_timer_stop(&ops->look);
    list_each_safe (link, &ops->list) {
        struct operation *op = container_of(link, struct operation, link);

        if (op->order.verb == ORDER_STOP)
            reply_ok(op, "stopped");
        else
            reply_failed(op, false, "fettle has ended");
    }
}
