/* app/manage.c -- reload, restart, stop, start, scale, signal: asked for, waited for, told */
#include "app/command.h"
#include "app/control_client.h"
#include "app/exit_code.h"
#include "app/row.h"
#include "app/step.h"
#include "base/clock.h"
#include "conf/json_write.h"
#include "worker/order.h"

#include <poll.h>
#include <sys/syscall.h>

enum { ENDS_MS = 10000 };

/* What one command line asks for. */
struct manage {
    enum order_verb verb;
    struct control_options options;
    struct control_peers peers;
    const char *app;    /* NULL: the only one */
    const char *amount; /* of scale: "4", "+1", "-2" */
    const char *signal;
    u64 until_ns;  /* 0: for ever */
    bool is_all;   /* every app is meant */
    u32 ended_pid; /* of a fettle that has just ended */
    bool shows;    /* how far it is */
};

static void manage_done(struct manage *m)
{
    control_options_done(&m->options);
    control_peers_done(&m->peers);
}

static void order_write(const struct manage *m, const struct control_app *app, struct buf *out)
{
    buf_addf(out, "{\"do\":\"%s\",\"app\":\"", order_name(m->verb));
    buf_add_json(out, app->name);
    buf_addc(out, '"');
    if (app->worker)
        buf_addf(out, ",\"worker\":%u", app->worker);
    if (m->amount && strcmp(m->amount, "auto") == 0)
        buf_add(out, STR(",\"auto\":true"));
    else if (m->amount && *m->amount != '+' && *m->amount != '-')
        buf_addf(out, ",\"workers\":%s", m->amount);
    else if (m->amount)
        buf_addf(out, ",\"by\":%s", m->amount + (*m->amount == '+'));
    if (m->signal)
        buf_addf(out, ",\"signal\":\"%s\"", m->signal);
    if (m->is_all && m->verb == ORDER_STOP)
        buf_add(out, STR(",\"last\":true"));
    buf_addc(out, '}');
}

/* The supervisor ends with its last app: what follows on the command line finds it gone. */
static void end_await(const struct control_peer *peer)
{
    AUTO(fd_closep) int fd = (int)syscall(SYS_pidfd_open, (pid_t)peer->found.pid, 0);
    struct pollfd wait = { .fd = fd, .events = POLLIN };

    if (fd >= 0)
        (void)poll(&wait, 1, ENDS_MS);
}

static void lines_add(struct buf *out, const struct json_value *lines)
{
    for (u32 i = 0; i < json_value_count(lines); i++)
        buf_addf(out, "    %.*s\n", STR_ARG(json_value_text(json_value_at(lines, i))));
}

static int result_print(const struct manage *m, const struct control_app *app,
                        const struct json_value *said)
{
    bool ok = json_value_kind(json_value_member(said, "ok")) == JSON_VALUE_TRUE;
    AUTO(buf_done) struct buf out = { 0 };
    struct problem p = { 0 };
    int code;

    if (m->options.json) {
        json_write(said, &out);
        buf_addc(&out, '\n');
    } else if (ok) {
        buf_addf(&out, "%.*s: %.*s\n", STR_ARG(app->name), STR_ARG(row_text(said, "text")));
        lines_add(&out, json_value_member(said, "notes"));
    } else {
        problem_set(&p, "%.*s: %.*s", STR_ARG(app->name), STR_ARG(row_text(said, "error")));
        command_problem(&p);
        lines_add(&out, json_value_member(said, "lines"));
        if (!out.failed && fwrite(out.ptr, 1, out.len, stderr) != out.len)
            return EXIT_APP;
        return EXIT_APP;
    }
    code = command_print(&out);
    return ok ? code : EXIT_APP;
}

/* It could not be heard to its end. */
static int broken(const struct manage *m, const struct control_app *app, int err)
{
    AUTO(buf_done) struct buf out = { 0 };
    AUTO(buf_done) struct buf text = { 0 };
    struct problem p = { 0 };

    if (err == -ETIMEDOUT)
        buf_add(&text, STR("not done within --timeout; it goes on, and `fettle ps` shows it"));
    else if (err == -EPIPE)
        buf_addf(&text, "the fettle that runs it (pid %u) has ended before it was done",
                 app->peer->found.pid);
    else
        buf_addf(&text, "the fettle that runs it cannot be talked to: %s", strerror(-err));
    if (m->options.json) {
        buf_add(&out, STR("{\"ok\":false,\"app\":\""));
        buf_add_json(&out, app->name);
        buf_add(&out, STR("\",\"error\":\""));
        buf_add_json(&out, buf_str(&text));
        buf_add(&out, STR("\"}\n"));
        (void)command_print(&out);
        return EXIT_APP;
    }
    problem_set(&p, "%.*s: %.*s", STR_ARG(app->name), STR_ARG(buf_str(&text)));
    command_problem(&p);
    return EXIT_APP;
}

static int one(struct manage *m, struct control_app *app)
{
    AUTO(buf_done) struct buf order = { 0 };
    u64 until_ns = m->until_ns ? m->until_ns : UINT64_MAX;
    int err;

    order_write(m, app, &order);
    err = order.failed ? -ENOMEM : control_peer_again(app->peer);
    if (!err)
        err = control_peer_ask(app->peer, buf_str(&order));
    while (!err) {
        AUTO(json_value_freep) struct json_value *said = NULL;

        err = control_peer_hear(app->peer, until_ns, &said);
        if (err)
            break;
        if (!json_value_member(said, "ok")) {
            if (m->shows)
                step_line(app->name, (u32)row_u64(said, "worker"), row_text(said, "text"));
            continue;
        }
        if (json_value_kind(json_value_member(said, "ends")) == JSON_VALUE_TRUE) {
            m->ended_pid = app->peer->found.pid;
            end_await(app->peer);
        }
        return result_print(m, app, said);
    }
    return broken(m, app, err);
}

