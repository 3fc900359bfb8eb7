/* inspect/attach.c -- a way into a running Node: its inspector, opened if need be, closed after */
#include "inspect/attach.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>

#define LOOK_NS (5 * NS_PER_MS)
#define QUICK_LOOK_NS NS_PER_MS /* at first: JavaScript that runs is interrupted at once */
#define QUICK_NS (50 * NS_PER_MS)
#define PROBE_NS (2 * NS_PER_S)     /* for an answer to /json/list: a thread of its own gives it */
#define CONNECT_NS (10 * NS_PER_S)  /* for the upgrade */
#define CLOSED_NS (500 * NS_PER_MS) /* from the command to a port that is gone */
#define TURN_NS NS_PER_S            /* a loop that has not turned by then is blocked */
#define REOPENED_NS (250 * NS_PER_MS) /* from its end to a new one, if the signal came between */
#define LATER_NS (600 * NS_PER_S)

/* The port is remembered by Node; where any was asked for, any is meant the next time. */
static const char close_params[] =
    "{\"expression\":\"(close=>{%sclose()})("
    "typeof process._debugEnd==='function'?()=>process._debugEnd():"
    "()=>process.getBuiltinModule('inspector').close())%s\",\"silent\":true}";
/* Node has both V8 and its loop open the inspector on SIGUSR1. A loop that is blocked gets to it
 * when it turns, and opens it anew if it was closed meanwhile: then it is closed once more. */
static const char close_later[] = "setImmediate(()=>setImmediate(close));";
static const char turn_params[] =
    "{\"expression\":\"new Promise(turned=>setImmediate(()=>setImmediate(turned)))\","
    "\"awaitPromise\":true,\"silent\":true}";

/* ---- the network namespace of the process ---- */

/* Into that of the process; *back is the way out, -1: there is no need. */
static int net_enter(const struct node_process *np, int *back)
{
    AUTO(fd_closep) int theirs = -1;
    AUTO(fd_closep) int ours = -1;
    char path[48];

    *back = -1;
    if (!np->other_net)
        return 0;
    snprintf(path, sizeof(path), "/proc/%u/ns/net", np->pid);
    theirs = open(path, O_RDONLY | O_CLOEXEC);
    ours = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    if (theirs < 0 || ours < 0 || setns(theirs, CLONE_NEWNET) < 0)
        return -errno;
    *back = TAKE(ours, -1);
    return 0;
}

static void net_leave(int *back)
{
    if (*back >= 0)
        (void)setns(*back, CLONE_NEWNET);
    fd_closep(back);
}

/* ---- which port ---- */

/* An address that takes connections for all is asked through loopback. */
static struct addr reachable(struct addr a)
{
    if (addr_is_any(&a)) {
        memset(a.ip, 0, sizeof(a.ip));
        if (a.family == AF_INET6)
            a.ip[15] = 1;
        else
            memcpy(a.ip, (u8[]){ 127, 0, 0, 1 }, 4);
    }
    return a;
}

/* Asks the ports of `now` that are not in `before`. 0: found, and *a has its address; -ENOENT;
 * -ECANCELED. */
static int probe(struct attach *a, const struct tcp_listens *now, const struct tcp_listens *before,
                 struct listing *out)
{
    for (u32 i = 0; i < now->count; i++) {
        struct addr to = reachable(now->at[i].addr);
        int err;

        if (before && tcp_listens_has(before, &now->at[i].addr))
            continue;
        err = listing_get(out, &a->client.wait, &to, clock_now_ns() + PROBE_NS);
        if (err == 0)
            a->addr = to;
        if (err == 0 || err == -ECANCELED)
            return err;
    }
    return -ENOENT;
}

/* An inspector that is open already: where it usually is, or where the command line has it. Ports
 * of the app's own are not asked without a reason. */
