/* worker/predecessor.c -- the fettle before this one, from which it takes over */
#include "worker/predecessor.h"

#include "io/sock.h"
#include "worker/crew.h"

#include <fcntl.h>
#include <stdarg.h>

enum { HIGH_FD = 64 };

/* -1 for what is not open. */
static int fd_move(u64 from)
{
    int fd = fcntl((int)from, F_DUPFD_CLOEXEC, HIGH_FD);

    close((int)from);
    return fd;
}

int predecessor_take(struct predecessor *p)
{
    const char *text = getenv(PREDECESSOR_ENV);
    u64 fd;
    int r;

    *p = PREDECESSOR_NONE;
    if (!text || !str_to_u64(str_of(text), &fd) || fd < 3 || fd > INT32_MAX - 2)
        return 0;
    unsetenv(PREDECESSOR_ENV);
    p->fd = fd_move(fd);
    p->stderr_fd = fd_move(fd + 1);
    p->front_fd = fd_move(fd + 2);
    r = p->fd < 0 || p->stderr_fd < 0 ? -EBADF : sock_nonblock(p->fd);
    if (r == 0 && p->front_fd >= 0)
        r = sock_nonblock(p->front_fd);
    p->holds = r == 0;
    if (r < 0)
        predecessor_done(p);
    return r;
}

static void channel_close(struct predecessor *p)
{
    loop_unwatch(&p->watch);
    fd_closep(&p->fd);
    p->fd = -1;
}

void predecessor_end(struct predecessor *p)
{
    if (!p)
        return;
    loop_unwatch(&p->watch);
    loop_unwatch(&p->front_watch);
}

void predecessor_done(struct predecessor *p)
{
    predecessor_end(p);
    fd_closep(&p->fd);
    fd_closep(&p->stderr_fd);
    fd_closep(&p->front_fd);
    json_value_free(p->state);
    *p = PREDECESSOR_NONE;
}

static void say(const struct predecessor *p, const char *fmt, ...) PRINTF(2, 3);
static void say(const struct predecessor *p, const char *fmt, ...)
{
    char text[4096];
    va_list args;
    int n;

    va_start(args, fmt);
    n = vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    if (n <= 0 || p->fd < 0)
        return;
    if (sock_send_msg(p->fd, text, min((size_t)n, sizeof(text) - 1), NULL, 0) < 0)
        return; /* its end shows as an event */
}

void predecessor_stderr_take(struct predecessor *p)
{
    if (p->stderr_fd < 0)
        return;
    fflush(stderr);
    dup2(p->stderr_fd, STDERR_FILENO);
    fd_closep(&p->stderr_fd);
    p->stderr_fd = -1;
    say(p, "started");
}

void predecessor_say(const struct predecessor *p, enum log_level level, struct str line)
{
    if (p && p->holds && level <= LOG_WARN)
        say(p, "line %.*s", STR_ARG(str_trim(line)));
}

static void event(struct watch *w, u32 events)
{
    struct predecessor *p = container_of(w, struct predecessor, watch);
    char text[64];
    u32 fds_n;
    ssize_t n = sock_recv_msg(w->fd, text, sizeof(text), NULL, 0, &fds_n);

    (void)events;
    if (n == -EAGAIN || n == -EMSGSIZE)
        return;
    if (n > 0 && str_eq(str_make(text, (size_t)n), STR("go")) && p->holds) {
        p->holds = false;
        crew_release(p->crew);
        say(p, "taken");
    } else if (n <= 0) {
        channel_close(p);
        if (p->holds) /* it has changed its mind, or is no more */
            crew_end_at_once(p->crew, 1);
    }
}

static void front_event(struct watch *w, u32 events)
{
    struct predecessor *p = container_of(w, struct predecessor, front_watch);
    char text[64];
    u32 fds_n;
    ssize_t n = sock_recv_msg(w->fd, text, sizeof(text), NULL, 0, &fds_n);

    (void)events;
    if (n > 0 || n == -EAGAIN || n == -EMSGSIZE)
        return;
    loop_unwatch(w);
    log_info("the process that was started in the foreground has ended, and so does fettle");
    crew_end(p->crew, 0);
}

/* How the app stood there; NULL: there was none of that name. */
static const struct json_value *state_of(const struct predecessor *p, const struct app *app)
{
    const struct json_value *apps = json_value_member(p->state, "apps");

    for (u32 i = 0; i < json_value_count(apps); i++) {
        const struct json_value *row = json_value_at(apps, i);

        if (str_eq(json_value_text(json_value_member(row, "name")), str_of(app->conf->name)))
            return row;
    }
    return NULL;
}

static bool same_settings(const struct json_value *row, const struct app *app)
{
    u64 n;

    return json_value_u64(json_value_member(row, "workers_conf"), &n) && n == app->conf->workers;
}

static bool is_true(const struct json_value *row, const char *name)
{
    return json_value_kind(json_value_member(row, name)) == JSON_VALUE_TRUE;
}

bool predecessor_by_hand(const struct predecessor *p, const struct app *app)
{
    const struct json_value *row = p ? state_of(p, app) : NULL;

    return is_true(row, "by_hand") && same_settings(row, app);
}

static void app_follow(struct predecessor *p, struct app *app)
{
    const struct json_value *row = state_of(p, app);
    u32 most = max(app->conf->workers, app->conf->workers_most);
    u64 n;

    if (is_true(row, "stopped"))
        app_leave_stopped(app);
    if (!same_settings(row, app) || !json_value_u64(json_value_member(row, "workers"), &n) ||
        n < 1 || n > LISTENERS_WORKERS_MAX)
        return;
    if (!is_true(row, "by_hand")) /* by load */
        n = min(max(n, (u64)app->conf->workers), (u64)most);
    app->workers = (u32)n;
    app->crew->shm->app[app->index].workers_wanted = app_is_over(app) ? 0 : app->workers;
}

int predecessor_begin(struct predecessor *p, struct crew *crew)
{
    AUTO(freep) char *text = NULL;
    struct problem problem;
    u32 fds_n;
    ssize_t n;
    int r;

    if (!p || p->fd < 0)
        return 0;
    p->crew = crew;
    text = malloc(PREDECESSOR_MESSAGE_MAX);
    if (!text)
        return -ENOMEM;
    /* It was sent before we were started. */
    n = sock_recv_msg(p->fd, text, PREDECESSOR_MESSAGE_MAX, NULL, 0, &fds_n);
    if (n > 0 && json_value_parse(&p->state, str_make(text, (size_t)n), "", &problem) < 0)
        p->state = NULL; /* as from the settings, then */
    for (u32 i = 0; i < crew->apps; i++)
        app_follow(p, crew->app[i]);
    r = loop_watch(crew->loop, &p->watch, p->fd, EPOLLIN, event);
    if (r == 0 && p->front_fd >= 0)
        r = loop_watch(crew->loop, &p->front_watch, p->front_fd, EPOLLIN, front_event);
    return r;
}

void predecessor_tick(struct predecessor *p, bool settled)
{
    for (u32 i = 0; i < p->crew->apps; i++) {
        const struct app *app = p->crew->app[i];

        if (app->state == SHM_APP_ERRORED && !is_true(state_of(p, app), "errored")) {
            crew_end(p->crew, 1);
            return;
        }
    }
    if (settled && !p->ready_told)
        say(p, "ready %s", FETTLE_VERSION);
    p->ready_told |= settled;
}
