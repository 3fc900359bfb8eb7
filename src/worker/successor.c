/* worker/successor.c -- another fettle that takes over from this one, without a failed request */
#include "worker/successor.h"

#include "base/json.h"
#include "base/log.h"
#include "conf/json_value.h"
#include "io/sock.h"
#include "worker/crew.h"

#include <fcntl.h>
#include <signal.h>

enum {
    SOCKETS_MAX = ACTIVATION_MAX,
    FIRST_FD = 3,
    SAID_MAX = 16384,
    READ_BYTES = 4096,
    READS_LAST = 64
};
static_assert(FIRST_FD + SOCKETS_MAX + 3 <= CHILD_FDS_MAX, "all of them fit");
#define BEFORE_MAX_NS (600 * NS_PER_S) /* settings, and what is to be run before the apps */
#define KILL_NS (5 * NS_PER_S)
#define MONITOR_NS (1 * NS_PER_S)

static void channel_close(struct successor *s)
{
    loop_unwatch(&s->watch);
    fd_closep(&s->fd);
    s->fd = -1;
}

static void stderr_close(struct successor *s)
{
    loop_unwatch(&s->stderr_watch);
    fd_closep(&s->stderr_fd);
    s->stderr_fd = -1;
}

static void all_close(struct successor *s)
{
    channel_close(s);
    stderr_close(s);
    fd_closep(&s->front_fd);
    s->front_fd = -1;
    loop_timer_stop(&s->deadline);
    loop_timer_stop(&s->slow);
}

static double seconds_since(u64 ns)
{
    return (double)(clock_now_ns() - ns) / NS_PER_S;
}

static void tell(const struct successor *s, const char *text)
{
    AUTO(buf_done) struct buf line = { 0 };

    if (!s->talk)
        return;
    buf_addc(&line, '{');
    json_key(&line, "text");
    json_text(&line, str_of(text));
    buf_addc(&line, '}');
    if (!line.failed)
        control_say(s->talk, buf_str(&line));
}

static void answer(struct successor *s, bool ok, const char *text)
{
    AUTO(buf_done) struct buf out = { 0 };
    struct str rest = buf_str(&s->said);

    if (!s->talk)
        return;
    buf_addf(&out, "{\"ok\":%s,\"did\":\"upgrade\"", ok ? "true" : "false");
    if (ok) {
        json_key(&out, "pid");
        json_u64(&out, (u64)s->pid);
        json_key(&out, "version");
        json_text(&out, str_of(s->version));
        json_key(&out, "took_ms");
        json_u64(&out, (clock_now_ns() - s->started_ns) / NS_PER_MS);
    }
    json_key(&out, ok ? "text" : "error");
    json_text(&out, str_of(text));
    json_key(&out, "lines");
    buf_addc(&out, '[');
    while (rest.ptr && rest.len) {
        struct str line = str_cut(rest, '\n', &rest);

        if (line.len)
            json_text(&out, line);
    }
    buf_add(&out, STR("]}"));
    if (out.failed)
        control_fail(TAKE(s->talk, NULL), "out of memory");
    else
        control_end(TAKE(s->talk, NULL), buf_str(&out));
}

/* As it was before. */
static void failed(struct successor *s, const char *why)
{
    char text[256];

    snprintf(text, sizeof(text), "%s; this one goes on as it was", why);
    log_error("the new fettle has not taken over: %s", text);
    if (s->state == SUCCESSOR_TOLD)
        notify_send(s->crew->conf->notify, "MAINPID=%d", (int)getpid());
    if (s->state >= SUCCESSOR_READY)
        helper_resume(&s->crew->monitor);
    s->state = SUCCESSOR_NONE;
    all_close(s);
    answer(s, false, text);
}

/* JSON lines as the text in them. */
static void said_add(struct successor *s, struct str line)
{
    AUTO(json_value_freep) struct json_value *json = NULL;
    struct problem p;

    if (line.len && line.ptr[0] == '{' && json_value_parse(&json, line, "", &p) == 0)
        line = json_value_text(json_value_member(json, "text"));
    if (s->said.len + line.len > SAID_MAX) /* the end says most */
        buf_clear(&s->said);
    buf_add(&s->said, str_sub(line, 0, SAID_MAX / 2));
    buf_addc(&s->said, '\n');
}

