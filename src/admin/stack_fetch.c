/* admin/stack_fetch.c -- the stack of a blocked loop by its inspector */
#include "admin/stack_fetch.h"

#include "base/log.h"
#include "io/child.h"
#include "shm/layout.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

/* Between two of a process. */
#define FETCH_PAUSE_NS (5 * NS_PER_S)
/* It limits itself (app/stack_main.c); this is for one that is stuck. */
#define FETCH_END_NS (30 * NS_PER_S)
#define REAP_NS (20 * NS_PER_MS)

struct stack_fetch {
    struct loop *loop;
    stack_fetch_fn *fn;
    void *arg;
    struct stack_wanted what;
    pid_t pid; /* 0: none runs */
    struct watch output;
    struct timer timer;
    u64 began_ns, next_ns[SHM_SLOTS_MAX];
    u32 next_generation[SHM_SLOTS_MAX];
};

u32 stack_fetch_read(struct stack_fetched *out, struct str text, u64 since_ns)
{
    struct str word = str_cut(text, '\n', &text);

    out->record = (struct shm_blocked){ .since_ns = since_ns, .how = SHM_BLOCKED_UNABLE };
    out->record.call = -2;
    if (str_eq(word, STR("stack")))
        out->record.how = SHM_BLOCKED_STACK;
    else if (str_eq(word, STR("returned")))
        out->record.how = SHM_BLOCKED_RETURNED;
    else if (!str_eq(word, STR("none")))
        text = STR("the process that asks the inspector has failed");
    out->record.text_len = (u32)min(text.len, sizeof(out->text));
    if (out->record.text_len)
        memcpy(out->text, text.ptr, out->record.text_len);
    return (u32)offsetof(struct stack_fetched, text) + out->record.text_len;
}

static void output_close(struct stack_fetch *f)
{
    int fd = f->output.fd;

    if (!f->output.loop)
        return;
    loop_unwatch(&f->output);
    close(fd);
}

static void reap_due(struct timer *t)
{
    struct stack_fetch *f = container_of(t, struct stack_fetch, timer);
    u64 now_ns = loop_now_ns(f->loop);

    if (!f->output.loop && waitpid(f->pid, NULL, WNOHANG) != 0) {
        f->pid = 0;
        return;
    }
    if (now_ns - f->began_ns > FETCH_END_NS)
        kill(f->pid, SIGKILL);
    loop_timer(f->loop, t, now_ns + (f->output.loop ? NS_PER_S : REAP_NS), reap_due);
}

static void output_event(struct watch *w, u32 events)
{
    struct stack_fetch *f = container_of(w, struct stack_fetch, output);
    struct stack_fetched got;
    char text[STACK_FETCH_BYTES_MAX];
    ssize_t n = read(w->fd, text, sizeof(text));

    (void)events;
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n > 0) {
        u32 len = stack_fetch_read(&got, str_make(text, (size_t)n), f->what.since_ns);

        f->fn(f, &f->what, &got.record, len);
        return;
    }
    output_close(f);
    loop_timer(f->loop, &f->timer, loop_now_ns(f->loop), reap_due);
}

static int start(struct stack_fetch *f)
{
    char name[] = "fettle", verb[] = "__stack", pid[16];
    char *argv[] = { name, verb, pid, NULL };
    int ends[2], err;

    snprintf(pid, sizeof(pid), "%u", f->what.pid);
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
        return -errno;
    AUTO(fd_closep) int ours = ends[0];
    AUTO(fd_closep) int theirs = ends[1];

    err = child_start(&(struct child_conf){ .file = "/proc/self/exe",
                                            .argv = argv,
                                            .fds = { -1, theirs, -1 },
                                            .fds_n = 3,
                                            .group = true },
                      &f->pid, NULL);
    if (err)
        return err;
    loop_timer(f->loop, &f->timer, loop_now_ns(f->loop) + NS_PER_S, reap_due);
    err = loop_watch(f->loop, &f->output, ours, EPOLLIN, output_event);
    if (!err)
        ours = -1; /* the watch's */
    return err;
}

void stack_fetch_begin(struct stack_fetch *f, const struct stack_wanted *what, u64 now_ns)
{
    int err;

    if (f->pid || what->slot >= SHM_SLOTS_MAX || !what->pid ||
        (f->next_generation[what->slot] == what->generation && now_ns < f->next_ns[what->slot]))
        return;
    f->next_generation[what->slot] = what->generation;
    f->next_ns[what->slot] = now_ns + FETCH_PAUSE_NS;
    f->what = *what;
    f->began_ns = now_ns;
    err = start(f);
    if (err)
        log_debug("no stack of process %u: %s", what->pid, strerror(-err));
}

int stack_fetch_new(struct stack_fetch **out, struct loop *loop, stack_fetch_fn *fn, void *arg)
{
    struct stack_fetch *f = calloc(1, sizeof(*f));

    if (!f)
        return -ENOMEM;
    f->loop = loop;
    f->fn = fn;
    f->arg = arg;
    *out = f;
    return 0;
}

void stack_fetch_free(struct stack_fetch *f)
{
    if (!f)
        return;
    output_close(f);
    loop_timer_stop(&f->timer);
    free(f);
}

void *stack_fetch_arg(const struct stack_fetch *f)
{
    return f->arg;
}
