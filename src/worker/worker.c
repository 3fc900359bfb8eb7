/* worker/worker.c -- a worker: what keeps one process of the app running */
#include "worker/worker.h"

#include "base/log.h"
#include "worker/crew.h"
#include "worker/verdict.h"

#include <signal.h>

#define REPLACE_PAUSE_NS (1 * NS_PER_S) /* after a replacement that failed */

static void restart_due(struct timer *t)
{
    worker_start(container_of(t, struct worker, restart));
}

void worker_name(struct worker *w)
{
    bool alone = w->app->crew->conf->apps == 1;

    snprintf(w->name, sizeof(w->name), "%.*s%sworker %u", SHM_NAME_MAX - 1,
             alone ? "" : w->app->conf->name, alone ? "" : " ", w->number);
}

void worker_init(struct worker *w, struct app *app, u32 number)
{
    *w = (struct worker){ .app = app, .number = number, .id = wire_worker(app->index, number) };
    worker_name(w);
}

static u64 failed_pause_ns(struct worker *w, u64 good_ns)
{
    struct backoff_pace pace = w->app->conf->pace;

    pace.max_ns = max(w->app->conf->backoff_max_ns, pace.first_ns);
    return max(backoff_failed(&w->backoff, good_ns, &pace, loop_now_ns(w->app->crew->loop)),
               w->app->conf->restart_delay_ns);
}

static void restart_in(struct worker *w, u64 pause_ns)
{
    loop_timer(w->app->crew->loop, &w->restart, loop_now_ns(w->app->crew->loop) + pause_ns,
               restart_due);
}

bool worker_start(struct worker *w)
{
    struct crew *c = w->app->crew;

    if (c->draining || app_is_over(w->app) || w->finished || w->retired || w->current)
        return true;
    if (process_start(w, &w->current) < 0) {
        w->current = NULL;
        restart_in(w, failed_pause_ns(w, 0) + BACKOFF_FIRST_NS);
        return false;
    }
    w->starts++;
    return true;
}

bool worker_replace(struct worker *w, enum worker_why why)
{
    if (w->app->crew->draining || w->successor || !w->current)
        return false;
    if (process_start(w, &w->successor) < 0) {
        w->successor = NULL;
        w->replace_not_before_ns = loop_now_ns(w->app->crew->loop) + REPLACE_PAUSE_NS;
        if (why == WORKER_RELOAD)
            reload_worker_failed(w->app, w);
        return why == WORKER_RELOAD;
    }
    w->why = why;
    w->starts++;
    return true;
}

void worker_note(struct worker *w, const char *why)
{
    w->ended_ns = loop_now_ns(w->app->crew->loop);
    str_to_cstr(str_of(why), w->ended_why, sizeof(w->ended_why));
}

/* The successor becomes the current one without the old one's consent. */
static void promote(struct worker *w)
{
    w->current = TAKE(w->successor, NULL);
    if (w->current->state == PROCESS_READY)
        reload_worker_done(w->app, w, NULL);
}

void worker_abandon(struct worker *w)
{
    struct process *old = TAKE(w->current, NULL);

    loop_timer_stop(&w->restart);
    if (w->successor)
        promote(w);
    else
        worker_start(w);
    if (old)
        process_retire(old);
}

void worker_retire(struct worker *w)
{
    w->retired = true;
    loop_timer_stop(&w->restart);
    if (w->current)
        process_retire(TAKE(w->current, NULL));
    if (w->successor)
        process_retire(TAKE(w->successor, NULL));
    listeners_release_all(&w->app->crew->listeners, w->id, loop_now_ns(w->app->crew->loop));
    reload_worker_done(w->app, w, NULL);
}

/* The successor has taken over. */
static void succeeded(struct worker *w)
{
    static const char *const why[] = { [WORKER_RELOAD] = "reload",
                                       [WORKER_MEMORY] = "more memory than max-memory",
                                       [WORKER_ASKED] = "asked for" };
    struct process *old = w->current;
    bool is_reload = w->why == WORKER_RELOAD;

    worker_note(w, why[w->why]);
    w->current = TAKE(w->successor, NULL);
    log_info("%s: process %d has taken over from %d", w->name, (int)w->current->pid, (int)old->pid);
    process_retire(old);
    if (is_reload)
        reload_worker_done(w->app, w, old);
}

static void successor_consider(struct worker *w, u64 now_ns)
{
    const struct process *p = w->successor;
    struct verdict_heir heir;

    if (!p || !w->current)
        return;
    heir = (struct verdict_heir){
        .ready = p->state == PROCESS_READY,
        .ready_for_ns = now_ns - p->ready_ns,
        .old_bits = process_listening(w->current),
        .new_bits = process_listening(p),
    };
    if (verdict_takes_over(&heir))
        succeeded(w);
    else if (heir.ready && !heir.new_bits && w->app->conf->start_timeout_ns &&
             heir.ready_for_ns >= w->app->conf->start_timeout_ns)
        process_kill(w->successor, SIGTERM); /* it should listen, and does not */
}

void worker_process_ready(struct worker *w, struct process *p)
{
    struct app *app = w->app;

    app_ready(app);
    if (p == w->current) {
        app_announce(app);
        if (w->starts > 1 && !app->reload.at)
            log_info("%s: process %d is ready", w->name, (int)p->pid);
        reload_worker_done(app, w, NULL);
    } else if (p == w->successor) {
        successor_consider(w, loop_now_ns(app->crew->loop));
    }
}

