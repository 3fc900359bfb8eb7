/* worker/process.c -- one life of a worker, from its start to its last trace */
#include "worker/process.h"

#include "base/log.h"
#include "conf/dotenv.h"
#include "worker/crew.h"
#include "worker/procfs.h"
#include "worker/side.h"
#include "worker/workenv.h"

#include <signal.h>

#define STACK_WAIT_NS (2 * NS_PER_S) /* health.c gives up a little earlier, and says so */
#define DRAIN_LOOK_NS (20 * NS_PER_MS)
#define DRAIN_LEAST_NS (50 * NS_PER_MS) /* until every thread of the proxy has seen the state */
#define LEFT_LOOK_NS (50 * NS_PER_MS)
#define IDLE_NODE_NS (1 * NS_PER_S)
#define IDLE_SHELL_NS (3 * NS_PER_S)

static void start_over(struct process *p);
static void drain_over(struct process *p);
static void end_over(struct process *p);
static void kill_again(struct process *p);
static void drain_look(struct process *p);
static void left_look(struct process *p);

#define CONF(field) (offsetof(struct app_conf, field) + 1)

static const struct {
    const char *name;
    u32 next;        /* BIT of each state that may follow */
    size_t time_out; /* CONF() of the time it may last */
    u64 time_out_ns; /* … or a fixed one; 0: for ever */
    void (*timed_out)(struct process *p);
    u64 look_ns; /* every so often … */
    void (*look)(struct process *p);
} states[PROCESS_STATES] = {
    [PROCESS_STARTING] = { "starting",
                           BIT(PROCESS_READY) | BIT(PROCESS_BLOCKED) | BIT(PROCESS_ENDING) |
                               BIT(PROCESS_KILLED) | BIT(PROCESS_LEFT),
                           CONF(start_timeout_ns), 0, start_over, 0, NULL },
    [PROCESS_READY] = { "ready",
                        BIT(PROCESS_DRAINING) | BIT(PROCESS_BLOCKED) | BIT(PROCESS_ENDING) |
                            BIT(PROCESS_KILLED) | BIT(PROCESS_LEFT),
                        0, 0, NULL, 0, NULL },
    [PROCESS_DRAINING] = { "draining",
                           BIT(PROCESS_ENDING) | BIT(PROCESS_KILLED) | BIT(PROCESS_LEFT),
                           CONF(drain_ns), 0, drain_over, DRAIN_LOOK_NS, drain_look },
    [PROCESS_BLOCKED] = { "blocked", BIT(PROCESS_KILLED) | BIT(PROCESS_LEFT), 0, STACK_WAIT_NS,
                          kill_again, 0, NULL },
    [PROCESS_ENDING] = { "ending", BIT(PROCESS_KILLED) | BIT(PROCESS_LEFT), CONF(kill_after_ns), 0,
                         end_over, 0, NULL },
    [PROCESS_KILLED] = { "killed", BIT(PROCESS_KILLED) | BIT(PROCESS_LEFT), 0, NS_PER_S, kill_again,
                         0, NULL },
    [PROCESS_LEFT] = { "left", BIT(PROCESS_GONE), CONF(kill_after_ns), 0, end_over, LEFT_LOOK_NS,
                       left_look },
    [PROCESS_GONE] = { "gone", 0, 0, 0, NULL, 0, NULL },
};

const char *process_state_name(enum process_state state)
{
    return states[state].name;
}

static void timed_out(struct timer *t)
{
    struct process *p = container_of(t, struct process, timeout);

    states[p->state].timed_out(p);
}

static void look_due(struct timer *t)
{
    struct process *p = container_of(t, struct process, look);
    enum process_state state = p->state;

    states[state].look(p);
    if (p->state == state)
        loop_timer(p->crew->loop, t, loop_now_ns(p->crew->loop) + states[state].look_ns, look_due);
}

static u64 time_out_ns(const struct process *p)
{
    const char *conf = (const char *)p->app->conf;
    u64 ns = states[p->state].time_out_ns;

    if (states[p->state].time_out)
        memcpy(&ns, conf + states[p->state].time_out - 1, sizeof(ns));
    return ns;
}

