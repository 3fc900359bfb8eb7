/* proxy/tunnel.c -- bytes both ways, unread */
#include "proxy/tunnel.h"

#include "proxy/access.h"
#include "proxy/exchange.h"
#include "proxy/host.h"
#include "proxy/peer.h"
#include "proxy/pressure.h"
#include "proxy/series.h"

enum { ROUNDS_MAX = 16, END_EVENTS = EPOLLIN | EPOLLRDHUP | EPOLLET };

struct end {
    struct watch watch;
    struct block *buf;   /* read here, to be written to the other end */
    struct block *after; /* what follows it: left over from before the upgrade */
    bool readable, blocked;
    bool hung_up; /* it has closed its side: read until the end */
    bool ended;   /* its last byte has been read */
    bool told;    /* …and the other end knows */
};

struct tunnel {
    struct thread *thread;
    struct list link; /* thread->tunnels */
    struct task more, grave;
    struct timer timer; /* waiting for a worker; then for a byte */
    struct end client, worker;
    struct ticket ticket;
    struct claim claim;
    struct endpoints_call host; /* a host's instead … */
    struct host_group *group;   /* … of this group */
    struct listener *listener;  /* where the client came */
    struct settings_request is;
    struct addr peer, local;
    u32 number; /* of the connection to the worker, if it was an exchange's */
    u32 attempts;
    u64 idle_ns, moved_ns; /* closed without a byte for this long, 0: never; since then */
    bool closed;
};

static void grave_fn(struct task *task)
{
    free(container_of(task, struct tunnel, grave));
}

static void end_done(struct thread *t, struct end *e)
{
    int fd = e->watch.fd;

    if (e->watch.loop) {
        loop_unwatch(&e->watch);
        close(fd);
    }
    block_give(&t->blocks, &e->buf);
    block_give(&t->blocks, &e->after);
}

/* The stream to a host is over, and its connection is, or will be, closed. */
static void host_end(struct endpoints_call *host, struct host_group *group)
{
    static const struct endpoints_rules none;

    if (!host->to)
        return;
    atomic_fetch_sub(&host->to->shm->connections, 1);
    (void)endpoints_ended(&group->endpoints, host, &none, SHM_ENDPOINT_OK, 0, clock_now_ns());
}

static void tunnel_close(struct tunnel *tu)
{
    struct thread *t = tu->thread;

    if (tu->closed)
        return;
    tu->closed = true;
    atomic_fetch_sub(&tu->listener->connections, 1);
    queue_leave(&tu->ticket);
    claim_release(&tu->claim);
    host_end(&tu->host, tu->group);
    queue_room(t);
    loop_timer_stop(&tu->timer);
    loop_task_stop(&tu->more);
    end_done(t, &tu->client);
    end_done(t, &tu->worker);
    list_del(&tu->link);
    seats_give(&t->seats, tu->number);
    UNCOUNT(t->proxy->shm->proxy.connections, 1);
    loop_bury(t->loop, &tu->grave, grave_fn);
}

/* Writes from->buf to `to`: 0 all, -EAGAIN, else -errno. */
static int end_flush(struct thread *t, struct end *from, struct end *to)
{
    while (from->buf) {
        while (block_len(from->buf)) {
            ssize_t n = send(to->watch.fd, from->buf->bytes + from->buf->at, block_len(from->buf),
                             MSG_NOSIGNAL);

            if (n < 0 && errno == EINTR)
                continue;
            if (n < 0 && errno == EAGAIN) {
                to->blocked = true;
                loop_watch_set(&to->watch, END_EVENTS | EPOLLOUT);
                return -EAGAIN;
            }
            if (n <= 0)
                return n < 0 ? -errno : -EPIPE;
            from->buf->at += (u32)n;
        }
        block_give(&t->blocks, &from->buf);
        from->buf = TAKE(from->after, NULL);
    }
    return 0;
}

