/* proxy/client.c -- a client's connection
 *
 * Edge-triggered, like upstream.c: a keep-alive request costs no epoll_ctl.
 */
#include "proxy/client.h"

#include "base/log.h"
#include "http/write.h"
#include "proxy/admission.h"
#include "proxy/pressure.h"
#include "proxy/tunnel.h"

enum {
    CLIENT_EVENTS = EPOLLIN | EPOLLRDHUP | EPOLLET,
    ACCEPTS_PER_TURN = 64,
    LINGER_BYTES_MAX = 256 << 20, /* LINGER_NS bounds it before, but for a very fast sender */
    LINGER_READS_PER_TURN = 32,
    INTERNAL_CLIENTS_MAX = 64, /* of a thread */
};
#define LINGER_NS (2 * NS_PER_S)
#define ACCEPT_REST_NS (100 * NS_PER_MS)
/* For the request of who has just connected, or has sent part of it, when fettle ends. */
#define AWAITED_NS (1 * NS_PER_S)

static void event(struct watch *w, u32 events);
static void go_on(struct client *c);
static void head_read(struct client *c);
static void pipelined(struct task *task);

static void grave_fn(struct task *task)
{
    struct client *c = container_of(task, struct client, grave);

    slab_give(&c->thread->client_slab, c);
}

/* Frees all but the descriptor. */
static void client_bury(struct client *c)
{
    struct thread *t = c->thread;

    c->closed = true;
    if (c->x)
        exchange_free(c->x);
    loop_timer_stop(&c->timer);
    loop_task_stop(&c->more);
    loop_unwatch(&c->watch);
    block_give(&t->blocks, &c->in);
    block_give(&t->blocks, &c->out);
    pipe_give(&t->pipes, &c->pipe);
    list_del(&c->link);
    if (c->awaited)
        UNCOUNT(t->proxy->awaited, 1);
    if (c->internal) {
        t->internal_clients--;
    } else {
        atomic_fetch_sub(&c->listener->connections, 1);
        UNCOUNT(t->proxy->shm->proxy.connections, 1);
    }
    loop_bury(t->loop, &c->grave, grave_fn);
}

int client_release(struct client *c)
{
    int fd = c->watch.fd;

    client_bury(c);
    return fd;
}

void client_close(struct client *c)
{
    int fd = c->closed ? -1 : client_release(c);

    fd_closep(&fd);
}

/* Nothing was read: there is nothing yet (0), or never again. */
static ssize_t unread(struct client *c, ssize_t error)
{
    c->readable = false;
    if (error == -EAGAIN)
        return 0;
    c->ended = true;
    return error;
}

ssize_t client_fill(struct client *c)
{
    struct thread *t = c->thread;
    ssize_t n;

    if (!c->readable)
        return c->ended ? -EPIPE : 0;
    if (!c->in && !(c->in = block_take(&t->blocks)))
        return -ENOMEM;
    u32 room = min(block_room(c->in), (u32)PIPE_READ_MAX);
    if (room == 0)
        return -ENOBUFS;
    do
        n = recv(c->watch.fd, c->in->bytes + c->in->end, room, 0);
    while (n < 0 && errno == EINTR);
    if (n > 0) {
        c->in->end += (u32)n;
        c->moved_ns = thread_now(t);
        c->readable = n == room || c->hung_up;
        COUNT(t->proxy->shm->proxy.bytes_in, (u64)n);
        return n;
    }
    return unread(c, n == 0 ? -EPIPE : -errno);
}

ssize_t client_splice(struct client *c, struct pipe *p, u64 bytes_max)
{
    ssize_t n;

    if (!c->readable)
        return c->ended ? -EPIPE : 0;
    n = pipe_fill(p, c->watch.fd, bytes_max);
    if (n <= 0)
        return unread(c, n ? n : -EAGAIN);
    c->moved_ns = thread_now(c->thread);
    COUNT(c->thread->proxy->shm->proxy.bytes_in, (u64)n);
    return n;
}

static void written(struct client *c, u64 bytes)
{
    COUNT(c->thread->proxy->shm->proxy.bytes_out, bytes);
    c->moved_ns = thread_now(c->thread);
    if (c->x)
        c->x->out_bytes += bytes;
}

static int unwritten(struct client *c, int error)
{
    if (error == -EAGAIN) {
        c->blocked = true;
        loop_watch_set(&c->watch, CLIENT_EVENTS | EPOLLOUT);
    }
    return error;
}

