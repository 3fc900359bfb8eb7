/* worker/supervisor.c -- runs apps: their workers and listening sockets, one proxy, one monitor
 *
 * Ties the parts of the room together: what comes first, what happens four times a second, what
 * signals mean, and how it all ends:
 *
 *   asked to end ──► the proxy drains ──► workers: SIGTERM ──► proxy and monitor: EOF ──► over
 *                         └─ at most drain_ns ─┘   └─ at most kill_after_ns, then SIGKILL
 */
#include "worker/supervisor.h"

#include "base/log.h"
#include "io/signals.h"
#include "shm/region.h"
#include "worker/assembly.h"
#include "worker/crew.h"
#include "worker/health.h"
#include "worker/pidfile.h"
#include "worker/procfs.h"
#include "worker/restart_at.h"

#include <signal.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>

#define TICK_NS (250 * NS_PER_MS)
#define HELPERS_END_NS (1 * NS_PER_S)
#define FLUSH_NS (1 * NS_PER_S)
#define LOST_PAUSE_NS (10 * NS_PER_S)
#define PROXY_PAUSE_MAX_NS (2 * NS_PER_S)
#define MONITOR_PAUSE_MAX_NS (30 * NS_PER_S)
enum {
    CHILDREN_MAX = 256,
};

struct supervisor {
    struct crew crew;
    struct signals signals;
    struct timer tick;
    struct timer drain_over;   /* requests had their time */
    struct timer helpers_over; /* proxy and monitor had theirs */
    u32 ticks;
    u64 lines_lost; /* not yet told … */
    u64 lost_ns;    /* … since the last time */
};

static struct crew *log_crew; /* base/log.h has room for no argument */

static void log_write(enum log_level level, struct str line)
{
    spool_write(log_crew->sink.spool[1], line);
    logbook_line(&log_crew->logbook, line, level <= LOG_WARN);
    predecessor_say(log_crew->conf->predecessor, level, line);
}

struct app_conf app_conf_default(void)
{
    return (struct app_conf){
        .workers = 1,
        .max_block_ns = 30 * NS_PER_S,
        .warn_block_ns = NS_PER_S,
        .watch_requests = 100,
        .n_plus_one = 5,
        .n_plus_one_ns = NS_PER_MS,
        .slow_statement_ns = 100 * NS_PER_MS,
        .drain_ns = 10 * NS_PER_S,
        .kill_after_ns = 5 * NS_PER_S,
        .start_timeout_ns = 120 * NS_PER_S,
        .backoff_max_ns = 10 * NS_PER_S,
        .rules = { .restarts = true },
    };
}

static void changed_tell(struct task *t)
{
    helper_changed(&container_of(t, struct crew, changed)->proxy);
}

void crew_changed(struct crew *c)
{
    loop_task(c->loop, &c->changed, changed_tell);
}

static bool processes_left(const struct crew *c)
{
    for (int state = 0; state < PROCESS_GONE; state++)
        if (!list_empty(&c->processes[state]))
            return true;
    return false;
}

/* All apps' requests have the time that the most patient one gives. */
static u64 drain_ns(const struct crew *c)
{
    u64 ns = 0;

    for (u32 i = 0; i < c->apps; i++)
        ns = max(ns, c->app[i]->conf->drain_ns);
    return ns;
}

static void over(struct crew *c)
{
    c->over = true;
    loop_stop(c->loop);
}

static void helpers_over(struct timer *t)
{
    over(&container_of(t, struct supervisor, helpers_over)->crew);
}

/* After each step of the end: what comes next. */
static void end_go_on(struct crew *c)
{
    struct supervisor *s = container_of(c, struct supervisor, crew);

    if (!c->workers_told || processes_left(c))
        return;
    if (!c->proxy.pid && !c->monitor.pid) {
        over(c);
        return;
    }
    if (loop_timer_armed(&s->helpers_over))
        return;
    helper_stop(&c->proxy);
    helper_stop(&c->monitor);
    loop_timer(c->loop, &s->helpers_over, loop_now_ns(c->loop) + HELPERS_END_NS, helpers_over);
}

static void workers_end(struct crew *c)
{
    if (c->workers_told)
        return;
    c->workers_told = true;
    for (int state = 0; state < PROCESS_ENDING; state++)
        list_each_safe (link, &c->processes[state])
            process_kill(container_of(link, struct process, link), SIGTERM);
    end_go_on(c);
}

static void drain_over(struct timer *t)
{
    struct crew *c = &container_of(t, struct supervisor, drain_over)->crew;

    if (!c->workers_told && successor_has_taken(&c->successor))
        log_info("connections that are still open after %g s are ended",
                 (double)drain_ns(c) / NS_PER_S);
    else if (!c->workers_told)
        log_warn("some requests were not done in %g s", (double)drain_ns(c) / NS_PER_S);
    workers_end(c);
}

