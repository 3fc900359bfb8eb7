/* proxy/upstream.c -- connections to workers and hosts
 *
 * Edge-triggered: EPOLLIN once at the start, EPOLLOUT only while a write is
 * unfinished (a unix socket would else wake us each time the worker reads).
 */
#include "proxy/upstream.h"

#include "proxy/host.h"

#include <fcntl.h>
#include <stddef.h>

enum { POOL_EVENTS = EPOLLIN | EPOLLRDHUP | EPOLLET };
/* What one send of at most this many bytes has put into a unix socket is read as a whole or not at
 * all by Node, which reads 64 KB at a time: the kernel splits none below 32 KB. */
enum { WHOLE_BYTES_MAX = 16384 };

static void grave_fn(struct task *task)
{
    free(container_of(task, struct upstream, grave));
}

/* Out of the pool, if it is in one. */
static void unrest(struct upstream *u)
{
    if (u->endpoint && !list_empty(&u->link))
        host_unrest(u);
    else
        list_del(&u->link);
}

int upstream_release(struct upstream *u)
{
    struct thread *t = u->thread;
    int fd = u->watch.fd;

    if (u->exchange == NULL)
        unrest(u);
    loop_timer_stop(&u->timer);
    loop_unwatch(&u->watch);
    block_give(&t->blocks, &u->in);
    block_give(&t->blocks, &u->out);
    pipe_give(&t->pipes, &u->pipe);
    loop_bury(t->loop, &u->grave, grave_fn);
    return fd;
}

void upstream_close(struct upstream *u)
{
    seats_give(&u->thread->seats, u->number);
    if (u->endpoint)
        atomic_fetch_sub(&u->endpoint->shm->connections, 1);
    close(upstream_release(u));
}

/* The timer goes on while the connection is used: putting it off later is cheaper. */
static void idle_over(struct timer *timer)
{
    struct upstream *u = container_of(timer, struct upstream, timer);

    if (!u->exchange)
        upstream_close(u);
}

void upstream_watch(struct upstream *u)
{
    loop_watch_set(&u->watch, POOL_EVENTS);
}

void upstream_event(struct watch *w, u32 events)
{
    struct upstream *u = container_of(w, struct upstream, watch);

    if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
        u->readable = true;
    if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
        u->hung_up = true;
    if (events & EPOLLOUT) {
        u->blocked = false;
        loop_watch_set(&u->watch, POOL_EVENTS);
    }
    if (u->exchange)
        exchange_upstream_event(u->exchange);
    else if (u->readable)
        upstream_close(u); /* resting: whatever it says, it is the end */
}

enum { NAME_MAX = sizeof(((struct sockaddr_un *)0)->sun_path) - 1 }; /* but the NUL before it */

/* A connection whose own end has the abstract name `name`. */
static int connect_to(struct thread *t, const struct claim *claim, u32 listener, struct str name)
{
    struct sockaddr_un sa = { .sun_family = AF_UNIX }, own = { .sun_family = AF_UNIX };
    AUTO(fd_closep) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    u32 slot = (u32)(claim->slot - t->proxy->shm->slot);

    if (fd < 0)
        return -errno;
    if (name.len) {
        memcpy(own.sun_path + 1, name.ptr, name.len);
        if (bind(fd, (struct sockaddr *)&own,
                 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + name.len)) < 0)
            return -errno;
    }
    snprintf(sa.sun_path, sizeof(sa.sun_path), "%.*s/%u.%u.%u",
             STR_ARG(proxy_settings(t->proxy)->runtime_dir), slot, claim->generation, listener);
    if (connect(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0)
        return -errno;
    return TAKE(fd, -1);
}

/* The name (shm/wire.h) of connection `seq`; empty when it is too long. */
static struct str name_put(char out[NAME_MAX + 1], const struct proxy *p, u64 seq, struct str text)
{
    int len = snprintf(out, NAME_MAX + 1, "fettle/%08x/%llx/%.*s", p->name_random,
                       (unsigned long long)seq, STR_ARG(text));

    return str_make(out, len < 0 || len > NAME_MAX ? 0 : (size_t)len);
}

int upstream_connect_stream(struct thread *t, const struct claim *claim, u32 listener,
                            struct str peer)
{
    u64 seq = atomic_fetch_add(&t->proxy->name_seq, 1);
    char name[NAME_MAX + 1];
    struct str own = name_put(name, t->proxy, seq, peer);