static int probe_open(struct attach *a, struct listing *out)
{
    const struct addr *at = tcp_listens_port(&a->before, a->process.inspect_port);
    struct tcp_listens one = { .count = 1 };
    int err = -ENOENT;

    if (at) {
        one.at[0].addr = *at;
        err = probe(a, &one, NULL, out);
    }
    if (err == -ENOENT && a->process.says_inspect)
        err = probe(a, &a->before, NULL, out);
    return err;
}

/* One that has opened since. -ENOENT: not yet. */
static int probe_new(struct attach *a, struct listing *out)
{
    struct tcp_listens now;
    int err = tcp_listens_of(&now, a->process.pid);

    return err ? err : probe(a, &now, &a->before, out);
}

/* ---- SIGUSR1 ---- */

static int signal_check(const struct node_process *np, bool force, struct problem *p)
{
    if (!np->is_node && !force)
        return problem_set(p,
                           "process %u (%s) does not look like Node, and another program may end "
                           "by the signal that opens Node's inspector; --force sends it all the "
                           "same",
                           np->pid, np->title);
    if (!np->catches_sigusr1)
        return problem_set(p,
                           "process %u (%s) does not take SIGUSR1, which opens the inspector: it "
                           "was started with --disable-sigusr1, or has not come so far yet. Start "
                           "it with --inspect=127.0.0.1:0 and give its address",
                           np->pid, np->title);
    if (kill((pid_t)np->pid, 0) < 0)
        return problem_set(p, "process %u cannot be sent a signal: %s%s", np->pid, strerror(errno),
                           errno == EPERM ? "; it belongs to another user: run fettle as that one, "
                                            "or as root"
                                          : "");
    return 0;
}

/* Why nothing has opened. */
static int unopened(const struct node_process *np, u64 open_ns, struct problem *p)
{
    u32 holder = np->inspect_port ? tcp_listens_holder(np->pid, np->inspect_port) : 0;

    if (!node_process_alive(np))
        problem_set(p, "process %u has ended", np->pid);
    else if (holder && holder != np->pid)
        problem_set(p,
                    "port %u, on which the inspector of process %u opens, is taken by process %u; "
                    "close that one, or start Node with --inspect-port=0, which takes any free one",
                    np->inspect_port, np->pid, holder);
    else
        problem_set(p,
                    "process %u (%s) has not opened its inspector within %.3g s: its main thread "
                    "waits in native code (a synchronous call), or the app handles SIGUSR1 itself",
                    np->pid, np->title, (double)open_ns / NS_PER_S);
    return -ETIMEDOUT;
}

/* Sends it once more to a process that takes it still: an app that handled the first one itself may
 * have put back what ends it. */
static void signal_again(struct attach *a)
{
    struct problem p = { 0 };
    struct node_process now;

    if (node_process_look(&now, a->process.pid, &p) || now.start_ticks != a->process.start_ticks ||
        !now.catches_sigusr1)
        return;
    a->woken = true;
    (void)!kill((pid_t)now.pid, SIGUSR1);
}

/* Sends the signal and waits for a new port. */
static int signal_open(struct attach *a, u64 open_ns, struct listing *out, struct problem *p)
{
    u64 began_ns = clock_now_ns(), until_ns = began_ns + open_ns;
    int err;

    if (kill((pid_t)a->process.pid, SIGUSR1) < 0)
        return problem_set(p, "process %u cannot be sent a signal: %s", a->process.pid,
                           strerror(errno));
    a->opened = true; /* or will be */
    do {
        u64 now_ns = clock_now_ns();

        err = wait_for(&a->client.wait, -1, 0,
                       now_ns + (now_ns - began_ns < QUICK_NS ? QUICK_LOOK_NS : LOOK_NS));
        if (err == -ECANCELED)
            return err;
        err = probe_new(a, out);
        if (err == 0 || err == -ECANCELED)
            return err;
        /* Its interrupt may be the one that gets lost. A loop that waits needs none. */
        if (!a->woken && now_ns - began_ns > TURN_NS && node_process_runs(&a->process))
            signal_again(a);
    } while (clock_now_ns() < until_ns && node_process_alive(&a->process));
    /* It may have been open all the time, on a port that nobody would guess. */
    err = probe(a, &a->before, NULL, out);
    if (!err)
        a->opened = false;
    return err == -ENOENT ? unopened(&a->process, open_ns, p) : err;
}