static void proxy_drained(struct helper *h)
{
    struct crew *c = container_of(h, struct crew, proxy);

    successor_unlistened(&c->successor); /* it may have died */
    if (c->draining)
        workers_end(c);
}

static void proxy_unlistened(struct helper *h)
{
    successor_unlistened(&container_of(h, struct crew, proxy)->successor);
}

static void proxy_hopeless(struct helper *h)
{
    crew_end(container_of(h, struct crew, proxy), 1);
}

/* The monitor wants to know what a loop is at. */
static void monitor_stack(struct helper *h, const struct wire_note *note)
{
    agents_stack_record(&container_of(h, struct crew, monitor)->agents, note->listener, note->kind);
}

static void monitor_drained(struct helper *h)
{
    successor_monitor_gone(&container_of(h, struct crew, monitor)->successor);
}

void crew_end(struct crew *c, int exit_code)
{
    struct supervisor *s = container_of(c, struct supervisor, crew);

    if (c->draining)
        return;
    c->draining = true;
    c->exit_code = exit_code;
    if (!successor_has_taken(&c->successor))
        notice_end(c);
    c->shm->draining = 1;
    for (u32 k = 0; k < c->apps; k++) {
        struct app *app = c->app[k];

        reload_stop(app);
        for (u32 i = 1; i <= app->workers; i++) {
            struct worker *w = &app->worker[i];

            loop_timer_stop(&w->restart);
            if (w->successor)
                process_kill(TAKE(w->successor, NULL), SIGTERM);
        }
    }
    loop_timer(c->loop, &s->drain_over, loop_now_ns(c->loop) + drain_ns(c), drain_over);
    helper_drain(&c->proxy, successor_has_taken(&c->successor));
    /* The proxy closes its own: from here on clients are refused rather than left waiting. */
    listeners_done(&c->listeners);
}

bool crew_apps_over(struct crew *c)
{
    bool errored = false;

    for (u32 i = 0; i < c->apps; i++) {
        if (c->app[i]->removed)
            continue;
        if (!app_is_over(c->app[i]) || c->app[i]->state == SHM_APP_STOPPED)
            return false;
        errored |= c->app[i]->state == SHM_APP_ERRORED;
    }
    crew_end(c, errored);
    return true;
}

void crew_process_gone(struct crew *c)
{
    if (processes_left(c))
        return;
    workers_end(c); /* nobody is left to answer what the proxy still holds */
    end_go_on(c);
}

void crew_end_at_once(struct crew *c, int exit_code)
{
    for (int state = 0; state < PROCESS_GONE; state++)
        list_each (link, &c->processes[state])
            kill(-container_of(link, struct process, link)->pid, SIGKILL);
    c->exit_code = exit_code;
    over(c);
}

static void asked_to_end(struct crew *c, int signal)
{
    if (successor_signal(&c->successor, signal))
        return;
    if (c->draining) {
        log_warn("a second SIG%s: everything ends at once", sigabbrev_np(signal));
        crew_end_at_once(c, 128 + signal);
        return;
    }
    log_info("SIG%s: requests that run have %g s to finish", sigabbrev_np(signal),
             (double)drain_ns(c) / NS_PER_S);
    crew_end(c, 0);
}

static bool process_take(struct crew *c, const struct child_end *end)
{
    for (int state = 0; state < PROCESS_GONE; state++)
        list_each (link, &c->processes[state])
            if (process_reaped(container_of(link, struct process, link), end))
                return true;
    return false;
}

static void children_reap(struct crew *c)
{
    struct child_end end;

    while (child_reap(&end)) {
        /* Others are orphans of workers, which came to us as their subreaper. */
        if (helper_reaped(&c->proxy, &end) || helper_reaped(&c->monitor, &end) ||
            reread_reaped(&c->reread, &end) || successor_reaped(&c->successor, &end))
            continue;
        if (!process_take(c, &end))
            log_debug("process %d, adopted, has ended", (int)end.pid);
    }
    if (c->draining)
        end_go_on(c);
}