ssize_t client_send(struct client *c, struct iovec *iov, u32 n)
{
    struct msghdr m = { .msg_iov = iov, .msg_iovlen = n };

    for (;;) {
        ssize_t sent = sendmsg(c->watch.fd, &m, MSG_NOSIGNAL);

        if (sent > 0) {
            written(c, (u64)sent);
            return sent;
        }
        if (sent == 0 || errno != EINTR)
            return unwritten(c, sent < 0 ? -errno : -EPIPE);
    }
}

int client_flush(struct client *c)
{
    if (c->internal)
        block_give(&c->thread->blocks, &c->out);
    while (block_len(c->out)) {
        ssize_t n = send(c->watch.fd, c->out->bytes + c->out->at, block_len(c->out), MSG_NOSIGNAL);

        if (n > 0) {
            c->out->at += (u32)n;
            written(c, (u64)n);
        } else if (n < 0 && errno == EINTR) {
            continue;
        } else {
            return unwritten(c, n < 0 ? -errno : -EPIPE);
        }
    }
    block_give(&c->thread->blocks, &c->out);
    while (c->pipe && c->pipe->bytes) {
        ssize_t n = pipe_drain(c->pipe, c->watch.fd);

        if (n < 0)
            return unwritten(c, (int)n);
        written(c, (u64)n);
    }
    pipe_give(&c->thread->pipes, &c->pipe);
    return 0;
}

