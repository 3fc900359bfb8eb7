/* worker/controller.c -- the supervisor's end of the control socket */
#include "worker/controller.h"

#include "base/json.h"
#include "base/log.h"
#include "worker/crew.h"
#include "worker/secret.h"
#include "worker/snapshot.h"

#include <fcntl.h>

enum { ENVIRON_MAX = 1 << 20 };

static void ps_answer(struct crew *c, struct control_talk *talk)
{
    AUTO(buf_done) struct buf out = { 0 };
    u64 now_ns = clock_now_ns();

    buf_addf(&out, "{\"ok\":true,\"pid\":%d,\"apps\":[", (int)getpid());
    for (u32 i = 0; i < c->apps; i++)
        if (!app_is_gone(c->app[i]))
            snapshot_app(&out, c->app[i], now_ns);
    buf_add(&out, STR("]}"));
    out.failed ? control_fail(talk, "out of memory") : control_end(talk, buf_str(&out));
}

static void describe_answer(const struct app *app, struct control_talk *talk)
{
    AUTO(buf_done) struct buf out = { 0 };

    buf_add(&out, STR("{\"ok\":true,\"app\":"));
    snapshot_describe(&out, app, clock_now_ns());
    buf_addc(&out, '}');
    out.failed ? control_fail(talk, "out of memory") : control_end(talk, buf_str(&out));
}