static void signalled(struct signals *signals, const struct signalfd_siginfo *info)
{
    struct crew *c = &container_of(signals, struct supervisor, signals)->crew;

    switch (info->ssi_signo) {
    case SIGCHLD:
        children_reap(c);
        break;
    case SIGTERM:
    case SIGINT:
        asked_to_end(c, (int)info->ssi_signo);
        break;
    case SIGHUP:
        /* From the kernel: our terminal was closed. From a process: somebody wants a reload. */
        if (info->ssi_code == SI_KERNEL)
            asked_to_end(c, SIGTERM);
        else if (!c->draining) {
            notice_reload(c); /* at once, as systemd wants it; the rest is seen by the tick */
            c->reread.reload_all = true;
            (void)reread_begin(&c->reread);
        }
        break;
    case SIGUSR2:
        logbook_reopen(&c->logbook);
        if (c->proxy.pid)
            kill(c->proxy.pid, SIGUSR2); /* it has the access log */
        break;
    default:
        break;
    }
}

/* Told now and then, until the reader has taken it. */
static void lost_lines_tell(struct supervisor *s, u64 now_ns)
{
    struct output_sink *sink = &s->crew.sink;

    s->lines_lost += output_sink_dropped(sink);
    if (s->lines_lost == 0 || (s->lost_ns && now_ns - s->lost_ns < LOST_PAUSE_NS))
        return;
    s->lost_ns = now_ns;
    log_warn("%llu lines of output were dropped, because nobody read them in time",
             (unsigned long long)s->lines_lost);
    if (output_sink_dropped(sink) == 0)
        s->lines_lost = 0;
}

static void listeners_close(struct crew *c, u64 now_ns)
{
    u32 closed = listeners_tick(&c->listeners, now_ns);

    for (; closed; closed &= closed - 1)
        helper_listener_gone(&c->proxy, (u32)__builtin_ctz(closed));
}

static void tick(struct timer *t)
{
    struct supervisor *s = container_of(t, struct supervisor, tick);
    struct crew *c = &s->crew;
    u64 now_ns = loop_now_ns(c->loop);

    loop_timer(c->loop, t, now_ns + TICK_NS, tick);
    health_tick(c, s->ticks++, now_ns);
    for (u32 k = 0; k < c->apps; k++)
        for (u32 i = 1; i <= c->app[k]->workers; i++)
            worker_tick(&c->app[k]->worker[i], now_ns);
    for (u32 k = 0; k < c->apps; k++)
        restart_at_tick(c->app[k], (i64)(clock_wall_ms() / 1000));
    slots_tick(&c->slots, now_ns);
    listeners_close(c, now_ns);
    notice_tick(c);
    lost_lines_tell(s, now_ns);
    logbook_tick(&c->logbook, now_ns);
}

static int loop_make(struct supervisor *s, struct problem *problem)
{
    static const int list[] = { SIGCHLD, SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2 };
    struct crew *c = &s->crew;
    int r;

    signal(SIGPIPE, SIG_IGN);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    r = loop_new(&c->loop);
    if (r == 0)
        r = signals_init(&s->signals, c->loop, list, ARRAY_LEN(list), signalled);
    if (r == 0)
        r = output_sink_init(&c->sink, c->conf->log_json);
    if (r < 0)
        return problem_set(problem, "no event loop: %s", strerror(-r));
    c->logbook.json = c->conf->log_json;
    recent_init(&c->recent, c);
    c->sink.recent = c->logbook.recent = &c->recent;
    log_crew = c;
    log_redirect(log_write);
    return 0;
}

static int helpers_start(struct crew *c, struct problem *problem)
{
    struct helper_conf proxy = {
        .name = "proxy",
        .argv = c->conf->proxy_argv,
        .dir = c->dir.path,
        .loop = c->loop,
        .shm_fd = c->shm_fd,
        .wake_fd = c->wake_fd,
        .peers_fd = c->peers_fd,
        .listeners = &c->listeners,
        .pid = &c->shm->proxy_pid,
        .restarts = &c->shm->proxy_restarts,
        .pause_max_ns = PROXY_PAUSE_MAX_NS,
        .drained = proxy_drained,
        .unlistened = proxy_unlistened,
        .hopeless = proxy_hopeless,
    };
    struct helper_conf monitor = proxy;
    int r = helper_init(&c->proxy, &proxy, crew_holds(c));

    monitor.name = "monitor";
    monitor.argv = c->conf->monitor_argv;
    monitor.peers_fd = -1;
    monitor.listeners = NULL;
    monitor.pid = &c->shm->monitor_pid;
    monitor.restarts = &c->shm->monitor_restarts;
    monitor.pause_max_ns = MONITOR_PAUSE_MAX_NS;
    monitor.drained = monitor_drained;
    monitor.hopeless = NULL;
    monitor.unlistened = NULL;
    monitor.stack = monitor_stack;
    c->monitor.conf = monitor;
    if (r == 0 && !crew_holds(c))
        r = helper_init(&c->monitor, &monitor, false);
    return r < 0 ? problem_set(problem, "proxy or monitor cannot be started: %s", strerror(-r)) : 0;
}