static void timers_arm(struct process *p)
{
    struct loop *loop = p->crew->loop;
    u64 ns = time_out_ns(p);
    /* A start may take for ever when that is set to 0; the other times of 0 mean at once. */
    bool endless = !states[p->state].timed_out || (p->state == PROCESS_STARTING && ns == 0);

    loop_timer_stop(&p->timeout);
    loop_timer_stop(&p->look);
    if (!endless)
        loop_timer(loop, &p->timeout, p->since_ns + ns, timed_out);
    if (states[p->state].look)
        loop_timer(loop, &p->look, p->since_ns + states[p->state].look_ns, look_due);
}

static void group_signal(struct process *p, int signal)
{
    /* The group, and the main process in case it has left the group. */
    if (kill(-p->pid, signal) < 0 && !p->reaped)
        kill(p->pid, signal);
    p->term_sent |= signal == SIGTERM;
}

static void grave(struct task *t)
{
    free(container_of(t, struct process, grave));
}

/* The last of it: what agents are left belong to processes that have gone their own way. */
static void bury(struct process *p)
{
    struct crew *c = p->crew;

    list_each_safe (link, &p->agents) {
        struct agent *a = container_of(link, struct agent, link);

        if (a->slot >= 0) {
            agent_close(a);
            continue;
        }
        a->process = NULL;
        list_del(&a->link);
        list_add(&c->agents.strays, &a->link);
    }
    loop_timer_stop(&p->timeout);
    loop_timer_stop(&p->look);
    side_end(p);
    ipc_close(&p->ipc);
    output_done(&p->output);
    list_del(&p->link);
    loop_bury(c->loop, &p->grave, grave);
    reload_process_gone(p->app, p);
    app_process_gone(p->app);
}

void process_move(struct process *p, enum process_state state)
{
    assert(states[p->state].next & BIT(state));
    log_debug("%s (pid %d): %s, then %s", p->worker->name, (int)p->pid, states[p->state].name,
              states[state].name);
    p->state = state;
    p->since_ns = loop_now_ns(p->crew->loop);
    list_del(&p->link);
    list_add(&p->crew->processes[state], &p->link);
    timers_arm(p);
    list_each (link, &p->agents)
        agent_publish(container_of(link, struct agent, link));
    side_publish(p);
    crew_changed(p->crew);
    switch (state) {
    case PROCESS_ENDING:
        if (!p->app->conf->shutdown_message || ipc_send(&p->ipc, "shutdown") < 0)
            group_signal(p, SIGTERM);
        break;
    case PROCESS_KILLED:
        group_signal(p, SIGKILL);
        break;
    case PROCESS_LEFT:
        if (!p->term_sent)
            group_signal(p, SIGTERM);
        break;
    case PROCESS_GONE:
        bury(p);
        break;
    case PROCESS_STARTING:
    case PROCESS_READY:
    case PROCESS_DRAINING:
    case PROCESS_BLOCKED:
    case PROCESS_STATES:
        break;
    }
}

void process_retire(struct process *p)
{
    if (p->state == PROCESS_READY)
        process_move(p, PROCESS_DRAINING);
    else if (p->state == PROCESS_STARTING)
        process_move(p, PROCESS_ENDING);
}

void process_kill(struct process *p, int signal)
{
    if (p->state == PROCESS_LEFT)
        group_signal(p, signal);
    else if (signal == SIGKILL || p->state >= PROCESS_ENDING || p->state == PROCESS_BLOCKED)
        process_move(p, PROCESS_KILLED);
    else
        process_move(p, PROCESS_ENDING);
}

static void start_over(struct process *p)
{
    double limit_s = (double)p->app->conf->start_timeout_ns / NS_PER_S;
    bool asked = false;

    if (p->app->conf->wait_ready)
        log_error("%s (pid %d) has not called process.send('ready') within %g s, and wait-ready is "
                  "on",
                  p->worker->name, (int)p->pid, limit_s);
    else
        log_error(
            "%s (pid %d) has neither begun to listen nor finished its main script within %g s%s",
            p->worker->name, (int)p->pid, limit_s,
            list_empty(&p->agents) ? "; no agent of fettle has reported from it: is it Node, and "
                                     "does it keep NODE_OPTIONS?"
                                   : "");
    list_each (link, &p->agents) {
        struct agent *a = container_of(link, struct agent, link);
        u64 since_ns = a->slot < 0 ? 0 : slots_busy_since_ns(&p->crew->slots, (u32)a->slot);

        if (since_ns) {
            agent_stack_ask(a, since_ns, loop_now_ns(p->crew->loop));
            asked = true;
        }
    }
    process_move(p, asked ? PROCESS_BLOCKED : PROCESS_ENDING);
}