    if (!own.len) { /* two long IPv6 addresses: the client's alone is enough */
        struct str port, local;

        str_cut(peer, ' ', &port);
        str_cut(port, ' ', &local);
        own = name_put(name, t->proxy, seq, str_sub(peer, 0, peer.len - local.len - 1));
    }
    return connect_to(t, claim, listener, own);
}

/* As upstream_connect_stream, with a number for *number if there is one. */
static int connect_http(struct thread *t, const struct claim *claim, u32 listener, struct str peer,
                        u32 *number)
{
    u64 seq = atomic_fetch_add(&t->proxy->name_seq, 1);
    char name[NAME_MAX + 1], text[16];
    int fd;

    *number = seats_take(&t->seats, wire_connection(t->proxy->name_random, seq));
    if (*number == 0)
        return upstream_connect_stream(t, claim, listener, peer);
    snprintf(text, sizeof(text), "@%u", *number);
    fd = connect_to(t, claim, listener, name_put(name, t->proxy, seq, str_of(text)));
    if (fd < 0)
        seats_give(&t->seats, TAKE(*number, 0));
    return fd;
}

static struct upstream *upstream_new(struct thread *t, const struct claim *claim, u32 listener,
                                     struct str peer, int *error)
{
    u32 number;
    AUTO(fd_closep) int fd = connect_http(t, claim, listener, peer, &number);
    struct upstream *u = fd < 0 ? NULL : calloc(1, sizeof(*u));

    *error = fd < 0 ? fd : -ENOMEM;
    if (!u) {
        seats_give(&t->seats, number);
        return NULL;
    }
    u->number = number;
    u->sampled = number && atomic_load(&t->proxy->peers->sampled[number]); /* of the one before */
    u->thread = t;
    u->slot = (u32)(claim->slot - t->proxy->shm->slot);
    u->generation = claim->generation;
    u->listener = listener;
    list_init(&u->link);
    *error = loop_watch(t->loop, &u->watch, fd, POOL_EVENTS, upstream_event);
    if (*error < 0) {
        seats_give(&t->seats, number);
        free(u);
        return NULL;
    }
    fd = -1;
    return u;
}

/* The worker may look from now on, for nothing of the request has been written. */
static struct upstream *begin(struct upstream *u, struct str peer,
                              const struct shm_trace_context *trace)
{
    struct proxy *p = u->thread->proxy;

    u->sends = 0;
    u->began = u->sent_bytes;
    if (u->number) {
        shm_peer_put(&p->peers->peer[u->number], u->began, peer.ptr, peer.len, trace);
        if (u->sampled != (trace != NULL)) {
            u->sampled = trace != NULL;
            atomic_store_explicit(&p->peers->sampled[u->number], u->sampled, memory_order_release);
        }
        atomic_store_explicit(&p->shm->route_of[u->number], 0, memory_order_relaxed);
    }
    return u;
}

struct upstream *upstream_get(struct thread *t, const struct claim *claim, u32 listener,
                              struct str peer, const struct shm_trace_context *trace, int *error)
{
    struct upstream *u;
    struct list *pool = &t->pool[claim->slot - t->proxy->shm->slot];

    list_each_safe (link, pool) {
        u = container_of(link, struct upstream, link);
        if (u->generation != claim->generation) {
            upstream_close(u);
        } else if (u->listener == listener) {
            list_del(&u->link);
            return begin(u, peer, trace);
        }
    }
    u = upstream_new(t, claim, listener, peer, error);
    return u ? begin(u, peer, trace) : NULL;
}

void upstream_put(struct upstream *u, u64 keep_ns, u32 rest_max)
{
    struct thread *t = u->thread;

    u->exchange = NULL;
    if (keep_ns == 0 || u->broken || !(u->number || u->endpoint) || block_len(u->in) ||
        block_len(u->out) || u->pipe) {
        upstream_close(u);
        return;
    }
    block_give(&t->blocks, &u->in);
    block_give(&t->blocks, &u->out);
    u->used = true;
    /* Newest first: the others may then grow old and be let go. */
    if (!u->endpoint) {
        list_add_first(&t->pool[u->slot], &u->link);
    } else if (!host_rest(u, rest_max)) {
        upstream_close(u);
        return;
    }
    loop_timer(t->loop, &u->timer, thread_now(t) + keep_ns, idle_over);
}