/* One direction. 1: again; 0: nothing to do for now; -errno: the tunnel is over. */
static int end_move(struct thread *t, struct end *from, struct end *to)
{
    ssize_t n;
    int r;

    if (to->blocked)
        return 0;
    r = end_flush(t, from, to);
    if (r < 0)
        return r == -EAGAIN ? 0 : r;
    if (from->ended) {
        if (!from->told && shutdown(to->watch.fd, SHUT_WR) < 0)
            return -errno; /* there is nobody to tell */
        from->told = true;
        return 0;
    }
    if (!from->readable)
        return 0;
    from->buf = block_take(&t->blocks);
    if (!from->buf)
        return -ENOMEM;
    do
        n = recv(from->watch.fd, from->buf->bytes, from->buf->size, 0);
    while (n < 0 && errno == EINTR);
    if (n > 0) {
        from->buf->end = (u32)n;
        from->readable = n == from->buf->size || from->hung_up; /* else the next make a new event */
        return 1;
    }
    block_give(&t->blocks, &from->buf);
    if (n == 0) {
        from->ended = true;
        return 1;
    }
    from->readable = false;
    return errno == EAGAIN ? 0 : -errno;
}

static void tunnel_pump(struct tunnel *tu);

static void idle_look(struct timer *timer)
{
    struct tunnel *tu = container_of(timer, struct tunnel, timer);
    u64 until_ns = tu->moved_ns + tu->idle_ns;

    if (thread_now(tu->thread) < until_ns) {
        loop_timer(tu->thread->loop, timer, until_ns, idle_look);
        return;
    }
    COUNT(tu->thread->proxy->shm->proxy.refused[SHM_REFUSED_TUNNEL_IDLE], 1);
    tunnel_close(tu);
}

static void again(struct task *task)
{
    tunnel_pump(container_of(task, struct tunnel, more));
}

static void tunnel_pump(struct tunnel *tu)
{
    struct thread *t = tu->thread;

    for (int i = 0; i < ROUNDS_MAX; i++) {
        int to_worker = end_move(t, &tu->client, &tu->worker);
        int to_client = to_worker < 0 ? 0 : end_move(t, &tu->worker, &tu->client);

        if (to_worker < 0 || to_client < 0 || (tu->client.told && tu->worker.told)) {
            tunnel_close(tu);
            return;
        }
        if (to_worker == 0 && to_client == 0)
            return;
        tu->moved_ns = thread_now(t);
    }
    loop_task(t->loop, &tu->more, again);
}

static void end_event(struct tunnel *tu, struct end *e, u32 events)
{
    if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
        e->readable = true;
    if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
        e->hung_up = true;
    if (events & EPOLLOUT) {
        e->blocked = false;
        loop_watch_set(&e->watch, END_EVENTS);
    }
    if (tu->worker.watch.loop)
        tunnel_pump(tu);
    else if (events & (EPOLLHUP | EPOLLERR))
        tunnel_close(tu); /* gave up before there was a worker */
}

static void client_event(struct watch *w, u32 events)
{
    struct tunnel *tu = container_of(w, struct tunnel, client.watch);

    end_event(tu, &tu->client, events);
}

static void worker_event(struct watch *w, u32 events)
{
    struct tunnel *tu = container_of(w, struct tunnel, worker.watch);

    end_event(tu, &tu->worker, events);
}

/* NULL: no memory; fd is closed then. */
static struct tunnel *tunnel_new(struct thread *t, struct listener *l, int client_fd)
{
    struct tunnel *tu = calloc(1, sizeof(*tu));

    if (!tu || loop_watch(t->loop, &tu->client.watch, client_fd, END_EVENTS, client_event) < 0) {
        close(client_fd);
        free(tu);
        return NULL;
    }
    tu->thread = t;
    tu->listener = l;
    atomic_fetch_add(&l->connections, 1);
    tu->client.readable = true;
    list_add(&t->tunnels, &tu->link);
    COUNT(t->proxy->shm->proxy.connections, 1);
    return tu;
}