/* ---- in ---- */

static bool is_closed(const struct attach *a)
{
    struct tcp_listens now;

    if (!node_process_alive(&a->process))
        return true;
    /* Until it has opened it is not closed. */
    return a->addr.family && tcp_listens_of(&now, a->process.pid) == 0 &&
           !tcp_listens_port(&now, a->addr.port);
}

/* Its main thread may have missed that there is a message. */
static void wake(struct devtools *client)
{
    struct attach *a = container_of(client, struct attach, client);

    if (a->opened && !is_closed(a))
        signal_again(a);
}

static int connected(struct attach *a, struct str path, struct problem *p)
{
    char text[ADDR_TEXT_MAX];
    int err = devtools_open(&a->client, &a->addr, path, clock_now_ns() + CONNECT_NS);

    if (err && err != -ECANCELED)
        problem_set(p, "the inspector at %.*s cannot be used: %s",
                    STR_ARG(addr_text(&a->addr, text)),
                    err == -EPROTO ? a->client.session.bad_text : strerror(-err));
    return err;
}

static int seek(struct attach *a, const struct attach_conf *conf, struct listing *found,
                struct problem *p)
{
    u32 pid = a->process.pid;
    int err = tcp_listens_of(&a->before, pid);

    if (err == -EACCES || err == -EPERM)
        return problem_set(p,
                           "process %u belongs to another user (%u): run fettle as that one, or as "
                           "root",
                           pid, a->process.uid);
    if (err)
        return problem_set(p, "the sockets of process %u cannot be looked at: %s", pid,
                           strerror(-err));
    err = probe_open(a, found);
    if (err != -ENOENT)
        return err;
    err = signal_check(&a->process, conf->force, p);
    return err ? err : signal_open(a, conf->open_ns, found, p);
}

static void begin(struct attach *a, const struct attach_conf *conf)
{
    *a = (struct attach){ .client = { .fd = -1, .wait = conf->wait, .silent = wake } };
}

int attach_process(struct attach *a, const struct attach_conf *conf, u32 pid, struct problem *p)
{
    AUTO(net_leave) int back = -1;
    struct listing found = { 0 };
    int err;

    begin(a, conf);
    err = node_process_look(&a->process, pid, p);
    if (err)
        return err;
    err = net_enter(&a->process, &back);
    if (err)
        return problem_set(p,
                           "process %u is in a network of its own (a container), where its "
                           "inspector would be: run fettle in there, or as root (%s)",
                           pid, strerror(-err));
    err = seek(a, conf, &found, p);
    if (err)
        return err;
    str_to_cstr(str_of(found.target[0].title), a->title, sizeof(a->title));
    return connected(a, str_of(found.target[0].path), p);
}

int attach_address(struct attach *a, const struct attach_conf *conf, const struct addr *to,
                   struct str path, struct problem *p)
{
    struct listing found = { 0 };
    char text[ADDR_TEXT_MAX];
    int err;

    begin(a, conf);
    a->addr = *to;
    if (path.len)
        return connected(a, path, p);
    err = listing_get(&found, &conf->wait, to, clock_now_ns() + CONNECT_NS);
    if (err == -EPROTO)
        return problem_set(p, "what listens at %.*s is no inspector", STR_ARG(addr_text(to, text)));
    if (err && err != -ECANCELED)
        problem_set(p, "there is no inspector at %.*s: %s", STR_ARG(addr_text(to, text)),
                    strerror(-err));
    if (err)
        return err;
    str_to_cstr(str_of(found.target[0].title), a->title, sizeof(a->title));
    return connected(a, str_of(found.target[0].path), p);
}