ssize_t upstream_fill(struct upstream *u)
{
    struct thread *t = u->thread;
    ssize_t n;

    if (!u->readable)
        return 0;
    if (!u->in && !(u->in = block_take(&t->blocks)))
        return -ENOMEM;
    if (block_len(u->in) == 0)
        u->in->at = u->in->end = 0;
    else if (block_room(u->in) == 0)
        block_shift(u->in, 0);
    if (block_room(u->in) == 0)
        return -ENOBUFS;
    u32 room = min(block_room(u->in), (u32)PIPE_READ_MAX);
    do
        n = recv(u->watch.fd, u->in->bytes + u->in->end, room, 0);
    while (n < 0 && errno == EINTR);
    if (n > 0) {
        u->in->end += (u32)n;
        u->readable = n == room || u->hung_up; /* a short read: the next bytes make a new event */
        return n;
    }
    if (n == 0)
        return -EPIPE;
    if (errno == EAGAIN) {
        u->readable = false;
        return 0;
    }
    u->reset |= errno == ECONNRESET; /* a unix socket says so when bytes were left in it */
    return -errno;
}

ssize_t upstream_splice(struct upstream *u, struct pipe *p, u64 bytes_max)
{
    ssize_t n = u->readable ? pipe_fill(p, u->watch.fd, bytes_max) : 0;

    if (n == 0)
        u->readable = false;
    return n;
}

bool upstream_unread(const struct upstream *u)
{
    return u->sends == 0 || (!u->endpoint && u->reset && u->sends == 1 &&
                             u->sent_bytes - u->began <= WHOLE_BYTES_MAX);
}

static bool is_visible(const char *text, size_t len)
{
    bool visible = true;

    for (size_t i = 0; i < len; i++)
        visible &= text[i] > ' ' && text[i] < 0x7f;
    return visible;
}

struct str upstream_route(const struct upstream *u)
{
    struct shm *shm = u->thread->proxy->shm;
    struct shm_routes *routes = &shm->routes[u->slot];
    u32 n = u->number ? atomic_load_explicit(&shm->route_of[u->number], memory_order_relaxed) : 0;
    const struct shm_route *route;
    u32 len;

    if (n == 0 || n >= SHM_ROUTES_MAX || n >= atomic_load(&routes->count))
        return (struct str){ 0 };
    route = &routes->route[n];
    len = min((u32)route->len, (u32)SHM_ROUTE_MAX);
    return is_visible(route->text, len) ? str_make(route->text, len) : (struct str){ 0 };
}

static int unwritten(struct upstream *u, int error)
{
    if (error == -EAGAIN) {
        u->blocked = true;
        loop_watch_set(&u->watch, POOL_EVENTS | EPOLLOUT);
    } else {
        u->broken = true;
        /* A worker that lives would wait for the rest for ever, and we for its answer. */
        if (error != -EPIPE && error != -ECONNRESET)
            shutdown(u->watch.fd, SHUT_RDWR);
    }
    return error;
}

int upstream_flush(struct upstream *u)
{
    while (block_len(u->out)) {
        ssize_t n = send(u->watch.fd, u->out->bytes + u->out->at, block_len(u->out), MSG_NOSIGNAL);

        if (n > 0) {
            u->out->at += (u32)n;
            u->sends++;
            u->sent_bytes += (u64)n;
        } else if (n < 0 && errno == EINTR) {
            continue;
        } else {
            return unwritten(u, n < 0 ? -errno : -EPIPE);
        }
    }
    block_give(&u->thread->blocks, &u->out);
    while (u->pipe && u->pipe->bytes) {
        ssize_t n = pipe_drain(u->pipe, u->watch.fd);

        if (n < 0)
            return unwritten(u, (int)n);
        u->sends++;
        u->sent_bytes += (u64)n;
    }
    pipe_give(&u->thread->pipes, &u->pipe);
    return 0;
}

void upstream_drop(struct thread *t, u32 slot)
{
    list_each_safe (link, &t->pool[slot])
        upstream_close(container_of(link, struct upstream, link));
}

void upstream_prune(struct thread *t)
{
    struct shm *shm = t->proxy->shm;

    for (u32 i = 0; i < SHM_SLOTS_MAX; i++)
        list_each_safe (link, &t->pool[i]) {
            struct upstream *u = container_of(link, struct upstream, link);

            if (shm->slot[i].state != SHM_READY || shm->slot[i].generation != u->generation)
                upstream_close(u);
        }
}
