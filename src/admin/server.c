/* admin/server.c -- the admin address: listens, or tries again */
#include "admin/server.h"

#include "admin/listener.h"
#include "io/sock.h"

#define RETRY_NS (3 * NS_PER_S)
enum { BACKLOG = 128 };

struct admin_server {
    struct loop *loop;
    const struct endpoint *address;
    struct listener listener;
    struct timer timer; /* to try to listen again */
    int warned;         /* the errno that people were told of; 0: none */
    struct route route;
    struct conns conns;
};

static void listen_try(struct timer *t);

/* A socket file that nobody listens on was left by a fettle that was killed. */
static int unix_listen(const char *path)
{
    int fd = sock_listen_unix(path, SOCK_STREAM, BACKLOG, 0600);
    int probe;

    if (fd != -EADDRINUSE)
        return fd;
    probe = sock_connect_unix(path, SOCK_STREAM);
    if (probe != -ECONNREFUSED) {
        fd_closep(&probe);
        return fd;
    }
    if (unlink(path) < 0)
        return -errno;
    return sock_listen_unix(path, SOCK_STREAM, BACKLOG, 0600);
}

static int address_listen(const struct endpoint *e)
{
    const struct sock_listen_conf conf = { .backlog = BACKLOG };
    AUTO(freep) char *path = NULL;

    if (e->kind == ENDPOINT_IP)
        return sock_listen_tcp(&e->addr, &conf);
    path = str_dup(e->path);
    return path ? unix_listen(path) : -ENOMEM;
}

static void address_warn(struct admin_server *s, int error)
{
    AUTO(buf_done) struct buf address = { 0 };

    if (s->warned == error)
        return;
    s->warned = error;
    endpoint_text(s->address, &address);
    log_warn("the admin address %.*s cannot be listened on: %s; %s. Requests to the app are "
             "served all the same; trying again every %u s",
             STR_ARG(buf_str(&address)), strerror(error),
             error == EADDRINUSE ? "another process has it (another fettle?), so give this one "
                                   "its own with --admin, or --admin off"
                                 : "--admin sets another",
             (u32)(RETRY_NS / NS_PER_S));
}

static void listen_try(struct timer *t)
{
    struct admin_server *s = container_of(t, struct admin_server, timer);
    AUTO(fd_closep) int fd = address_listen(s->address);
    int r = fd < 0 ? fd : listener_start(&s->listener, &s->conns, fd);

    if (r < 0) {
        address_warn(s, -r);
        loop_timer(s->loop, &s->timer, loop_now_ns(s->loop) + RETRY_NS, listen_try);
        return;
    }
    fd = -1; /* the listener has it */
    if (s->warned)
        log_info("the admin address can be listened on now");
    s->warned = 0;
}

int admin_server_new(struct admin_server **out, struct loop *loop,
                     const struct admin_server_conf *conf)
{
    struct admin_server *s = calloc(1, sizeof(*s));

    if (!s)
        return -ENOMEM;
    s->loop = loop;
    s->address = conf->address;
    route_init(&s->route, &conf->rules, &conf->source);
    conns_init(&s->conns, loop, &s->route.site);
    listen_try(&s->timer);
    *out = s;
    return 0;
}

void admin_server_free(struct admin_server *s)
{
    if (!s)
        return;
    conns_done(&s->conns);
    loop_timer_stop(&s->timer);
    if (listener_listens(&s->listener)) {
        AUTO(freep) char *path = str_dup(s->address->path);

        listener_stop(&s->listener);
        if (s->address->kind == ENDPOINT_UNIX && path)
            unlink(path);
    }
    free(s);
}

bool admin_server_listening(const struct admin_server *s)
{
    return listener_listens(&s->listener);
}
