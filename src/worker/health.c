/* worker/health.c -- four times a second: memory, processor time, blocked loops */
#include "worker/health.h"

#include "base/log.h"
#include "worker/crew.h"
#include "worker/verdict.h"

#include <signal.h>

#define STACK_WAIT_NS (1300 * NS_PER_MS)
#define SOON_NS (5 * NS_PER_S)
enum { STACK_TEXT_MAX = 3000, FDS_EVERY = 4 };

static double seconds(u64 ns)
{
    return (double)ns / NS_PER_S;
}

static const char *worker_of(const struct agent *a)
{
    return a->process->worker->name;
}

/* The text as it is shown: whole lines, no more than a log line holds. */
static struct str stack_cut(struct str s)
{
    while (s.len && (s.ptr[s.len - 1] == '\n' || s.ptr[s.len - 1] == '\0'))
        s.len--;
    if (s.len <= STACK_TEXT_MAX)
        return s;
    s.len = STACK_TEXT_MAX;
    while (s.len && s.ptr[s.len - 1] != '\n')
        s.len--;
    return s;
}

static void stack_log(const struct agent *a, struct str stack, u64 now_ns)
{
    double blocked_s = seconds(verdict_blocked_ns(a->stack_since_ns, now_ns));

    stack = stack_cut(stack);
    log_warn("%s's loop has been blocked for %.1f s (pid %u)%s%.*s", worker_of(a), blocked_s,
             a->pid, stack.len ? " at:\n" : "; it gave no stack: it may be in native code",
             STR_ARG(stack));
}

/* A loop that is past help: its process is killed as soon as the stack is there. */
static void stack_settled(struct agent *a)
{
    a->stack_asked_ns = 0;
    if (a->doomed)
        kill((pid_t)a->pid, SIGKILL);
    else if (a->process->state == PROCESS_BLOCKED)
        process_kill(a->process, SIGKILL);
}

void health_stack(struct agent *a, struct str stack, u64 now_ns)
{
    if (!a->process)
        return;
    if (!a->stack_asked_ns) { /* the call has returned */
        if (TAKE(a->stack_follows, false))
            log_warn("%s's loop was blocked %.*s", worker_of(a), STR_ARG(stack_cut(stack)));
        return;
    }
    a->stack_follows = str_starts(stack, STR("in native code"));
    stack_log(a, stack, now_ns);
    stack_settled(a);
}

static void blocked(struct agent *a, u64 since_ns, u64 now_ns)
{
    struct process *p = a->process;
    struct worker *w = p->worker;

    log_error("%s's loop has been blocked for %.1f s: process %u is replaced", w->name,
              seconds(verdict_blocked_ns(since_ns, now_ns)), a->pid);
    agent_stack_ask(a, since_ns, now_ns);
    if (a->role == WIRE_CLUSTER_CHILD) {
        a->doomed = true;
        agent_publish(a);
        crew_changed(p->crew);
        return; /* the app's own primary replaces it */
    }
    process_move(p, PROCESS_BLOCKED);
    if (p == w->successor)
        w->successor = NULL;
    if (p == w->current && !p->crew->draining) {
        worker_note(w, "its loop was blocked");
        worker_abandon(w);
    }
}

static void loop_check(struct agent *a, u64 now_ns)
{
    const struct app_conf *conf = a->process->app->conf;
    struct verdict_loop_limits limits = { conf->warn_block_ns, conf->max_block_ns };
    u64 since_ns = slots_busy_since_ns(&a->crew->slots, (u32)a->slot);

    if (a->stack_asked_ns && now_ns - a->stack_asked_ns > STACK_WAIT_NS) {
        stack_log(a, (struct str){ 0 }, now_ns);
        stack_settled(a);
        return;
    }
    if (a->process->held) /* that is what it is held for */
        return;
    if (a->doomed || (a->process->state != PROCESS_READY && a->process->state != PROCESS_DRAINING))
        return;
    switch (verdict_loop(&limits, since_ns, a->warned_since_ns, a->warned_ns, now_ns)) {
    case VERDICT_LOOP_FINE:
        break;
    case VERDICT_LOOP_WARN:
        a->warned_since_ns = since_ns;
        a->warned_ns = now_ns;
        agent_stack_ask(a, since_ns, now_ns);
        break;
    case VERDICT_LOOP_REPLACE:
        blocked(a, since_ns, now_ns);
        break;
    }
}

