/* worker/reread.c -- the settings read again, by a process of its own */
#include "worker/reread.h"

#include "base/log.h"
#include "io/sock.h"
#include "worker/crew.h"
#include "worker/roster.h"
#include "worker/unheard.h"
#include "worker/workers.h"

#include <fcntl.h>
#include <signal.h>

#define READ_MAX_NS (30 * NS_PER_S)
enum {
    OUT_MAX = 8 << 20,
    ERR_MAX = 64 << 10,
    READ_BYTES = 16384,
    READS_PER_WAKE = 16,
    READS_LAST =
        OUT_MAX / READ_BYTES, /* what it has started may hold the pipe, and go on writing */
};

static void stream_close(struct reread_stream *s)
{
    if (s->fd < 0)
        return;
    loop_unwatch(&s->watch);
    close(TAKE(s->fd, -1));
}

/* What there is, to the end when it has come. */
static void stream_read(struct reread_stream *s, int reads)
{
    char bytes[READ_BYTES];

    while (reads-- > 0 && s->fd >= 0) {
        ssize_t n = read(s->fd, bytes, sizeof(bytes));

        if (n > 0)
            buf_add(&s->text, str_make(bytes, (size_t)n));
        else if (n == 0 || errno != EAGAIN)
            stream_close(s);
        else
            return;
    }
}

static void readable(struct watch *w, u32 events)
{
    (void)events;
    stream_read(container_of(w, struct reread_stream, watch), READS_PER_WAKE);
}

static int stream_open(struct reread_stream *s, struct loop *loop, size_t bytes_max, int *theirs)
{
    int fds[2], r;

    buf_done(&s->text);
    s->text = (struct buf){ .bytes_max = bytes_max };
    if (pipe2(fds, O_CLOEXEC) < 0)
        return -errno;
    s->fd = fds[0];
    *theirs = fds[1];
    r = sock_nonblock(s->fd);
    return r < 0 ? r : loop_watch(loop, &s->watch, s->fd, EPOLLIN, readable);
}

static void late(struct timer *t)
{
    struct reread *r = container_of(t, struct reread, deadline);

    r->late = true;
    kill(-r->pid, SIGKILL);
}

static int start(struct reread *r)
{
    struct crew *c = r->crew;
    AUTO(fd_closep) int out = -1, err = -1;
    int e = stream_open(&r->out, c->loop, OUT_MAX, &out);

    if (e == 0)
        e = stream_open(&r->err, c->loop, ERR_MAX, &err);
    if (e < 0)
        return e;
    struct child_conf child = {
        .file = "/proc/self/exe",
        .argv = c->conf->reread_argv,
        .envp = c->conf->reread_env,
        .cwd = c->conf->reread_cwd,
        .fds = { -1, out, err },
        .fds_n = 3,
        .group = true,
        .death_signal = SIGKILL,
    };

    e = child_start(&child, &r->pid, NULL);
    if (e < 0)
        r->pid = 0;
    else
        loop_timer(c->loop, &r->deadline, loop_now_ns(c->loop) + READ_MAX_NS, late);
    return e;
}

static void apps_follow(struct crew *c)
{
    for (u32 i = 0; i < c->apps; i++) {
        struct app *app = c->app[i];
        u32 n = app->conf->workers;

        if (app->conf->removed || app->removed)
            continue;
        if (app->conf->workers_most > n) { /* by load, between these */
            n = min(max(app->workers, n), app->conf->workers_most);
            app->workers_conf = 0;
        }
        if (n == app->workers || n == app->workers_conf)
            continue; /* what `scale` has set holds until the setting itself changes */
        app->workers_conf = n;
        if (app_is_over(app))
            app->workers = n;
        else if (workers_set(app, n) < 0)
            log_warn("%sthe number of workers stays as it is", app->lead);
    }
}

struct news {
    struct supervisor_news news;
    struct crew *crew;
};

/* The listener of our own that is bound there; -ENOENT: there is none. */
static int own_find(const struct listeners *ls, const struct endpoint *at)
{
    for (int i = 0; i < SHM_LISTENERS_MAX; i++) {
        const struct listener *l = &ls->listener[i];

        if (!l->open || l->app != SHM_APPS_MAX)
            continue;
        if (at->kind == ENDPOINT_UNIX
                ? l->bound.family == AF_UNIX && str_eq(str_of(l->as.path), at->path)
                : memcmp(&l->bound, &at->addr, sizeof(at->addr)) == 0)
            return i;
    }
    return -ENOENT;
}

/* supervisor_news.listen */
static int addresses_open(struct supervisor_news *news, const struct endpoint *routed, u32 n,
                          struct problem *p)
{
    struct crew *c = container_of(news, struct news, news)->crew;
    u32 opened = 0;

    for (u32 i = 0; i < n; i++) {
        AUTO(buf_done) struct buf text = { 0 };
        int r;

        if (own_find(&c->listeners, &routed[i]) >= 0)
            continue;
        r = listeners_open_own(&c->listeners, &routed[i], i + 1);
        if (r >= 0) {
            opened |= BIT(r);
            continue;
        }
        for (; opened; opened &= opened - 1)
            listeners_close_own(&c->listeners, (u32)__builtin_ctz(opened));
        endpoint_text(&routed[i], &text);
        return problem_set(p, "routes: %.*s: %s", STR_ARG(buf_str(&text)), strerror(-r));
    }
    return 0;
}