static void tunnel_start(struct tunnel *tu, int worker_fd)
{
    struct thread *t = tu->thread;

    if (loop_watch(t->loop, &tu->worker.watch, worker_fd, END_EVENTS, worker_event) < 0) {
        close(worker_fd);
        tunnel_close(tu);
        return;
    }
    loop_timer_stop(&tu->timer);
    tu->moved_ns = thread_now(t);
    if (tu->idle_ns)
        loop_timer(t->loop, &tu->timer, tu->moved_ns + tu->idle_ns, idle_look);
    tu->worker.readable = true;
    claim_to_stream(&tu->claim);
    tunnel_pump(tu);
}

void tunnel_upgrade(struct exchange *x)
{
    struct client *c = x->client;
    struct thread *t = c->thread;
    struct upstream *u = TAKE(x->up, NULL);
    struct block *from_client = TAKE(c->in, NULL), *to_client = TAKE(c->out, NULL);
    struct block *from_worker = TAKE(u->in, NULL), *to_worker = TAKE(u->out, NULL);
    struct claim claim;
    struct endpoints_call host;
    struct host_group *group = x->rule->group;
    struct tunnel *tu;
    int worker_fd;
    u32 number = u->number;
    u64 idle_ns = x->rule->is.tunnel_timeout_ns, now_ns;

    if (x->claim.slot)
        COUNT(x->claim.slot->requests, 1);
    now_ns = clock_now_ns();
    access_tell(x, from_client->bytes, now_ns);
    series_count(x, now_ns);
    if (x->span.on)
        span_end(x, from_client->bytes, now_ns);
    claim = TAKE(x->claim, (struct claim){ 0 });
    host = TAKE(x->host, (struct endpoints_call){ 0 });
    worker_fd = upstream_release(u);
    tu = tunnel_new(t, c->listener, client_release(c));
    if (!tu) {
        seats_give(&t->seats, number);
        close(worker_fd);
        claim_release(&claim);
        host_end(&host, group);
        block_give(&t->blocks, &from_client);
        block_give(&t->blocks, &to_client);
        block_give(&t->blocks, &from_worker);
        block_give(&t->blocks, &to_worker);
        return;
    }
    tu->claim = claim;
    tu->host = host;
    tu->group = group;
    tu->number = number;
    tu->idle_ns = idle_ns;
    tu->client.buf = to_worker ? to_worker : from_client;
    tu->client.after = to_worker ? from_client : NULL;
    tu->worker.buf = to_client ? to_client : from_worker;
    tu->worker.after = to_client ? from_worker : NULL;
    tunnel_start(tu, worker_fd);
}

/* ---- raw streams ---- */

static void stream_ask(struct tunnel *tu);

static void stream_connect(struct tunnel *tu)
{
    struct thread *t = tu->thread;
    char text[PEER_TEXT_MAX];
    int fd;

    tu->claim = tu->ticket.claim;
    tu->ticket.claim = (struct claim){ 0 };
    fd = upstream_connect_stream(
        t, &tu->claim, tu->listener->id,
        peer_text(text, &tu->peer, &tu->local, tu->listener->family == AF_INET6));
    if (fd >= 0) {
        COUNT(tu->claim.slot->requests, 1);
        tunnel_start(tu, fd);
        return;
    }
    if (fd == -ECONNREFUSED || fd == -ENOENT)
        thread_worker_gone(t, &tu->claim);
    claim_unused(&tu->claim);
    if (tu->attempts <= EXCHANGE_ATTEMPTS_MAX) {
        stream_ask(tu);
        return;
    }
    COUNT(t->proxy->shm->proxy.refused[SHM_REFUSED_WORKER_DIED], 1);
    tunnel_close(tu);
}