/* What it prints before it writes to our standard error itself. */
static void stderr_read(struct watch *w, u32 events)
{
    struct successor *s = container_of(w, struct successor, stderr_watch);
    char bytes[READ_BYTES];
    ssize_t n = read(w->fd, bytes, sizeof(bytes));
    struct str rest;

    (void)events;
    if (n < 0 && errno == EAGAIN)
        return;
    if (n <= 0) {
        stderr_close(s);
        return;
    }
    rest = str_make(bytes, (size_t)n);
    spool_write(s->crew->sink.spool[1], rest);
    while (rest.ptr && rest.len)
        said_add(s, str_cut(rest, '\n', &rest));
}

static void deadline_over(struct timer *t)
{
    struct successor *s = container_of(t, struct successor, deadline);

    kill(s->late ? -s->pid : s->pid, s->late ? SIGKILL : SIGTERM);
    s->late = true;
    loop_timer(s->crew->loop, t, loop_now_ns(s->crew->loop) + KILL_NS, deadline_over);
}

static void deadline_set(struct successor *s, u64 ns)
{
    loop_timer(s->crew->loop, &s->deadline, loop_now_ns(s->crew->loop) + ns, deadline_over);
}

/* It gives up by itself what does not start; this is for one that hangs. */
static u64 apps_start_ns(const struct crew *c)
{
    u64 ns = 0;

    for (u32 i = 0; i < c->apps; i++) {
        u64 one = c->app[i]->conf->start_timeout_ns;

        ns = max(ns, one ? one : BEFORE_MAX_NS);
    }
    return 4 * ns + 30 * NS_PER_S;
}

static void monitor_slow(struct timer *t)
{
    struct successor *s = container_of(t, struct successor, slow);

    if (s->crew->monitor.pid)
        kill(s->crew->monitor.pid, SIGKILL);
}

static void go(struct successor *s)
{
    loop_timer_stop(&s->slow);
    s->state = SUCCESSOR_TOLD;
    /* First: what it sends from now on is from the main process. */
    notify_send(s->crew->conf->notify, "MAINPID=%d", (int)s->pid);
    if (sock_send_msg(s->fd, "go", 2, NULL, 0) < 0)
        return; /* it is gone: its end is about to come */
}

static void ready(struct successor *s, struct str version)
{
    struct crew *c = s->crew;

    str_to_cstr(version, s->version, sizeof(s->version));
    s->state = SUCCESSOR_READY;
    tell(s, "its apps are ready");
    helper_stop(&c->monitor);
    if (c->monitor.pid)
        loop_timer(c->loop, &s->slow, loop_now_ns(c->loop) + MONITOR_NS, monitor_slow);
    else
        go(s);
}

void successor_monitor_gone(struct successor *s)
{
    if (s->state == SUCCESSOR_READY)
        go(s);
}

/* The process in front follows it from now on. */
static void front_tell(struct successor *s)
{
    const struct predecessor *p = s->crew->conf->predecessor;
    char text[16];
    int n = snprintf(text, sizeof(text), "%d", (int)s->pid);

    if (p && p->front_fd >= 0 && sock_send_msg(p->front_fd, text, (size_t)n, NULL, 0) < 0)
        log_warn("the process in the foreground cannot be told who has taken over");
}

/* It has our sockets and our place; who asked hears of it when nothing comes here any more. */
static void taken(struct successor *s)
{
    struct crew *c = s->crew;

    s->state = SUCCESSOR_TAKEN;
    loop_timer_stop(&s->deadline);
    buf_clear(&s->said);
    front_tell(s);
    listeners_give_up(&c->listeners);
    crew_end(c, 0);
}

void successor_unlistened(struct successor *s)
{
    char text[160];

    if (s->state != SUCCESSOR_TAKEN || s->told)
        return;
    s->told = true;
    snprintf(text, sizeof(text), "fettle %s (process %d) has taken over from %d in %.2f s",
             s->version, (int)(s->pid ? s->pid : s->end.pid), (int)getpid(),
             seconds_since(s->started_ns));
    log_info("%s; what still runs here is finished", text);
    answer(s, true, text);
    controller_done(&s->crew->controller);
}

static void event(struct watch *w, u32 events)
{
    struct successor *s = container_of(w, struct successor, watch);
    char text[PREDECESSOR_MESSAGE_MAX / 4];
    u32 fds_n;
    ssize_t n = sock_recv_msg(w->fd, text, sizeof(text), NULL, 0, &fds_n);
    struct str word, rest;

    (void)events;
    if (n == -EAGAIN || n == -EMSGSIZE)
        return;
    if (n <= 0) {
        channel_close(s);
        return;
    }
    word = str_cut(str_make(text, (size_t)n), ' ', &rest);
    if (str_eq(word, STR("line"))) {
        while (rest.ptr && rest.len)
            said_add(s, str_cut(rest, '\n', &rest));
    } else if (str_eq(word, STR("started")) && s->state == SUCCESSOR_STARTING) {
        deadline_set(s, apps_start_ns(s->crew));
        tell(s, "its apps start");
    } else if (str_eq(word, STR("ready")) && s->state == SUCCESSOR_STARTING) {
        ready(s, rest);
    } else if (str_eq(word, STR("taken")) && s->state == SUCCESSOR_TOLD) {
        taken(s);
    }
}

