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

void worker_init(struct worker *w, struct crew *crew, u32 number)
{
    *w = (struct worker){ .crew = crew, .number = number };
}

static u64 pause_max_ns(const struct worker *w)
{
    return w->crew->conf->backoff_max_ns;
}

static void restart_in(struct worker *w, u64 pause_ns)
{
    loop_timer(w->crew->loop, &w->restart, loop_now_ns(w->crew->loop) + pause_ns, restart_due);
}

bool worker_start(struct worker *w)
{
    struct crew *c = w->crew;

    if (c->draining || w->finished || w->retired || w->current)
        return true;
    if (process_start(w, &w->current) < 0) {
        w->current = NULL;
        restart_in(w, backoff_failed(&w->backoff, 0, pause_max_ns(w), loop_now_ns(c->loop)) +
                          BACKOFF_FIRST_NS);
        return false;
    }
    w->starts++;
    return true;
}

bool worker_replace(struct worker *w, enum worker_why why)
{
    if (w->crew->draining || w->successor || !w->current)
        return false;
    if (process_start(w, &w->successor) < 0) {
        w->successor = NULL;
        w->replace_not_before_ns = loop_now_ns(w->crew->loop) + REPLACE_PAUSE_NS;
        if (why == WORKER_RELOAD)
            reload_worker_failed(w->crew, w);
        return why == WORKER_RELOAD;
    }
    w->why = why;
    w->starts++;
    return true;
}

/* The successor becomes the current one without the old one's consent. */
static void promote(struct worker *w)
{
    w->current = TAKE(w->successor, NULL);
    if (w->current->state == PROCESS_READY)
        reload_worker_done(w->crew, w, NULL);
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
    listeners_release_all(&w->crew->listeners, w->number, loop_now_ns(w->crew->loop));
    reload_worker_done(w->crew, w, NULL);
}

void worker_announce(struct crew *c)
{
    u64 took_ms = (loop_now_ns(c->loop) - c->started_ns) / NS_PER_MS;
    u32 ready = 0, wanted = 0, bits = 0;

    if (c->draining)
        return;
    for (u32 i = 1; i <= c->workers; i++) {
        const struct worker *w = &c->worker[i];
        bool is_ready = w->current && w->current->state == PROCESS_READY;

        wanted += !w->finished && !w->retired;
        ready += is_ready;
        bits |= is_ready ? process_listening(w->current) : 0;
    }
    for (u32 i = 0; i < SHM_LISTENERS_MAX; i++) {
        AUTO(buf_done) struct buf url = { 0 };
        struct listener *l = &c->listeners.listener[i];

        if (!l->open || l->announced || !(bits & BIT(i)))
            continue;
        l->announced = true;
        listeners_url(&c->listeners, i, &url);
        if (c->is_cluster)
            log_info("%.*s → the app's own cluster", STR_ARG(buf_str(&url)));
        else
            log_info("%.*s → %u worker%s", STR_ARG(buf_str(&url)), wanted, wanted == 1 ? "" : "s");
    }
    if (c->all_ready_told || ready == 0 || ready < wanted)
        return;
    c->all_ready_told = true;
    log_info("%u worker%s ready in %llu ms%s", ready, ready == 1 ? "" : "s",
             (unsigned long long)took_ms, c->ever_listened ? "" : "; the app does not listen");
}

/* The successor has taken over. */
static void succeeded(struct worker *w)
{
    struct process *old = w->current;
    bool is_reload = w->why == WORKER_RELOAD;

    w->current = TAKE(w->successor, NULL);
    log_info("worker %u: process %d has taken over from %d", w->number, (int)w->current->pid,
             (int)old->pid);
    process_retire(old);
    if (is_reload)
        reload_worker_done(w->crew, w, old);
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
    else if (heir.ready && !heir.new_bits && w->crew->conf->start_timeout_ns &&
             heir.ready_for_ns >= w->crew->conf->start_timeout_ns)
        process_kill(w->successor, SIGTERM); /* it should listen, and does not */
}

