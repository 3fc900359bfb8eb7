/* app/stack_main.c -- `fettle __stack PID`, started by the monitor (admin/stack_fetch.h)
 *
 * The monitor knows of the process's agent that SIGUSR1 opens its inspector.
 */
#include "admin/stack_fetch.h"
#include "app/command.h"
#include "app/exit_code.h"
#include "finding/stacktext.h"
#include "inspect/attach.h"
#include "inspect/frames.h"

#include <fcntl.h>
#include <signal.h>

#define OPEN_NS NS_PER_S
#define HALT_NS NS_PER_S
#define AGAIN_NS (100 * NS_PER_MS)
#define RELEASE_NS (2 * NS_PER_S)
#define CLOSE_NS (10 * NS_PER_S) /* it may be in native code; then attach_end_later */
/* JavaScript that runs opens and halts within this time: else native code was at work before. */
#define PROMPT_NS (60 * NS_PER_MS)

enum { TAKES_MAX = 4 };

/* In one piece, which a pipe takes as one. */
static void tell(const char *what, struct str text)
{
    AUTO(buf_done) struct buf out = { 0 };

    buf_addf(&out, "%s\n", what);
    buf_add(&out, str_sub(text, 0, STACK_FETCH_BYTES_MAX - out.len));
    if (!out.failed)
        (void)!write(STDOUT_FILENO, out.ptr, out.len);
}

/* On a port that another process has it would not open, and the app would write of that. */
static int port_check(const struct node_process *np, struct problem *p)
{
    struct wait wait = { .stop_fd = -1 };
    struct addr at = { .family = AF_INET, .ip = { 127, 0, 0, 1 }, .port = np->inspect_port };
    struct tcp_listens own;
    AUTO(fd_closep) int fd = -1;

    if (!np->inspect_port || np->other_net)
        return 0;
    fd = wait_connect(&wait, &at, clock_now_ns() + OPEN_NS);
    if (fd >= 0 && tcp_listens_of(&own, np->pid) == 0 && !tcp_listens_port(&own, at.port))
        return problem_set(p, "port %u, on which its inspector opens, is taken", at.port);
    return 0;
}

/* Nanoseconds that a thread has run, and that it has waited for a CPU
 * (Documentation/scheduler/sched-stats.rst). */
static void schedule_read(const char *process, u64 *ran_ns, u64 *waited_ns)
{
    char path[48], text[96];
    struct str rest;
    ssize_t n;

    *ran_ns = *waited_ns = 0;
    snprintf(path, sizeof(path), "/proc/%s/schedstat", process);
    AUTO(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
    n = fd < 0 ? -1 : read(fd, text, sizeof(text));
    rest = str_make(text, n > 0 ? (size_t)n : 0);
    if (!str_to_u64(str_cut(rest, ' ', &rest), ran_ns) ||
        !str_to_u64(str_cut(rest, ' ', &rest), waited_ns))
        *ran_ns = *waited_ns = 0;
}

/* When it was asked, by the clock without our own waits for a CPU, and by its CPU time. */
struct asked {
    u64 now_ns, ran_ns;
};

static struct asked asked_now(u32 pid)
{
    struct asked at = { .now_ns = clock_now_ns() };
    u64 ours_ns, waited_ns, theirs_ns;
    char number[16];

    snprintf(number, sizeof(number), "%u", pid);
    schedule_read("self", &ours_ns, &waited_ns);
    schedule_read(number, &at.ran_ns, &theirs_ns);
    at.now_ns -= min(waited_ns, at.now_ns);
    return at;
}

static bool is_prompt(const struct asked *from, u32 pid)
{
    struct asked to = asked_now(pid);
    u64 passed_ns = to.now_ns > from->now_ns ? to.now_ns - from->now_ns : 0;

    return passed_ns < PROMPT_NS || to.ran_ns - from->ran_ns < PROMPT_NS;
}

/* Frames of Node's own alone are taken between two callbacks of the app's, or as the turn ends. */
static bool tells(struct str text)
{
    struct stacktext_frame f;

    while (stacktext_next(&text, &f))
        if (!stacktext_is_node(&f) && !stacktext_is_fettle(&f))
            return true;
    return false;
}

static int halt(struct attach *a, struct buf *text)
{
    int err = frames_take(&a->client, clock_now_ns() + HALT_NS, text);

    for (int i = 0; !err && i < TAKES_MAX && !tells(buf_str(text)); i++) {
        buf_clear(text);
        err = frames_release(&a->client, clock_now_ns() + RELEASE_NS);
        if (!err)
            err = frames_take(&a->client, clock_now_ns() + AGAIN_NS, text);
    }
    return err;
}

static int take(struct attach *a, u32 pid, struct problem *p)
{
    struct attach_conf conf = { .wait = { .stop_fd = -1 }, .open_ns = OPEN_NS, .force = true };
    struct asked from = asked_now(pid);
    AUTO(buf_done) struct buf text = { 0 };
    int err = attach_process(a, &conf, pid, p);

    if (err)
        return err;
    err = halt(a, &text);
    if (err)
        problem_set(p,
                    err == -ETIMEDOUT ? "it ran no JavaScript for %.3g s"
                                      : "its inspector gave none within %.3g s",
                    (double)HALT_NS / NS_PER_S);
    else
        tell(is_prompt(&from, pid) ? "stack" : "returned", buf_str(&text));
    (void)!frames_release(&a->client, clock_now_ns() + RELEASE_NS);
    return err;
}

int stack_command(int argc, char **argv)
{
    struct attach a = { 0 };
    struct problem p = { 0 }, ignored;
    struct node_process np;
    u64 pid;

    if (argc != 2 || !str_to_u64(str_of(argv[1]), &pid) || !pid || pid > INT32_MAX)
        return command_usage("__stack takes a PID");
    (void)signal(SIGPIPE, SIG_IGN);
    if (node_process_look(&np, (u32)pid, &p) || port_check(&np, &p) || take(&a, (u32)pid, &p))
        tell("none", str_of(p.text));
    if (attach_end(&a, CLOSE_NS, &ignored))
        attach_end_later(&a);
    return 0;
}