bool successor_reaped(struct successor *s, const struct child_end *end)
{
    char why[CHILD_END_TEXT_MAX], text[160];

    if (!s->pid || end->pid != s->pid)
        return false;
    s->pid = 0;
    s->end = *end;
    if (s->state == SUCCESSOR_TAKEN)
        return true; /* its affair, and its exit code is ours when we are in front */
    for (int i = 0; i < READS_LAST && s->fd >= 0; i++) /* what it said last */
        event(&s->watch, EPOLLIN);
    for (int i = 0; i < READS_LAST && s->stderr_fd >= 0; i++)
        stderr_read(&s->stderr_watch, EPOLLIN);
    child_end_text(end, why);
    snprintf(text, sizeof(text), "its process has ended (%s)%s", why,
             s->late ? ", since it did not get ready in time" : "");
    failed(s, text);
    return true;
}

/* ---- the start ---- */

static void state_write(const struct successor *s, bool front, struct buf *out)
{
    const struct crew *c = s->crew;

    buf_addf(out, "{\"front\":%s,\"apps\":[", front ? "true" : "false");
    for (u32 i = 0; i < c->apps; i++) {
        const struct app *app = c->app[i];
        bool by_load = app->scaling.app != NULL;

        buf_add(out, i ? STR(",{") : STR("{"));
        json_key(out, "name");
        json_text(out, str_of(app->conf->name));
        json_key(out, "workers");
        json_u64(out, app->workers);
        json_key(out, "workers_conf");
        json_u64(out, app->conf->workers);
        json_key(out, "by_hand");
        json_bool(out, !by_load && app->workers != app->conf->workers);
        json_key(out, "errored");
        json_bool(out, app->state == SHM_APP_ERRORED);
        json_key(out, "stopped");
        json_bool(out, app->state == SHM_APP_STOPPED);
        buf_addc(out, '}');
    }
    buf_add(out, STR("]}"));
}

static int env_make(const struct successor *s, u32 sockets, struct str names, struct strings *out)
{
    const struct crew *c = s->crew;

    for (char *const *v = c->conf->successor.env; v && *v; v++)
        strings_add(out, str_of(*v));
    notify_hand_over(c->conf->notify, out);
    strings_addf(out, PREDECESSOR_ENV "=%u", FIRST_FD + sockets);
    strings_addf(out, "LISTEN_FDS=%u", sockets);
    strings_addf(out, "LISTEN_FDNAMES=%.*s", STR_ARG(names));
    strings_addf(out, "LISTEN_PID=%*s", CHILD_PID_MAX, ""); /* the last: see pid_place */
    return out->bytes.failed ? -ENOMEM : 0;
}

static char *pid_place(const struct strings *env)
{
    return env->bytes.ptr + env->bytes.len - 1 - CHILD_PID_MAX;
}

/* Who waits for our process must not see it end; a service manager is told of another one. */
static bool needs_front(const struct crew *c)
{
    const struct predecessor *p = c->conf->predecessor;

    return !c->conf->successor.background && !(c->conf->notify && c->conf->notify->fd >= 0) &&
           !(p && p->front_fd >= 0);
}

/* The three sockets of the new one: ours are in `s`, theirs[] are to be closed by the caller. */
static int channels_open(struct successor *s, int theirs[3])
{
    const struct predecessor *p = s->crew->conf->predecessor;
    int pair[2], r = sock_pair(pair);

    if (r < 0)
        return r;
    s->fd = pair[0];
    theirs[0] = pair[1];
    if (pipe2(pair, O_CLOEXEC) < 0)
        return -errno;
    s->stderr_fd = pair[0];
    theirs[1] = pair[1];
    if (needs_front(s->crew)) {
        r = sock_pair(pair);
        if (r < 0)
            return r;
        s->front_fd = pair[0];
        theirs[2] = pair[1];
    } else if (p && p->front_fd >= 0) {
        theirs[2] = fcntl(p->front_fd, F_DUPFD_CLOEXEC, 0);
    }
    return sock_nonblock(s->stderr_fd);
}