void worker_process_ready(struct worker *w, struct process *p)
{
    struct crew *c = w->crew;

    c->ever_ready = true;
    if (p == w->current) {
        worker_announce(c);
        if (w->starts > 1 && !c->reload.at)
            log_info("worker %u: process %d is ready", w->number, (int)p->pid);
        reload_worker_done(c, w, NULL);
    } else if (p == w->successor) {
        successor_consider(w, loop_now_ns(c->loop));
    }
}

static void successor_failed(struct worker *w, const char *why)
{
    w->successor = NULL;
    w->replace_not_before_ns =
        loop_now_ns(w->crew->loop) +
        max(backoff_failed(&w->backoff, 0, pause_max_ns(w), loop_now_ns(w->crew->loop)),
            REPLACE_PAUSE_NS);
    log_error("worker %u: the process that was to take over has ended: %s", w->number, why);
    if (w->why == WORKER_RELOAD)
        reload_worker_failed(w->crew, w);
}

static void loop_name(struct worker *w, const struct process *p, const char *why)
{
    AUTO(buf_done) struct buf tail = { 0 };
    u64 within_ns;

    if (!backoff_is_loop(&w->backoff, loop_now_ns(w->crew->loop), &within_ns))
        return;
    output_tail(&p->output, &tail);
    log_error(
        "worker %u has failed %u times in %.1f s (%s); it will be tried at least every %g s%s%.*s",
        w->number, w->backoff.failures, (double)within_ns / NS_PER_S, why,
        (double)pause_max_ns(w) / NS_PER_S, tail.len ? "; its last lines:" : "",
        STR_ARG(buf_str(&tail)));
}

/* Nothing was ever ready, and there is no sign that it will be. */
static bool gives_up(struct worker *w, const struct process *p, const char *why)
{
    struct crew *c = w->crew;
    AUTO(buf_done) struct buf tail = { 0 };
    u32 failed = 0;

    if (c->ever_ready)
        return false;
    c->failures++;
    for (u32 i = 1; i <= c->workers; i++)
        failed += c->worker[i].backoff.failures > 0;
    if (!verdict_gives_up(c->workers, failed, c->failures))
        return false;
    output_tail(&p->output, &tail);
    log_error("the app does not start: %u tries have failed (worker %u: %s); giving up%s%.*s",
              c->failures, w->number, why, tail.len ? "; its last lines:" : "",
              STR_ARG(buf_str(&tail)));
    crew_end(c, 1);
    return true;
}

static void current_ended(struct worker *w, const struct process *p, const char *why)
{
    struct crew *c = w->crew;
    u64 now_ns = loop_now_ns(c->loop), good_ns = p->ready_ns ? now_ns - p->ready_ns : 0;
    bool ours = p->term_sent || p->state == PROCESS_KILLED;
    u64 pause_ns = 0;

    w->current = NULL;
    switch (verdict_end(&p->end, ours, c->ever_listened)) {
    case VERDICT_FINISHED:
        w->finished = true;
        log_info("worker %u has finished (exit code 0)", w->number);
        reload_worker_done(c, w, NULL);
        return;
    case VERDICT_OUTSIDE:
        pause_ns = backoff_ended(&w->backoff, now_ns - p->started_ns);
        break;
    case VERDICT_FAILED:
        pause_ns = backoff_failed(&w->backoff, good_ns, pause_max_ns(w), now_ns);
        break;
    }
    listeners_keep(&c->listeners, w->number);
    if (!w->backoff.named)
        log_warn("worker %u (pid %d) has ended: %s", w->number, (int)p->pid, why);
    if (w->backoff.failures && gives_up(w, p, why))
        return;
    loop_name(w, p, why);
    if (w->successor) {
        promote(w);
        return;
    }
    if (!p->ready_ns)
        reload_worker_failed(c, w);
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
        successor_failed(w, why);
    else if (p == w->current && w->crew->draining)
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
