/* app/inspection.c -- a look into a running Node, from TARGET to the end of it */
#include "app/inspection.h"

#include "app/command.h"
#include "app/control_client.h"
#include "app/exit_code.h"
#include "app/row.h"

#include <signal.h>
#include <sys/signalfd.h>
#include <time.h>

#define END_NS (60 * NS_PER_S)
#define DESCRIBE_NS (5 * NS_PER_S)

/* ---- Ctrl-C ---- */

static int signals_open(void)
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
static bool signal_take(struct inspection *i)
{
    struct signalfd_siginfo info;

    return read(i->stop_fd, &info, sizeof(info)) == sizeof(info);
}

int inspection_failed(struct inspection *i, int err)
{
    progress_clear(&i->progress);
    if (err == -ECANCELED) {
        i->stopped = signal_take(i);
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

/* The worker whose heap is the largest, or the one that was named. NULL: it does not run. */
static const struct json_value *worker_choose(const struct json_value *app, u32 number)
{
    const struct json_value *workers = json_value_member(app, "workers"), *best = NULL;

    for (u32 k = 0; k < json_value_count(workers); k++) {
        const struct json_value *w = json_value_at(workers, k);

        if (!row_u64(w, "node_pid") || (number && row_u64(w, "worker") != number))
            continue;
        if (!best || row_u64(w, "heap_used_bytes") > row_u64(best, "heap_used_bytes"))
            best = w;
    }
    return best;
}

static int worker_find(struct inspection *i, struct control_app *app)
{
    AUTO(json_value_freep) struct json_value *said = NULL;
    AUTO(buf_done) struct buf order = { 0 };
    const struct json_value *w;
    int err;

    buf_add(&order, STR("{\"do\":\"describe\",\"app\":\""));
    buf_add_json(&order, app->name);
    buf_add(&order, STR("\"}"));
    err = order.failed ? -ENOMEM : control_peer_again(app->peer);
    if (!err)
        err = control_peer_ask(app->peer, buf_str(&order));
    if (!err)
        err = control_peer_hear(app->peer, clock_now_ns() + DESCRIBE_NS, &said);
    if (err)
        return problem_set(&i->problem, "%.*s: the fettle that runs it cannot be talked to: %s",
                           STR_ARG(app->name), strerror(-err));
    w = worker_choose(json_value_member(said, "app"), app->worker);
    if (!w)
        return problem_set(&i->problem, "%.*s: %s", STR_ARG(app->name),
                           app->worker ? "that worker does not run" : "none of its workers runs");
    str_to_cstr(app->name, i->app, sizeof(i->app));
    i->worker = (u32)row_u64(w, "worker");
    i->target.pid = (u32)row_u64(w, "node_pid");
    return 0;
}

static int app_find(struct inspection *i)
{
    AUTO(control_peers_done) struct control_peers peers = { 0 };
    struct control_app app;
    int err;

    control_peers_open(&peers, &i->options->control);
    err = control_peers_app(&peers, &i->options->control, i->target.word, &app, &i->problem);
    return err ? err : worker_find(i, &app);
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

int inspection_begin(struct inspection *i, const struct inspect_options *o, const char *target)
{
    int err;

    *i = (struct inspection){ .options = o, .attach = { .client = { .fd = -1 } } };
    i->stop_fd = signals_open();
    err = i->stop_fd < 0 ? i->stop_fd : inspectee_parse(&i->target, target, &i->problem);
    if (err) {
        (void)inspection_failed(i, err);
        return EXIT_USAGE;
    }
    if (i->target.kind == INSPECTEE_APP)
        err = app_find(i);
    if (err) {
        (void)inspection_failed(i, err);
        return err == -ENOENT ? EXIT_MISSING : EXIT_APP;
    }
    err = attach(i);
    if (err)
        return inspection_failed(i, err);
    i->capture = (struct capture){ .client = &i->attach.client,
                                   .silence_ns = o->control.timeout_ns,
                                   .arg = i };
    return 0;
}

int inspection_end(struct inspection *i)
{
    int err = attach_end(&i->attach, END_NS, &i->problem);
    int code = EXIT_OK;

    progress_clear(&i->progress);
    if (err == -ECANCELED) {
        attach_end_later(&i->attach);
        code = 128 + SIGINT;
    } else if (err) {
        command_problem(&i->problem);
        attach_end_later(&i->attach);
        code = EXIT_APP;
    }
    fd_closep(&i->stop_fd);
    i->stop_fd = -1;
    return code;
}

void inspection_name(const struct inspection *i, const char *ending, struct buf *out)
{
    time_t now = time(NULL);
    char when[32];
    struct tm tm;

    (void)strftime(when, sizeof(when), "%Y%m%d-%H%M%S", gmtime_r(&now, &tm));
    if (i->app[0])
        buf_addf(out, "%s-%u", i->app, i->worker);
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