static int child_run(struct successor *s, const int theirs[3])
{
    struct crew *c = s->crew;
    AUTO(strings_done) struct strings env = { 0 };
    AUTO(buf_done) struct buf names = { 0 };
    AUTO(buf_done) struct buf state = { 0 };
    struct child_conf child = {
        .file = c->conf->successor.file,
        .argv = c->conf->successor.argv,
        .cwd = c->conf->successor.cwd,
        .fds = { -1, STDOUT_FILENO, theirs[1] },
        .group = true, /* what is for all of a group comes through us */
    };
    u32 n = listeners_hand_over(&c->listeners, child.fds + FIRST_FD, SOCKETS_MAX, &names);
    int r = names.failed ? -ENOMEM : env_make(s, n, buf_str(&names), &env);
    AUTO(freep) char **envp = r < 0 ? NULL : strings_list(&env);

    state_write(s, theirs[2] >= 0, &state);
    if (!envp || state.failed)
        return -ENOMEM;
    r = sock_send_msg(s->fd, state.ptr, state.len, NULL, 0);
    if (r < 0)
        return r;
    child.fds[FIRST_FD + n] = theirs[0];
    child.fds[FIRST_FD + n + 1] = STDERR_FILENO;
    child.fds[FIRST_FD + n + 2] = theirs[2];
    child.fds_n = FIRST_FD + n + 3;
    child.envp = envp;
    child.pid_text = pid_place(&env);
    r = child_start(&child, &s->pid, NULL);
    if (r < 0)
        s->pid = 0;
    return r;
}

static int start(struct successor *s)
{
    struct loop *loop = s->crew->loop;
    int theirs[3] = { -1, -1, -1 };
    int r = channels_open(s, theirs);

    if (r == 0)
        r = child_run(s, theirs);
    for (u32 i = 0; i < ARRAY_LEN(theirs); i++)
        fd_closep(&theirs[i]);
    if (r == 0)
        r = loop_watch(loop, &s->watch, s->fd, EPOLLIN, event);
    if (r == 0)
        r = loop_watch(loop, &s->stderr_watch, s->stderr_fd, EPOLLIN, stderr_read);
    if (r < 0 && s->pid)
        kill(s->pid, SIGKILL);
    return r;
}

void successor_begin(struct successor *s, struct control_talk *talk)
{
    struct crew *c = s->crew;
    char why[160];
    int r;

    if (c->draining || s->state != SUCCESSOR_NONE) {
        control_fail(talk, c->draining ? "fettle is ending"
                                       : "another fettle is being started to take over already");
        return;
    }
    if (!c->conf->successor.file) {
        control_fail(talk, "it is not known how this fettle was started");
        return;
    }
    s->talk = talk;
    s->started_ns = clock_now_ns();
    s->late = false;
    s->end = (struct child_end){ 0 };
    s->state = SUCCESSOR_STARTING;
    buf_clear(&s->said);
    log_info("another fettle is started to take over: %s", c->conf->successor.file);
    r = start(s);
    if (r == 0) {
        deadline_set(s, BEFORE_MAX_NS);
        return;
    }
    snprintf(why, sizeof(why), "%.100s cannot be started: %s", c->conf->successor.file,
             strerror(-r));
    failed(s, why);
}

void successor_forget(struct successor *s, const struct control_talk *talk)
{
    if (s->talk == talk)
        s->talk = NULL;
}

bool successor_signal(struct successor *s, int signal)
{
    bool first = !s->signalled;

    if (s->state != SUCCESSOR_TAKEN)
        return false;
    if (s->pid && s->front_fd >= 0)
        kill(s->pid, signal);
    s->signalled = true;
    return first;
}

void successor_init(struct successor *s, struct crew *crew)
{
    *s = (struct successor){ .crew = crew, .fd = -1, .stderr_fd = -1, .front_fd = -1 };
    s->said.bytes_max = 2 * SAID_MAX;
}

void successor_done(struct successor *s, struct successor_left *out)
{
    struct successor_left ignored;

    out = out ? out : &ignored;
    if (!s->crew)
        return;
    *out = (struct successor_left){ .front_fd = -1 };
    if (s->state == SUCCESSOR_TAKEN) {
        *out = (struct successor_left){ .pid = s->pid ? s->pid : s->end.pid,
                                        .front_fd = TAKE(s->front_fd, -1),
                                        .ended = s->pid == 0,
                                        .exit_code =
                                            s->end.signal ? 128 + s->end.signal : s->end.code };
    } else if (s->pid) {
        kill(-s->pid, SIGKILL);
    }
    if (s->crew->loop)
        all_close(s);
    buf_done(&s->said);
}
