/* app/inspection.c -- a look into a running Node, from TARGET to the end of it */
#include "app/inspection.h"

#include "app/command.h"
#include "app/exit_code.h"

#include <signal.h>
#include <sys/signalfd.h>
#include <time.h>

#define END_NS (60 * NS_PER_S)

/* ---- Ctrl-C ---- */

int inspection_signals(void)
{
    sigset_t set;
    int fd;

    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    sigprocmask(SIG_BLOCK, &set, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return fd < 0 ? -errno : fd;
}

/* Takes what has been pending. True: there was one. */
bool inspection_stopped(struct inspection *i)
{
    struct signalfd_siginfo info;

    return read(i->stop_fd, &info, sizeof(info)) == sizeof(info);
}

int inspection_failed(struct inspection *i, int err)
{
    progress_clear(&i->progress);
    if (err == -ECANCELED) {
        i->stopped = inspection_stopped(i);
        fprintf(stderr, "fettle: stopping; the inspector is being closed (again Ctrl-C: that goes "
                        "on in the background)\n");
        return 128 + SIGINT;
    }
    if (err == -ENOMEM)
        problem_set(&i->problem, "out of memory");
    command_problem(&i->problem);
    return EXIT_APP;
}

/* ---- who is meant ---- */

/* A worker of fettle's is found by its name, or by the process that was named. */
static int worker_find(struct inspection *i)
{
    const struct control_options *o = &i->options->control;
    int err = 0;

    if (i->target.kind == INSPECTEE_APP)
        err = holder_find(&i->holder, o, i->target.word, &i->problem);
    else if (i->target.kind == INSPECTEE_PROCESS && i->options->drain_ns)
        (void)!holder_find_pid(&i->holder, o, i->target.pid);
    if (!err && i->target.kind == INSPECTEE_APP)
        i->target.pid = i->holder.pid;
    return err;
}

/* Out of traffic, when it is a worker of fettle's. */
static int hold(struct inspection *i)
{
    struct wait w = { i->stop_fd };
    bool shows = !i->options->control.json && isatty(STDERR_FILENO);
    int err;

    if (!i->holder.app[0] || !i->options->drain_ns)
        return 0;
    err = holder_begin(&i->holder, &w, i->options->drain_ns, shows, &i->problem);
    if (!err && (i->holder.requests || i->holder.streams))
        fprintf(stderr,
                "fettle: %s/%u: %u requests and %u streams (WebSockets and the like) are in it "
                "still, and wait meanwhile\n",
                i->holder.app, i->holder.worker, i->holder.requests, i->holder.streams);
    return err;
}

static int attach(struct inspection *i)
{
    struct attach_conf conf = { .wait = { i->stop_fd },
                                .open_ns = i->options->open_ns,
                                .force = i->options->force };
    struct addr addr;
    int err;

    if (i->target.kind != INSPECTEE_ADDRESS)
        return attach_process(&i->attach, &conf, i->target.pid, &i->problem);
    err = inspectee_addr(&i->target, &addr, &i->problem);
    return err ? err : attach_address(&i->attach, &conf, &addr, i->target.path, &i->problem);
}

static void begin(struct inspection *i, const struct inspect_options *o, int stop_fd)
{
    *i = (struct inspection){ .options = o, .stop_fd = stop_fd };
    i->attach.client.fd = -1;
}

static int enter(struct inspection *i)
{
    int err = attach(i);

    if (err)
        return inspection_failed(i, err);
    i->capture = (struct capture){ .client = &i->attach.client,
                                   .silence_ns = i->options->control.timeout_ns,
                                   .arg = i };
    return 0;
}

int inspection_begin(struct inspection *i, const struct inspect_options *o, int stop_fd,
                     const char *target)
{
    int err;

    begin(i, o, stop_fd);
    err = inspectee_parse(&i->target, target, &i->problem);
    if (err) {
        (void)inspection_failed(i, err);
        return EXIT_USAGE;
    }
    err = worker_find(i);
    if (err) {
        (void)inspection_failed(i, err);
        return err == -ENOENT ? EXIT_MISSING : EXIT_APP;
    }
    err = hold(i);
    return err ? inspection_failed(i, err) : enter(i);
}

int inspection_begin_worker(struct inspection *i, const struct inspect_options *o, int stop_fd,
                            const struct holder_worker *w)
{
    begin(i, o, stop_fd);
    i->target = (struct inspectee){ .kind = INSPECTEE_PROCESS, .pid = w->pid };
    memcpy(i->holder.app, w->app, sizeof(i->holder.app));
    i->holder.worker = w->number;
    return enter(i);
}

int inspection_end(struct inspection *i)
{
    int code = EXIT_OK, err;

    /* One that has been asked to open and has not: when it does, nobody is there to see it. The
     * worker serves again, as far as it can. */
    if (attach_is_late(&i->attach)) {
        holder_end(&i->holder);
        attach_end_later(&i->attach);
    }
    err = attach_end(&i->attach, END_NS, &i->problem);
    progress_clear(&i->progress);
    if (err == -ECANCELED) {
        attach_end_later(&i->attach);
        code = 128 + SIGINT;
    } else if (err) {
        command_problem(&i->problem);
        attach_end_later(&i->attach);
        code = EXIT_APP;
    }
    holder_end(&i->holder);
    return code;
}

void inspection_name(const struct inspection *i, const char *ending, struct buf *out)
{
    time_t now = time(NULL);
    char when[32];
    struct tm tm;

    (void)strftime(when, sizeof(when), "%Y%m%d-%H%M%S", gmtime_r(&now, &tm));
    if (i->holder.app[0])
        buf_addf(out, "%s-%u", i->holder.app, i->holder.worker);
    else if (i->target.pid)
        buf_addf(out, "node-%u", i->target.pid);
    else
        buf_addf(out, "node-port%u", i->target.port);
    for (size_t k = 0; k < out->len; k++)
        if (out->ptr[k] == '/')
            out->ptr[k] = '_';
    buf_addf(out, "-%s.%s", when, ending);
    buf_addc(out, 0);
}