/* The environment with which a process was started, NUL-terminated strings. -errno. */
static int environ_read(pid_t pid, struct buf *out)
{
    AUTO(fd_closep) int fd = -1;
    char path[48];
    ssize_t n;

    snprintf(path, sizeof(path), "/proc/%d/environ", (int)pid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    out->bytes_max = ENVIRON_MAX;
    while (buf_reserve(out, 4096)) {
        n = read(fd, out->ptr + out->len, out->cap - out->len);
        if (n <= 0)
            return n < 0 ? -errno : 0;
        out->len += (size_t)n;
    }
    return out->len ? 0 : -ENOMEM;
}

static void environ_write(struct buf *out, struct str all, bool show_secrets)
{
    while (all.ptr && all.len) {
        AUTO(buf_done) struct buf shown = { 0 };
        struct str value, name = str_cut(str_cut(all, 0, &all), '=', &value);

        if (name.len == 0)
            continue;
        if (show_secrets)
            buf_add(&shown, value);
        else
            secret_mask(&shown, name, value);
        json_comma(out);
        buf_addc(out, '"');
        buf_add_json(out, name);
        buf_add(out, STR("\":\""));
        buf_add_json(out, buf_str(&shown));
        buf_addc(out, '"');
        out->failed |= shown.failed;
    }
}

static const struct worker *worker_running(const struct app *app, u32 number)
{
    for (u32 i = number ? number : 1; i <= (number ? number : app->workers); i++)
        if (i <= app->workers && app->worker[i].current && !app->worker[i].current->reaped)
            return &app->worker[i];
    return NULL;
}

static void env_answer(const struct app *app, const struct order *o, struct control_talk *talk)
{
    const struct worker *w = worker_running(app, o->worker);
    AUTO(buf_done) struct buf all = { 0 };
    AUTO(buf_done) struct buf out = { 0 };
    int r;

    if (!w && o->worker) {
        control_fail(talk, "worker %u does not run; there are %u", o->worker, app->workers);
        return;
    }
    r = w ? environ_read(w->current->pid, &all) : -ESRCH;
    if (r < 0) {
        control_fail(talk,
                     w ? "worker %u's environment cannot be read: %s" : "none of its workers runs",
                     w ? w->number : 0, strerror(-r));
        return;
    }
    buf_addf(&out, "{\"ok\":true,\"worker\":%u,\"pid\":%d,\"env\":{", w->number,
             (int)w->current->pid);
    environ_write(&out, buf_str(&all), o->show_secrets);
    buf_add(&out, STR("}}"));
    out.failed ? control_fail(talk, "out of memory") : control_end(talk, buf_str(&out));
}

/* The proxy does it as soon as it reads this: what is answered after that is not from before. */
static void purge_answer(struct crew *c, const struct app *app, const struct order *o,
                         struct control_talk *talk)
{
    AUTO(buf_done) struct buf out = { 0 };
    struct wire_purge m = { .type = WIRE_PURGE, .app = app->index };
    int r;

    m.path_len = (u32)str_to_cstr(str_of(o->path), m.path, sizeof(m.path));
    m.tag_len = (u32)str_to_cstr(str_of(o->tag), m.tag, sizeof(m.tag));
    r = helper_send(&c->proxy, &m, sizeof(m));
    if (r < 0) {
        control_fail(talk, "the proxy cannot be told just now: %s", strerror(-r));
        return;
    }
    buf_add(&out, STR("{\"ok\":true,\"app\":\""));
    buf_add_json(&out, str_of(app->conf->name));
    buf_add(&out, STR("\",\"text\":\"purged "));
    buf_add_json(&out, *o->path ? str_of(o->path) : *o->tag ? str_of(o->tag) : STR("everything"));
    buf_add(&out, STR("\"}"));
    out.failed ? control_fail(talk, "out of memory") : control_end(talk, buf_str(&out));
}

/* Without a name: the only one. */
static struct app *app_find(struct crew *c, const char *name)
{
    struct app *only = NULL;
    u32 there = 0;

    for (u32 i = 0; i < c->apps; i++) {
        if (str_eq(str_of(name), str_of(c->app[i]->conf->name)))
            return c->app[i];
        if (!app_is_gone(c->app[i])) {
            only = c->app[i];
            there++;
        }
    }
    return !*name && there == 1 ? only : NULL;
}

static void ask(struct control_talk *talk, const struct order *o)
{
    struct controller *op = container_of(talk->control, struct controller, control);
    struct crew *c = op->operations.crew;
    struct app *app = app_find(c, o->app);

    if (o->verb == ORDER_PS)
        ps_answer(c, talk);
    else if (o->verb == ORDER_LOGS)
        recent_read(&c->recent, o, talk);
    else if (o->verb == ORDER_UPGRADE)
        successor_begin(&c->successor, talk);
    else if (!app && !*o->app)
        control_fail(talk, "there are several apps; say which one");
    else if (!app || (app_is_gone(app) && o->verb != ORDER_RELOAD))
        control_fail(talk, "there is no app \"%s\"", o->app);
    else if (o->verb == ORDER_DESCRIBE)
        describe_answer(app, talk);
    else if (o->verb == ORDER_ENV)
        env_answer(app, o, talk);
    else if (o->verb == ORDER_PURGE)
        purge_answer(c, app, o, talk);
    else if (o->verb == ORDER_HOLD)
        hold_begin(&op->holds, app, o, talk);
    else
        operation_begin(&op->operations, app, o, talk);
}

static void gone(struct control_talk *talk)
{
    struct controller *op = container_of(talk->control, struct controller, control);

    operation_forget(&op->operations, talk);
    hold_forget(&op->holds, talk);
    successor_forget(&op->operations.crew->successor, talk);
    recent_forget(&op->operations.crew->recent, talk);
}

void controller_init(struct controller *o, struct crew *crew)
{
    struct control_conf conf = {
        .loop = crew->loop, .dir = crew->dir.path, .ask = ask, .gone = gone
    };
    int r;

    operations_init(&o->operations, crew);
    holds_init(&o->holds, crew);
    r = control_init(&o->control, &conf);
    if (r < 0)
        log_warn("%s/control.sock cannot be made: %s; `fettle ps` and its like do not see this one",
                 crew->dir.path, strerror(-r));
}

void controller_done(struct controller *o)
{
    operations_done(&o->operations);
    holds_done(&o->holds);
    if (o->operations.crew)
        recent_quit(&o->operations.crew->recent);
    control_done(&o->control);
}