static void stream_given(struct ticket *ticket)
{
    struct tunnel *tu = container_of(ticket, struct tunnel, ticket);

    if (!ticket->shed) {
        stream_connect(tu);
        return;
    }
    COUNT(tu->thread->proxy->shm->proxy.refused[SHM_REFUSED_OVERLOAD], 1);
    tunnel_close(tu);
}

static void stream_waited(struct timer *timer)
{
    struct tunnel *tu = container_of(timer, struct tunnel, timer);

    COUNT(tu->thread->proxy->shm->proxy.refused[SHM_REFUSED_QUEUE_TIME], 1);
    tunnel_close(tu);
}

static void stream_ask(struct tunnel *tu)
{
    struct thread *t = tu->thread;
    const struct rule *rule = listener_door(t->proxy, tu->listener)->rule;
    const struct settings_request *is = &rule->is;
    char ip[ADDR_TEXT_MAX];
    struct queue_want want = {
        .app = tu->listener->app,
        .listener = tu->listener->id,
        .key = hash_str(&t->proxy->hash_key, addr_ip_text(&tu->peer, ip)),
        .ceiling = rule->ceiling,
    };

    tu->is = *is; /* its own: it may wait for longer than the rules live */
    tu->idle_ns = is->tunnel_timeout_ns;
    want.is = &tu->is;
    tu->attempts++;
    switch (queue_ask(t, &tu->ticket, &want, stream_given)) {
    case QUEUE_TAKEN:
        stream_connect(tu);
        break;
    case QUEUE_WAITS:
        thread_queue_watch(t);
        if (is->queue_timeout_ns)
            loop_timer(t->loop, &tu->timer, thread_now(t) + is->queue_timeout_ns, stream_waited);
        break;
    case QUEUE_FULL:
        COUNT(t->proxy->shm->proxy.refused[SHM_REFUSED_QUEUE_FULL], 1);
        tunnel_close(tu);
        break;
    }
}

void tunnel_accept(struct thread *t, struct listener *l, int fd, const struct addr *peer)
{
    struct tunnel *tu = tunnel_new(t, l, fd);

    if (!tu)
        return;
    COUNT(t->proxy->shm->proxy.connections_total, 1);
    tu->peer = *peer;
    tu->local = listener_local(l, fd);
    stream_ask(tu);
}

void tunnel_drain(struct thread *t)
{
    list_each_safe (link, &t->tunnels) {
        struct tunnel *tu = container_of(link, struct tunnel, link);

        if (!tu->worker.watch.loop)
            tunnel_close(tu);
    }
}

/* ---- what they hold ---- */

static u64 held_by(const struct tunnel *tu)
{
    u32 blocks = (tu->client.buf != NULL) + (tu->client.after != NULL) + (tu->worker.buf != NULL) +
                 (tu->worker.after != NULL);

    return blocks * (u64)tu->thread->blocks.block_bytes;
}

static u32 level_of(const struct tunnel *tu, u64 now_ns)
{
    bool takes = tu->client.blocked || tu->worker.blocked;

    return takes && now_ns > tu->moved_ns ? shed_level(now_ns - tu->moved_ns) : 0;
}

void tunnel_weigh(struct thread *t, struct shed *s, u64 now_ns)
{
    list_each_safe (link, &t->tunnels) {
        const struct tunnel *tu = container_of(link, struct tunnel, link);

        s->held[level_of(tu, now_ns)] += held_by(tu);
    }
}

u64 tunnel_shed(struct thread *t, u32 from, u64 *part, u64 now_ns)
{
    u64 freed = 0;

    list_each_safe (link, &t->tunnels) {
        struct tunnel *tu = container_of(link, struct tunnel, link);
        u32 level = level_of(tu, now_ns);
        u64 held = held_by(tu);

        if (level < from || held == 0 || (level == from && *part == 0))
            continue;
        if (level == from)
            *part -= min(*part, held);
        freed += held;
        COUNT(t->proxy->shm->proxy.refused[SHM_REFUSED_BUFFERS], 1);
        tunnel_close(tu);
    }
    return freed;
}