/* ---- out ---- */

/* A connection, a new one if the old one is gone. */
static int again(struct attach *a)
{
    AUTO(net_leave) int back = -1;
    struct listing found = { 0 };
    struct problem ignored;
    int err;

    if (a->client.in && !a->client.is_over)
        return 0;
    devtools_done(&a->client);
    err = net_enter(&a->process, &back);
    if (!err)
        err = a->addr.family
                  ? listing_get(&found, &a->client.wait, &a->addr, clock_now_ns() + PROBE_NS)
                  : probe_new(a, &found);
    return err ? err : connected(a, str_of(found.target[0].path), &ignored);
}

/* The signal came when it had been closed, and opened it once more. */
static bool is_reopened(struct attach *a)
{
    u64 until_ns = clock_now_ns() + REOPENED_NS;
    AUTO(net_leave) int back = -1;
    struct listing found;
    int err = a->woken ? net_enter(&a->process, &back) : -ETIMEDOUT;

    while (a->woken && !err && node_process_alive(&a->process)) {
        if (probe_new(a, &found) == 0)
            return true;
        err = wait_for(&a->client.wait, -1, 0, clock_now_ns() + LOOK_NS);
        if (err == -ECANCELED)
            return true; /* whoever goes on looks again */
        err = clock_now_ns() < until_ns ? 0 : -ETIMEDOUT;
    }
    a->woken = false;
    return false;
}

static int close_inside(struct attach *a, u64 until_ns)
{
    char params[sizeof(close_params) + sizeof(close_later) + 32];
    bool turned = false;

    a->client.event = NULL;
    a->client.bulk = NULL;
    while (!is_closed(a) || is_reopened(a)) {
        int err = again(a);

        if (!err && !turned)
            turned = devtools_call(&a->client, "Runtime.evaluate", str_of(turn_params),
                                   clock_now_ns() + TURN_NS, NULL) == 0;
        snprintf(params, sizeof(params), close_params, turned ? "" : close_later,
                 a->addr.port == a->process.inspect_port ? "" : ";process.debugPort=0");
        if (!err)
            err = devtools_call(&a->client, "Runtime.evaluate", str_of(params), until_ns, NULL);
        if (err == -ECANCELED || (err && clock_now_ns() >= until_ns))
            return err;
        a->client.is_over = true; /* and if it is not closed yet: over a new one */
        for (u64 end_ns = clock_now_ns() + CLOSED_NS; clock_now_ns() < end_ns && !is_closed(a);)
            if (wait_for(&a->client.wait, -1, 0, clock_now_ns() + LOOK_NS) == -ECANCELED)
                return -ECANCELED;
    }
    return 0;
}

int attach_end(struct attach *a, u64 wait_ns, struct problem *p)
{
    int err = a->opened ? close_inside(a, clock_now_ns() + wait_ns) : 0;

    devtools_done(&a->client);
    if (!err)
        a->opened = false;
    else if (err != -ECANCELED)
        problem_set(p,
                    "the inspector of process %u is open still (%s): as long as it is, who is on "
                    "this machine and finds its path can run code in it",
                    a->process.pid, strerror(-err));
    return err;
}

bool attach_is_late(const struct attach *a)
{
    return a->opened && !a->addr.family;
}

void attach_end_later(struct attach *a)
{
    struct problem ignored;
    int null = -1;

    if (a->opened && fork() == 0) {
        (void)setsid();
        null = open("/dev/null", O_RDWR);
        for (int fd = 0; fd < 3 && null >= 0; fd++)
            (void)dup2(null, fd);
        a->client.wait.stop_fd = -1;
        (void)!attach_end(a, LATER_NS, &ignored);
        _exit(0);
    }
    a->opened = false;
    devtools_done(&a->client);
}