static void successor_failed(struct worker *w, const struct process *p, const char *why)
{
    w->successor = NULL;
    app_failed(w->app, p, why);
    w->replace_not_before_ns =
        loop_now_ns(w->app->crew->loop) + max(failed_pause_ns(w, 0), REPLACE_PAUSE_NS);
    log_error("%s: the process that was to take over has ended: %s", w->name, why);
    if (w->why == WORKER_RELOAD)
        reload_worker_failed(w->app, w);
}

static void loop_name(struct worker *w, const struct process *p, const char *why)
{
    AUTO(buf_done) struct buf tail = { 0 };
    u64 within_ns;

    if (!backoff_is_loop(&w->backoff, loop_now_ns(w->app->crew->loop), &within_ns))
        return;
    output_tail(&p->output, &tail);
    log_error("%s has failed %u times in %.1f s (%s); it will be tried at least every %g s%s%.*s",
              w->name, w->backoff.failures, (double)within_ns / NS_PER_S, why,
              (double)w->app->conf->backoff_max_ns / NS_PER_S, tail.len ? "; its last lines:" : "",
              STR_ARG(buf_str(&tail)));
}

/* Nothing was ever ready, and there is no sign that it will be. */
static bool gives_up(struct worker *w, const struct process *p, const char *why)
{
    struct app *app = w->app;
    AUTO(buf_done) struct buf tail = { 0 };
    u32 failed = 0;

    if (app->ever_ready || app->dev.on || app->conf->max_restarts)
        return false;
    app->failures++;
    for (u32 i = 1; i <= app->workers; i++)
        failed += app->worker[i].backoff.failures > 0;
    if (!verdict_gives_up(app->workers, failed, app->failures))
        return false;
    output_tail(&p->output, &tail);
    log_error("%s does not start: %u tries have failed (worker %u: %s); giving up%s%.*s",
              app->title, app->failures, w->number, why, tail.len ? "; its last lines:" : "",
              STR_ARG(buf_str(&tail)));
    app_end(app, SHM_APP_ERRORED);
    return true;
}

/* It has run to its end, or failed for the last time. */
static void rest(struct worker *w, const struct process *p, bool failed)
{
    w->finished = true;
    w->given_up = failed;
    if (!failed)
        log_info("%s has finished (exit code %d)", w->name, p->end.code);
    reload_worker_done(w->app, w, NULL);
}

/* True: it has failed more often than it may be started again. */
static bool is_last(struct worker *w, const struct process *p, const char *why)
{
    AUTO(buf_done) struct buf tail = { 0 };

    if (!verdict_is_last(w->app->conf->max_restarts, w->backoff.failures))
        return false;
    output_tail(&p->output, &tail);
    log_error("%s is given up: it has failed %u times in a row (%s), and max-restarts is %u%s%.*s",
              w->name, w->backoff.failures, why, w->app->conf->max_restarts,
              tail.len ? "; its last lines:" : "", STR_ARG(buf_str(&tail)));
    rest(w, p, true);
    return true;
}

/* What the end means for what follows. False: nothing follows. */
static bool end_weigh(struct worker *w, const struct process *p, const char *why, u64 *pause_ns)
{
    struct app *app = w->app;
    u64 now_ns = loop_now_ns(app->crew->loop), good_ns = p->ready_ns ? now_ns - p->ready_ns : 0;
    bool ours = p->term_sent || p->state == PROCESS_ENDING || p->state == PROCESS_KILLED;

    switch (verdict_end(&p->end, &app->conf->rules, ours, app->ever_listened)) {
    case VERDICT_FINISHED:
        rest(w, p, false);
        return false;
    case VERDICT_STOPPED:
        log_warn("%s (pid %d) has ended: %s; it is not started again, as autorestart is off",
                 w->name, (int)p->pid, why);
        rest(w, p, true);
        return false;
    case VERDICT_OUTSIDE:
        *pause_ns =
            max(backoff_ended(&w->backoff, now_ns - p->started_ns), app->conf->restart_delay_ns);
        return true;
    case VERDICT_FAILED:
        *pause_ns = failed_pause_ns(w, good_ns);
        return !is_last(w, p, why);
    }
    return true;
}

static void current_ended(struct worker *w, const struct process *p, const char *why)
{
    struct app *app = w->app;
    u64 pause_ns = 0;

    w->current = NULL;
    worker_note(w, why);
    if (!p->ready_ns)
        app_failed(app, p, why);
    if (!end_weigh(w, p, why, &pause_ns))
        return;
    listeners_keep(&app->crew->listeners, w->id);
    if (dev_waits(app, p, why))
        return;
    if (!w->backoff.named)
        log_warn("%s (pid %d) has ended: %s", w->name, (int)p->pid, why);
    if (w->backoff.failures && gives_up(w, p, why))
        return;
    loop_name(w, p, why);
    if (w->successor) {
        promote(w);
        return;
    }
    if (!p->ready_ns)
        reload_worker_failed(app, w);
    if (pause_ns)
        restart_in(w, pause_ns);
    else
        worker_start(w);
}

void worker_process_ended(struct worker *w, struct process *p)
{
    char why[CHILD_END_TEXT_MAX];

    child_end_text(&p->end, why);
    output_settle(&p->output);
    if (p == w->successor)
        successor_failed(w, p, why);
    else if (p == w->current && w->app->crew->draining)
        w->current = NULL;
    else if (p == w->current)
        current_ended(w, p, why);
}

void worker_tick(struct worker *w, u64 now_ns)
{
    if (w->current)
        process_consider(w->current, now_ns);
    if (w->successor)
        process_consider(w->successor, now_ns);
    successor_consider(w, now_ns);
}