/* The proxy hears of the new ones of our own listeners; those that lead nowhere any more close. */
static void addresses_follow(struct crew *c)
{
    struct listeners *ls = &c->listeners;
    u32 wanted = 0;

    for (u32 i = 0; i < c->conf->routed_n; i++)
        wanted |= BIT(max(own_find(ls, &c->conf->routed[i]), 0));
    for (u32 i = 0; i < SHM_LISTENERS_MAX; i++) {
        struct listener *l = &ls->listener[i];
        AUTO(buf_done) struct buf url = { 0 };

        if (!l->open || l->app != SHM_APPS_MAX)
            continue;
        listeners_url(ls, i, &url);
        if (!(wanted & BIT(i))) {
            log_info("%.*s is closed: no route is there any more", STR_ARG(buf_str(&url)));
            listeners_close_own(ls, i);
            helper_listener_gone(&c->proxy, i);
        } else if (!l->announced) {
            l->announced = true;
            log_info("%.*s → the routes", STR_ARG(buf_str(&url)));
            helper_listener(&c->proxy, i);
        }
    }
}

/* The new settings are there. */
static void take(struct reread *r)
{
    struct crew *c = r->crew;
    struct problem p = { 0 };
    struct news news = { .news = { .notes = &r->notes, .listen = addresses_open }, .crew = c };
    int err = c->conf->reread_take(c->conf, buf_str(&r->out.text), &news.news, &p);

    r->ok = err == 0;
    if (err) {
        buf_addf(&r->said, "%s", p.text[0] ? p.text : strerror(-err));
        return;
    }
    for (u32 i = 0; i < r->notes.count; i++)
        log_info("%.*s", STR_ARG(strings_at(&r->notes, i)));
    /* Told in any case: it reads the files anew that settings name. */
    helper_settings(&c->proxy, c->conf->proxy_argv, true);
    apps_follow(c);
    addresses_follow(c);
    roster_follow(c);
    c->unheard_told = false;
    unheard_tell(c);
}

static void failed_log(const struct reread *r)
{
    struct str rest = buf_str(&r->said);

    log_error("the settings are not taken over, since they cannot be read; nothing has changed");
    while (rest.ptr && rest.len) {
        struct str line = str_cut(rest, '\n', &rest);

        log_error("%.*s", STR_ARG(line));
    }
}

static void reload_all(struct crew *c)
{
    for (u32 i = 0; i < c->apps && !c->draining; i++)
        if (!c->app[i]->removed && !c->app[i]->has_come)
            reload_begin(c->app[i]);
}

static void finish(struct reread *r, bool ran_well, const char *why)
{
    buf_clear(&r->said);
    strings_done(&r->notes);
    r->notes = (struct strings){ 0 };
    r->ok = false;
    r->finished = r->started;
    if (ran_well && !r->out.text.failed)
        take(r);
    else if (r->err.text.len)
        buf_add(&r->said, buf_str(&r->err.text));
    else
        buf_addf(&r->said, "the process that reads the settings has failed: %s", why);
    if (!r->ok)
        failed_log(r);
    if (TAKE(r->again, false))
        (void)reread_begin(r);
    else if (TAKE(r->reload_all, false) && r->ok)
        reload_all(r->crew);
}

u32 reread_begin(struct reread *r)
{
    int e;

    if (r->pid) {
        r->again = true;
        return r->started + 1;
    }
    r->started++;
    r->late = false;
    if (!r->crew->conf->reread_argv) { /* nothing was read at the start either */
        r->finished = r->started;
        r->ok = true;
        if (TAKE(r->reload_all, false))
            reload_all(r->crew);
        return r->started;
    }
    e = start(r);
    if (e < 0) {
        stream_close(&r->out);
        stream_close(&r->err);
        finish(r, false, strerror(-e));
    }
    return r->started;
}

bool reread_reaped(struct reread *r, const struct child_end *end)
{
    char why[CHILD_END_TEXT_MAX];

    if (!r->pid || end->pid != r->pid)
        return false;
    r->pid = 0;
    loop_timer_stop(&r->deadline);
    stream_read(&r->out, READS_LAST);
    stream_read(&r->err, READS_LAST);
    stream_close(&r->out);
    stream_close(&r->err);
    child_end_text(end, why);
    finish(r, end->code == 0, r->late ? "it took longer than 30 s" : why);
    return true;
}

void reread_init(struct reread *r, struct crew *crew)
{
    *r = (struct reread){ .crew = crew, .out.fd = -1, .err.fd = -1 };
}

void reread_done(struct reread *r)
{
    if (!r->crew)
        return;
    if (r->pid)
        kill(-r->pid, SIGKILL);
    loop_timer_stop(&r->deadline);
    stream_close(&r->out);
    stream_close(&r->err);
    buf_done(&r->out.text);
    buf_done(&r->err.text);
    buf_done(&r->said);
    strings_done(&r->notes);
}