static void drain_over(struct process *p)
{
    process_move(p, PROCESS_ENDING);
}

static void end_over(struct process *p)
{
    if (p->state == PROCESS_LEFT)
        group_signal(p, SIGKILL);
    else
        process_move(p, PROCESS_KILLED);
}

static void kill_again(struct process *p)
{
    process_move(p, PROCESS_KILLED);
}

static u32 in_flight(const struct process *p)
{
    u32 n = 0;

    list_each (link, &p->agents) {
        struct agent *a = container_of(link, struct agent, link);

        if (a->slot >= 0)
            n += slots_in_flight(&p->crew->slots, (u32)a->slot);
    }
    return n;
}

static void drain_look(struct process *p)
{
    if (loop_now_ns(p->crew->loop) - p->since_ns >= DRAIN_LEAST_NS && in_flight(p) == 0)
        process_move(p, PROCESS_ENDING);
}

static void left_look(struct process *p)
{
    if (kill(-p->pid, 0) < 0 && errno == ESRCH)
        process_move(p, PROCESS_GONE);
}

u32 process_listening(const struct process *p)
{
    u32 bits = 0;

    list_each (link, &p->agents)
        bits |= container_of(link, struct agent, link)->listening;
    return bits;
}

/* Without listening an agent is ready a while after its main script; under a shell or npm any
 * process may be about to start the real one, so that the whole must have been quiet. */
static bool agent_ready(const struct process *p, const struct agent *a, u64 now_ns)
{
    if (p->app->conf->wait_ready)
        return p->said_ready;
    if (a->listening)
        return true;
    if (!a->idle)
        return false;
    if (p->app->conf->is_node)
        return now_ns - a->idle_ns >= IDLE_NODE_NS;
    return now_ns - p->busy_ns >= IDLE_SHELL_NS;
}

void process_consider(struct process *p, u64 now_ns)
{
    bool ready = p->said_ready;

    list_each (link, &p->agents) {
        struct agent *a = container_of(link, struct agent, link);

        if (!a->ready && agent_ready(p, a, now_ns)) {
            a->ready = true;
            agent_publish(a);
            crew_changed(p->crew);
        }
        ready |= a->ready;
    }
    if (!ready && p->state == PROCESS_STARTING && list_empty(&p->agents) &&
        !p->app->conf->wait_ready &&
        side_is_ready(p->app->conf->is_side, p->app->conf->is_node, now_ns - p->started_ns)) {
        side_begin(p);
        ready = true;
    }
    if (!ready || p->state != PROCESS_STARTING)
        return;
    p->ready_ns = now_ns;
    process_move(p, PROCESS_READY);
    worker_process_ready(p->worker, p);
}

bool process_reaped(struct process *p, const struct child_end *end)
{
    if (p->reaped || end->pid != p->pid)
        return false;
    p->reaped = true;
    p->end = *end;
    /* Agents first: what they have still said (and their slots) is settled by their own end of
     * connection; the state tells the proxy now. */
    worker_process_ended(p->worker, p);
    process_move(p, PROCESS_LEFT);
    left_look(p);
    return true;
}

struct process *process_of_pid(struct crew *c, u32 pid, u32 claimed)
{
    struct process *newest = NULL;
    struct procfs_sample sample = { 0 };

    if (procfs_sample(pid, &sample) < 0)
        sample.group = 0;
    for (int state = 0; state < PROCESS_GONE; state++) {
        list_each (link, &c->processes[state]) {
            struct process *p = container_of(link, struct process, link);

            if ((u32)p->pid == pid || (u32)p->pid == sample.group)
                return p;
            if (p->worker->id != claimed)
                continue;
            if (procfs_descends(pid, (u32)p->pid))
                return p;
            if (!newest || p->started_ns > newest->started_ns)
                newest = p;
        }
    }
    return newest;
}