/* Whether its next request is in the kernel already: closed now, it would be reset. */
static bool has_bytes(const struct client *c)
{
    char byte;

    return recv(c->watch.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

static void timed_out(struct timer *timer)
{
    struct client *c = container_of(timer, struct client, timer);

    if (c->state == CLIENT_HEAD) {
        exchange_refuse(c->x, 408, "the request's head took too long", SHM_REFUSED_TIMEOUT);
    } else if (c->state == CLIENT_IDLE && has_bytes(c)) {
        c->readable = true;
        head_read(c);
    } else {
        client_close(c); /* IDLE and CLOSING; overdue.c keeps the time in QUEUED and ACTIVE */
    }
}

static void arm(struct client *c, u64 wait_ns)
{
    if (wait_ns)
        loop_timer(c->thread->loop, &c->timer, thread_now(c->thread) + wait_ns, timed_out);
    else
        loop_timer_stop(&c->timer);
}

static void linger(struct client *c)
{
    char waste[16384];
    int r = client_flush(c);

    if (r == -EAGAIN)
        return;
    if (r < 0 || c->ended) {
        client_close(c);
        return;
    }
    if (!c->said_end && shutdown(c->watch.fd, SHUT_WR) < 0) {
        client_close(c); /* nobody is there to hear it */
        return;
    }
    c->said_end = true;
    for (int i = 0; i < LINGER_READS_PER_TURN; i++) {
        ssize_t n = recv(c->watch.fd, waste, sizeof(waste), 0);

        if (n < 0 && errno == EAGAIN)
            return;
        if (n <= 0 || (c->lingered_bytes += (u32)n) > LINGER_BYTES_MAX) {
            client_close(c);
            return;
        }
    }
    loop_task(c->thread->loop, &c->more, pipelined);
}

void client_finish(struct client *c)
{
    if (c->internal) {
        client_close(c);
        return;
    }
    if (c->x)
        exchange_free(c->x);
    c->state = CLIENT_CLOSING;
    block_give(&c->thread->blocks, &c->in);
    arm(c, LINGER_NS);
    linger(c);
}

/* Takes bytes for a head until it is whole. */
static void head_more(struct client *c)
{
    struct http_error error;
    bool begun = false;

    if (!c->x) {
        c->x = exchange_new(c);
        if (!c->x) {
            client_close(c);
            return;
        }
        c->state = CLIENT_HEAD;
        begun = true;
    }
    switch (http_parse_head(&c->x->parser, c->in->bytes, c->in->end, &c->x->req, &error)) {
    case HTTP_MORE:
        if (block_room(c->in) == 0)
            exchange_refuse(c->x, 431, "the head is too large", SHM_REFUSED_HEAD_LARGE);
        else if (begun)
            arm(c, c->x->door->settings.head_timeout_ns);
        break;
    case HTTP_DONE:
        c->requests++;
        if (c->gone)
            exchange_abandoned(c->x); /* its last bytes came together with its end */
        else
            admission_start(c->x);
        break;
    case HTTP_BAD:
        exchange_refuse(c->x, error.status, error.text,
                        error.status == 414 || error.status == 431 ? SHM_REFUSED_HEAD_LARGE
                                                                   : SHM_REFUSED_BAD_REQUEST);
        break;
    }
}

/* IDLE and HEAD: reads until there is nothing more or a request runs. */
static void head_read(struct client *c)
{
    while (!c->closed && c->state <= CLIENT_HEAD) {
        ssize_t n = client_fill(c);

        if (n > 0) {
            head_more(c);
        } else {
            if (n < 0)
                client_close(c); /* the end, between requests or inside a head */
            else if (c->in && block_len(c->in) == 0)
                block_give(&c->thread->blocks, &c->in);
            return;
        }
    }
}

static void go_on(struct client *c)
{
    switch (c->state) {
    case CLIENT_IDLE:
    case CLIENT_HEAD:
        head_read(c);
        break;
    case CLIENT_QUEUED:
    case CLIENT_ACTIVE:
        exchange_client_event(c->x);
        break;
    case CLIENT_CLOSING:
        linger(c);
        break;
    }
}

static void event(struct watch *w, u32 events)
{
    struct client *c = container_of(w, struct client, watch);

    if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
        c->readable = true;
    if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
        c->hung_up = true;
    if (events & (EPOLLHUP | EPOLLERR))
        c->gone = true;
    if (events & EPOLLOUT) {
        c->blocked = false;
        loop_watch_set(&c->watch, CLIENT_EVENTS);
    }
    if (c->gone && c->state >= CLIENT_QUEUED) {
        if (c->x)
            exchange_abandoned(c->x); /* both sides are gone: nobody will read the response */
        else
            client_close(c);
        return;
    }
    if (c->hung_up && c->state == CLIENT_QUEUED)
        queue_doubt(&c->x->ticket);
    go_on(c);
}

/* Bytes of the next request are in c->in already, or there is more to do than one turn may. */
static void pipelined(struct task *task)
{
    struct client *c = container_of(task, struct client, more);

    if (c->state == CLIENT_IDLE && block_len(c->in))
        head_more(c);
    if (!c->closed)
        go_on(c);
}

/* Kept for a while, so that its next request gets an answer that says that it is the last one. */
static void await(struct client *c, u64 wait_ns)
{
    if (!c->awaited)
        COUNT(c->thread->proxy->awaited, 1);
    c->awaited = true;
    arm(c, wait_ns);
}

void client_next(struct client *c)
{
    struct thread *t = c->thread;

    if (c->internal) {
        client_close(c);
        return;
    }
    if (!c->x->keep) {
        bool unread = block_len(c->in) || c->readable || !c->x->req_done;

        if (unread)
            client_finish(c);
        else
            client_close(c);
        return;
    }
    exchange_free(c->x);
    c->state = CLIENT_IDLE;
    if (atomic_load(&t->proxy->draining)) /* it was told that it may send another one */
        await(c, t->proxy->quiet_ns);
    else
        arm(c, listener_door(t->proxy, c->listener)->settings.idle_timeout_ns);
    if (block_len(c->in)) {
        block_shift(c->in, 0);
        loop_task(t->loop, &c->more, pipelined);
    } else {
        block_give(&t->blocks, &c->in);
        if (c->readable || c->ended)
            loop_task(t->loop, &c->more, pipelined);
    }
}

struct client *client_internal(const struct client *like)
{
    struct thread *t = like->thread;
    u32 head_bytes = like->x->req.head_bytes;
    struct client *c;

    if (t->internal_clients >= INTERNAL_CLIENTS_MAX || atomic_load(&t->proxy->draining))
        return NULL;
    c = slab_take(&t->client_slab);
    if (!c)
        return NULL;
    c->in = block_take(&t->blocks);
    if (!c->in || !block_add(c->in, str_make(like->in->bytes, head_bytes))) {
        block_give(&t->blocks, &c->in);
        slab_give(&t->client_slab, c);
        return NULL;
    }
    c->internal = true;
    c->watch.fd = -1;
    c->thread = t;
    c->listener = like->listener;
    c->peer = like->peer;
    c->local = like->local;
    memcpy(c->peer_text, like->peer_text, sizeof(c->peer_text));
    c->peer_text_len = like->peer_text_len;
    list_add(&t->clients, &c->link);
    t->internal_clients++;
    return c;
}

void client_internal_start(struct client *c)
{
    COUNT(c->thread->proxy->shm->cache.refreshed, 1);
    head_more(c);
}

static void client_new(struct thread *t, struct listener *l, int fd, const struct addr *peer)
{
    struct client *c = slab_take(&t->client_slab);
    struct str text;

    if (!c || loop_watch(t->loop, &c->watch, fd, CLIENT_EVENTS, event) < 0) {
        slab_give(&t->client_slab, c);
        close(fd);
        return;
    }
    c->thread = t;
    c->listener = l;
    c->peer = *peer;
    c->local = listener_local(l, fd);
    text = peer_text(c->peer_text, &c->peer, &c->local, l->family == AF_INET6);
    c->peer_text_len = (u8)text.len;
    list_add(&t->clients, &c->link);
    COUNT(t->proxy->shm->proxy.connections, 1);
    COUNT(t->proxy->shm->proxy.connections_total, 1);
    atomic_fetch_add(&l->connections, 1);
    arm(c, listener_door(t->proxy, l)->settings.idle_timeout_ns);
    /* Most clients have sent their request with the handshake's last packet. */
    c->readable = true;
    go_on(c);
}

static void accept_again(struct timer *timer)
{
    struct thread *t = container_of(timer, struct thread, accept_timer);

    thread_listen(t);
}

/* No descriptors left: the backlog keeps the others until some are closed. */
static void accept_rest(struct thread *t)
{
    log_warn("no more connections can be accepted for a moment: %s", strerror(errno));
    thread_unlisten(t);
    loop_timer(t->loop, &t->accept_timer, thread_now(t) + ACCEPT_REST_NS, accept_again);
}

static void refuse_connection(struct thread *t, int fd, enum shm_refusal reason)
{
    static const char text[] = "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n"
                               "retry-after: 1\r\nconnection: close\r\n\r\n";

    COUNT(t->proxy->shm->proxy.refused[reason], 1);
    if (send(fd, text, sizeof(text) - 1, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
        /* it is being turned away anyway */
    }
    close(fd);
}

/* Whether there are as many connections as there may be, of the whole or at this address. */
static bool is_full(const struct proxy *p, const struct listener *l)
{
    u32 most = listener_door(p, l)->connections_max;

    return p->shm->proxy.connections >= proxy_settings(p)->max_connections ||
           (most && atomic_load(&l->connections) >= most);
}

void client_accept(struct listener_watch *lw)
{
    struct thread *t = lw->thread;
    struct listener *l = lw->listener;

    for (int i = 0; i < ACCEPTS_PER_TURN; i++) {
        struct sockaddr_storage sa = { 0 };
        socklen_t len = sizeof(sa);
        int fd = accept4(lw->watch.fd, (struct sockaddr *)&sa, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (fd < 0) {
            if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
                accept_rest(t);
            if (errno == EINTR || errno == ECONNABORTED)
                continue;
            return;
        }
        struct addr peer = addr_of((struct sockaddr *)&sa);
        if (is_full(t->proxy, l))
            refuse_connection(t, fd, SHM_REFUSED_CONNECTIONS);
        else if (pressure_is_full(t->proxy))
            refuse_connection(t, fd, SHM_REFUSED_BUFFERS);
        else if (l->kind == WIRE_STREAM)
            tunnel_accept(t, l, fd, &peer);
        else
            client_new(t, l, fd, &peer);
    }
}

/* How long it may still be without a request; 0: it has been for long enough, or sends none. */
static u64 quiet_left_ns(const struct client *c)
{
    const struct thread *t = c->thread;
    u64 idle_ns = listener_door(t->proxy, c->listener)->settings.idle_timeout_ns;
    u64 now_ns = thread_now(t), quiet_ns = 0;

    if (c->state != CLIENT_IDLE || c->requests == 0 || block_len(c->in) || has_bytes(c))
        return AWAITED_NS;
    if (loop_timer_armed(&c->timer) && c->timer.at_ns < now_ns + idle_ns)
        quiet_ns = now_ns + idle_ns - c->timer.at_ns;
    return t->proxy->quiet_ns > quiet_ns ? t->proxy->quiet_ns - quiet_ns : 0;
}

void client_drain(struct thread *t)
{
    list_each_safe (link, &t->clients) {
        struct client *c = container_of(link, struct client, link);
        u64 left_ns;

        if (c->awaited || c->state > CLIENT_HEAD)
            continue;
        left_ns = quiet_left_ns(c);
        if (left_ns == 0)
            client_close(c);
        else
            await(c, left_ns);
    }
}