void crew_release(struct crew *c)
{
    struct helper_conf monitor = c->monitor.conf;

    controller_init(&c->controller, c);
    if (helper_init(&c->monitor, &monitor, false) < 0)
        log_error("the monitor cannot be started; the apps run without it");
    helper_release(&c->proxy);
    pidfile_write_all(c);
    notice_start(c);
}

static int set_up(struct supervisor *s, struct problem *problem)
{
    struct crew *c = &s->crew;
    int r = assembly_make(c, problem);

    if (r == 0)
        r = loop_make(s, problem);
    if (r == 0 && agents_init(&c->agents, c) < 0)
        r = problem_set(problem, "%s/agent.sock cannot be made: %s", c->dir.path, strerror(errno));
    if (r == 0 && !crew_holds(c))
        controller_init(&c->controller, c);
    reread_init(&c->reread, c);
    successor_init(&c->successor, c);
    if (r == 0 && predecessor_begin(c->conf->predecessor, c) < 0)
        r = problem_set(problem, "the fettle before this one cannot be listened to");
    return r == 0 ? helpers_start(c, problem) : r;
}

/* What workers have left behind outside their groups (browsers, daemons) ends with fettle. */
static void orphans_kill(pid_t but)
{
    u32 pids[CHILDREN_MAX], n = procfs_children(pids, CHILDREN_MAX);

    for (u32 i = 0; i < n; i++)
        if ((pid_t)pids[i] != but)
            kill((pid_t)pids[i], SIGKILL);
}

static void processes_free(struct crew *c)
{
    for (int state = 0; state < PROCESS_GONE; state++) {
        while (!list_empty(&c->processes[state])) {
            struct process *p = list_first(&c->processes[state], struct process, link);

            loop_timer_stop(&p->timeout);
            loop_timer_stop(&p->look);
            while (!list_empty(&p->agents))
                agent_close(list_first(&p->agents, struct agent, link));
            ipc_close(&p->ipc);
            output_done(&p->output);
            list_del(&p->link);
            free(p);
        }
    }
}

static void tear_down(struct supervisor *s)
{
    struct crew *c = &s->crew;

    helper_done(&c->proxy);
    helper_done(&c->monitor);
    if (c->loop) {
        orphans_kill(c->successor.pid);
        for (u32 i = 0; i < c->apps; i++)
            dev_done(c->app[i]); /* its timer and its watch are the loop's */
        processes_free(c);
        agents_done(&c->agents);
        controller_done(&c->controller);
        reread_done(&c->reread);
        successor_done(&c->successor, c->conf->left);
        predecessor_end(c->conf->predecessor);
        signals_done(&s->signals);
        loop_free(c->loop);
    }
    if (c->shm)
        listeners_done(&c->listeners);
    log_redirect(NULL);
    c->logbook.recent = NULL;
    recent_done(&c->recent);
    logbook_done(&c->logbook, FLUSH_NS);
    if (c->sink.spool[1])
        output_sink_done(&c->sink, FLUSH_NS);
    pidfile_remove_all(c);
    for (u32 i = 0; i < c->apps; i++)
        app_free(c->app[i]);
    region_unmap(c->shm);
    fd_closep(&c->shm_fd);
    fd_closep(&c->wake_fd);
    fd_closep(&c->peers_fd);
    fd_closep(&c->peers_read_fd);
    rundir_remove(&c->dir);
}

static void run(struct supervisor *s)
{
    struct crew *c = &s->crew;

    for (u32 i = 0; i < c->apps; i++)
        if (!app_is_over(c->app[i])) /* one was stopped in the fettle before this one */
            app_start(c->app[i]);
    loop_timer(c->loop, &s->tick, clock_now_ns() + TICK_NS, tick);
    if (!crew_holds(c)) {
        pidfile_write_all(c);
        notice_start(c);
    }
    while (!c->over)
        loop_run(c->loop);
}

int supervisor_run(const struct supervisor_conf *conf, struct problem *problem)
{
    struct supervisor *s = calloc(1, sizeof(*s));
    int exit_code = 1;

    *problem = (struct problem){ 0 };
    if (!s) {
        problem_set(problem, "out of memory");
        return 1;
    }
    s->crew.conf = conf;
    s->crew.shm_fd = s->crew.wake_fd = s->crew.dir.fd = -1;
    s->crew.peers_fd = s->crew.peers_read_fd = -1;
    for (int i = 0; i < PROCESS_STATES; i++)
        list_init(&s->crew.processes[i]);
    if (set_up(s, problem) == 0) {
        run(s);
        exit_code = s->crew.exit_code;
    }
    tear_down(s);
    free(s);
    return exit_code;
}