/* The command could not be executed; says so as people can use it. */
static void start_failed(const struct worker *w, const char *file, enum child_step step, int error)
{
    const struct app_conf *conf = w->app->conf;

    switch (step) {
    case CHILD_CHDIR:
        log_error("%s cannot be started: the folder %s: %s", w->name, conf->cwd, strerror(error));
        break;
    case CHILD_USER:
        log_error("%s cannot be started as user %u, group %u: %s", w->name, (u32)conf->user->uid,
                  (u32)conf->user->gid, strerror(error));
        break;
    case CHILD_EXEC:
        log_error("%s cannot be started: %s: %s", w->name, file, strerror(error));
        break;
    case CHILD_FORK:
        log_error("%s cannot be started: no new process: %s", w->name, strerror(error));
        break;
    }
}

/* What is wrong with what they say was told at the start. */
static void file_env_read(const struct worker *w, struct strings *vars)
{
    AUTO(findings_done) struct findings ignored = { 0 };

    for (struct str rest = str_of(w->app->conf->env_files); rest.len;) {
        AUTO(freep) char *path = str_dup(str_cut(rest, ',', &rest));
        int r = path ? dotenv_load(path, vars, &ignored) : -ENOMEM;

        if (r < 0)
            log_warn("%s: %s cannot be read: %s; the app does without its variables", w->name,
                     path ? path : "an env-file", strerror(-r));
    }
}

static void said_ready(struct ipc *ipc)
{
    struct process *p = container_of(ipc, struct process, ipc);

    if (!p->app->conf->wait_ready)
        return;
    p->said_ready = true;
    process_consider(p, loop_now_ns(p->crew->loop));
}

static int spawn(struct process *p)
{
    const struct app_conf *conf = p->app->conf;
    const char *file = conf->is_node && conf->node_path ? conf->node_path : conf->argv[0];
    struct workenv_conf env_conf = {
        .base_env = conf->base_env ? conf->base_env : environ,
        .extra_env = conf->extra_env,
        .dir = p->crew->dir.path,
        .agent_js = p->crew->agent_js,
        .preload = p->crew->preload[0] ? p->crew->preload : NULL,
        .node_path = conf->node_path,
        .is_node = conf->is_node,
        .worker = p->worker->id,
        .instance = p->worker->number - 1,
        .instance_var = conf->instance_var,
        .increment_var = conf->increment_var,
        .channel = conf->wait_ready || conf->shutdown_message,
    };
    AUTO(strings_done) struct strings file_env = { 0 };
    enum child_step step = CHILD_FORK;
    AUTO(fd_closep) int channel = -1;
    int write_fds[2];
    char **env;
    int r;

    file_env_read(p->worker, &file_env);
    env_conf.file_env = file_env.bytes.failed ? NULL : &file_env;
    r = workenv_new(&env, &env_conf);

    if (r == 0 && env_conf.channel)
        r = ipc_open(&p->ipc, p->crew->loop, said_ready, &channel);
    if (r == 0) {
        r = output_init(&p->output, &p->crew->sink, &p->app->output, p->crew->loop,
                        p->worker->number, write_fds);
        if (r == 0) {
            struct child_conf child = {
                .file = file,
                .argv = conf->argv,
                .envp = env,
                .cwd = conf->cwd,
                .fds = { -1, write_fds[0], write_fds[1], [IPC_CHILD_FD] = channel },
                .fds_n = channel < 0 ? 3 : IPC_CHILD_FD + 1,
                .group = true,
                .user = conf->user,
                .death_signal = SIGKILL,
            };

            r = child_start(&child, &p->pid, &step);
            close(write_fds[0]);
            close(write_fds[1]);
        }
        workenv_free(env);
    }
    if (r < 0)
        start_failed(p->worker, file, step, -r);
    return r;
}

int process_start(struct worker *w, struct process **out)
{
    struct process *p = calloc(1, sizeof(*p));
    int r;

    if (!p)
        return -ENOMEM;
    p->app = w->app;
    p->crew = w->app->crew;
    p->worker = w;
    p->side_slot = -1;
    list_init(&p->agents);
    r = spawn(p);
    if (r < 0) {
        ipc_close(&p->ipc);
        output_done(&p->output);
        free(p);
        return r;
    }
    p->output.pid = (u32)p->pid;
    p->app->processes++;
    p->started_ns = p->since_ns = p->busy_ns = clock_now_ns();
    list_init(&p->link);
    list_add(&p->crew->processes[PROCESS_STARTING], &p->link);
    timers_arm(p);
    *out = p;
    return 0;
}