static bool is_over(const struct json_value *row)
{
    struct str state = row_text(row, "state");

    return str_eq(state, STR("stopped")) || str_eq(state, STR("finished"));
}

/* Whether there is something to do for it: a fettle of which nothing runs any more ends too. */
static bool is_meant(const struct manage *m, const struct control_app *app)
{
    const struct json_value *apps = json_value_member(app->peer->said, "apps");
    bool any = false;

    if (m->verb == ORDER_START)
        return is_over(app->row);
    for (u32 i = 0; i < json_value_count(apps); i++)
        any |= !is_over(json_value_at(apps, i));
    return !is_over(app->row) || (m->verb == ORDER_STOP && !any);
}

/* Every app, one after the other; of those that end with their supervisor, one is enough. */
static int all(struct manage *m)
{
    struct control_app app;
    u32 at = 0, done = 0;
    int code = EXIT_OK;

    m->is_all = true;
    while (control_peers_each(&m->peers, &at, &app)) {
        if (m->options.pid && app.peer->found.pid != m->options.pid)
            continue;
        done++;
        if (app.peer->found.pid != m->ended_pid && is_meant(m, &app))
            code = max(code, one(m, &app));
    }
    if (!done)
        (void)command_usage("no fettle of this user runs");
    return done ? code : EXIT_MISSING;
}

static int run(struct manage *m)
{
    struct control_app app;
    struct problem p = { 0 };
    int err;

    if (m->options.timeout_ns)
        m->until_ns = clock_now_ns() + m->options.timeout_ns;
    m->shows = step_is_shown(m->options.json);
    control_peers_open(&m->peers, &m->options);
    err = control_peers_app(&m->peers, &m->options, m->app, &app, &p);
    if (err == -ENOENT && m->app && strcmp(m->app, "all") == 0)
        return all(m);
    if (err) {
        command_problem(&p);
        return err == -ENOENT ? EXIT_MISSING : EXIT_USAGE;
    }
    return one(m, &app);
}

/* "-1" is a number here, no flag: taken out before those are read. */
static void amount_take(struct manage *m, int *argc, char **argv)
{
    for (int i = 1; i < *argc && !m->amount; i++) {
        u64 n;

        if ((argv[i][0] != '-' && argv[i][0] != '+') || !str_to_u64(str_of(argv[i] + 1), &n))
            continue;
        m->amount = argv[i];
        memmove(argv + i, argv + i + 1, (size_t)(*argc - i) * sizeof(*argv));
        --*argc;
    }
}

static int amount_check(const struct manage *m)
{
    struct str text = str_of(m->amount);
    bool is_signed = text.len && (*text.ptr == '+' || *text.ptr == '-');
    u64 n;

    if (!text.ptr)
        return command_usage("scale needs a number of workers, how many more or less, or auto: "
                             "fettle scale 4, fettle scale +1");
    if (str_eq(text, STR("auto")))
        return 0;
    if (!str_to_u64(str_sub(text, is_signed, text.len), &n) || n < 1 || n > ORDER_WORKERS_MAX)
        return command_usage("\"%.100s\" is no number of workers; write one from 1 to %d, a "
                             "difference such as +1 or -2, or auto",
                             m->amount, ORDER_WORKERS_MAX);
    return 0;
}

static int signal_check(const struct manage *m)
{
    if (!m->signal)
        return command_usage("signal needs the name of one: fettle signal SIGUSR2");
    if (!order_signal(str_of(m->signal)))
        return command_usage("\"%.100s\" is no signal; write one such as SIGUSR2", m->signal);
    return 0;
}

static int operands_take(struct manage *m, const struct settings_args *args, char **argv)
{
    u32 n = args->operands;

    if (m->verb == ORDER_SCALE && !m->amount && n)
        m->amount = argv[args->operand[--n]];
    if (m->verb == ORDER_SIGNAL && n)
        m->signal = argv[args->operand[--n]];
    if (n > 1)
        return command_usage("\"%.100s\" is one word too many; %s is for one app, or for all",
                             argv[args->operand[1]], order_name(m->verb));
    m->app = n ? argv[args->operand[0]] : NULL;
    return m->verb == ORDER_SCALE ? amount_check(m) : m->verb == ORDER_SIGNAL ? signal_check(m) : 0;
}

static int manage(enum order_verb verb, const struct settings_table *flags, int argc, char **argv)
{
    AUTO(manage_done) struct manage m = { .verb = verb };
    struct settings_args args;
    int code;

    if (verb == ORDER_SCALE)
        amount_take(&m, &argc, argv);
    code = control_options_read(&m.options, flags, argc, argv, &args);
    if (!code)
        code = operands_take(&m, &args, argv);
    if (code)
        return max(code, 0);
    return run(&m);
}

int reload_command(int argc, char **argv)
{
    return manage(ORDER_RELOAD, &reload_flags, argc, argv);
}

int restart_command(int argc, char **argv)
{
    return manage(ORDER_RESTART, &restart_flags, argc, argv);
}

int stop_command(int argc, char **argv)
{
    return manage(ORDER_STOP, &stop_flags, argc, argv);
}

int start_command(int argc, char **argv)
{
    return manage(ORDER_START, &start_flags, argc, argv);
}

int scale_command(int argc, char **argv)
{
    return manage(ORDER_SCALE, &scale_flags, argc, argv);
}

int signal_command(int argc, char **argv)
{
    return manage(ORDER_SIGNAL, &signal_flags, argc, argv);
}