static u32 replacements(const struct app *app)
{
    u32 n = 0;

    for (u32 i = 1; i <= app->workers; i++)
        n += app->worker[i].successor != NULL;
    return n;
}

static void memory_replace(struct process *p, u32 pid, u64 rss_bytes, u64 now_ns)
{
    struct worker *w = p->worker;
    u64 limit = w->app->conf->max_memory_bytes;

    if (p != w->current || w->successor || now_ns < w->replace_not_before_ns ||
        replacements(w->app) >= verdict_replacements_max(w->app->workers))
        return;
    log_warn("%s (pid %u) uses %llu MB, more than %llu: it is being replaced", w->name, pid,
             (unsigned long long)(rss_bytes >> 20), (unsigned long long)(limit >> 20));
    /* A limit that the app exceeds at once must not keep the machine busy with starts. */
    w->replace_not_before_ns = now_ns + (now_ns - p->started_ns < SOON_NS ? SOON_NS : 0);
    if (!worker_replace(w, WORKER_MEMORY))
        log_error("%s cannot be replaced now", w->name);
}

static void memory_check(struct agent *a, u64 rss_bytes, u64 now_ns)
{
    struct crew *c = a->crew;
    const struct app *app = a->process->app;
    u64 limit = app->conf->max_memory_bytes;

    if (!limit || rss_bytes <= limit || c->draining || a->process->held ||
        a->process->state != PROCESS_READY)
        return;
    if (a->role == WIRE_CLUSTER_CHILD) {
        if (a->drain_until_ns)
            return;
        log_warn("process %u of the cluster of %s uses %llu MB, more than %llu: it is drained and "
                 "ended",
                 a->pid, app->title, (unsigned long long)(rss_bytes >> 20),
                 (unsigned long long)(limit >> 20));
        a->drain_until_ns = now_ns + app->conf->drain_ns;
        agent_publish(a);
        crew_changed(c);
        return;
    }
    memory_replace(a->process, a->pid, rss_bytes, now_ns);
}

/* A child of the app's own cluster that is being drained for its memory. */
static void cluster_child_drain(struct agent *a, u64 now_ns)
{
    if (!a->drain_until_ns || a->doomed)
        return;
    if (now_ns >= a->drain_until_ns + a->process->app->conf->kill_after_ns) {
        a->doomed = true;
        kill((pid_t)a->pid, SIGKILL);
    } else if (now_ns >= a->drain_until_ns || slots_in_flight(&a->crew->slots, (u32)a->slot) == 0) {
        kill((pid_t)a->pid, SIGTERM);
        a->drain_until_ns = min(a->drain_until_ns, now_ns);
    }
}

static void agent_check(struct agent *a, bool with_fds, u64 now_ns)
{
    u64 rss_bytes;

    if (a->slot < 0 ||
        slots_sample(&a->crew->slots, (u32)a->slot, a->pid, with_fds, &rss_bytes) < 0)
        return;
    cluster_child_drain(a, now_ns);
    memory_check(a, rss_bytes, now_ns);
    loop_check(a, now_ns);
}

static void side_check(struct process *p, bool with_fds, u64 now_ns)
{
    u64 limit = p->app->conf->max_memory_bytes, rss_bytes;

    if (p->side_slot < 0 ||
        slots_sample(&p->crew->slots, (u32)p->side_slot, (u32)p->pid, with_fds, &rss_bytes) < 0)
        return;
    if (limit && rss_bytes > limit && !p->crew->draining && p->state == PROCESS_READY)
        memory_replace(p, (u32)p->pid, rss_bytes, now_ns);
}

void health_tick(struct crew *c, u32 tick, u64 now_ns)
{
    for (u32 i = 0; i < c->apps; i++)
        c->shm->app[i].block_ns = c->app[i]->conf->block_ns;
    for (int state = 0; state < PROCESS_GONE; state++) {
        list_each_safe (plink, &c->processes[state]) {
            struct process *p = container_of(plink, struct process, link);

            side_check(p, tick % FDS_EVERY == 0, now_ns);
            list_each_safe (alink, &p->agents)
                agent_check(container_of(alink, struct agent, link), tick % FDS_EVERY == 0, now_ns);
        }
    }
}
