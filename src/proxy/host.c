/* proxy/host.c -- a request is given to an endpoint of a group instead of to a worker */
#include "proxy/host.h"

#include "base/log.h"
#include "base/random.h"
#include "proxy/resend.h"

#include <netinet/tcp.h>

enum { CONNECT_EVENTS = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET };

/* What rests, of one group, in one thread. */
struct host_pool {
    struct list resting[ENDPOINTS_MAX];
    u32 count[ENDPOINTS_MAX];
};

static u32 group_index(const struct proxy *p, const struct host_group *g)
{
    return (u32)(g->endpoints.shm - p->shm->upstream);
}

/* NULL: it has none yet, and there is no memory for one. */
static struct host_pool *pool_of(struct thread *t, const struct host_group *g)
{
    struct host_pool **pool = &t->host_pool[group_index(t->proxy, g)];

    if (!*pool && (*pool = calloc(1, sizeof(**pool))) != NULL)
        for (u32 i = 0; i < ENDPOINTS_MAX; i++)
            list_init(&(*pool)->resting[i]);
    return *pool;
}

static bool is_leaving(const struct upstream *u)
{
    return u->epoch != u->endpoint->epoch ||
           atomic_load(&u->endpoint->shm->state) == SHM_ENDPOINT_LEAVING;
}

/* ---- who gets it ---- */

struct str host_via(const struct proxy *p, char out[HOST_VIA_MAX])
{
    int len = snprintf(out, HOST_VIA_MAX, "1.1 fettle-%08x", p->name_random);

    return str_make(out, (size_t)len);
}

bool host_loops(struct exchange *x)
{
    const char *bytes = x->client->in->bytes;
    char out[HOST_VIA_MAX];
    struct str us = host_via(x->client->thread->proxy, out);
    struct http_field *f = NULL;

    if (!(x->req.names >> HTTP_VIA & 1))
        return false;
    while ((f = http_field_next(&x->req, HTTP_VIA, f)) != NULL) {
        struct str rest = http_text(bytes, f->value);

        while (rest.ptr)
            if (str_eq(str_trim(str_cut(rest, ',', &rest)), us))
                return true;
    }
    return false;
}

bool host_choose(struct exchange *x)
{
    struct thread *t = x->client->thread;
    struct random random = { .state = t->id_key ^ t->id_next++ };
    struct endpoints_want want = { .rules = &x->rule->endpoints,
                                   .tried = x->tried,
                                   .key = x->sticky,
                                   .random = random_u64(&random),
                                   .now_ns = clock_now_ns() };

    x->fault = 0;
    x->answered = 0;
    return endpoints_choose(&x->rule->group->endpoints, &want, &x->host);
}

bool host_has_other(const struct exchange *x)
{
    const struct endpoints *g = &x->rule->group->endpoints;

    for (u32 i = 0; i < atomic_load(&g->n); i++)
        if (!(x->tried >> i & 1) && atomic_load(&g->of[i].shm->state) == SHM_ENDPOINT_UP)
            return true;
    return false;
}

/* ---- what became of it ---- */

void host_answered(struct exchange *x, const char *bytes)
{
    struct http_field *f = http_field_find(&x->res, HTTP_FETTLE_LOAD);
    struct load_report load;
    u64 now_ns = clock_now_ns();

    if (f && load_report_parse(http_text(bytes, f->value), &load))
        endpoints_reported(x->host.to, &load, now_ns);
    x->answered = x->res.status;
    x->host_first_ns = now_ns > x->host.began_ns ? now_ns - x->host.began_ns : 1;
}

static enum shm_endpoint_result result_of(const struct exchange *x)
{
    if (x->fault & OUTCOME_CONNECT)
        return SHM_ENDPOINT_CONNECT;
    if (x->fault & OUTCOME_RESET)
        return SHM_ENDPOINT_RESET;
    if (x->fault & OUTCOME_TIMEOUT)
        return SHM_ENDPOINT_TIMEOUT;
    if (x->answered >= 500)
        return SHM_ENDPOINT_ERROR;
    return x->answered ? SHM_ENDPOINT_OK : SHM_ENDPOINT_UNKNOWN;
}

void host_over(struct exchange *x)
{
    struct proxy *p = x->client->thread->proxy;
    struct host_group *g = x->rule->group;
    struct upstream_endpoint *e = x->host.to;
    u64 now_ns = clock_now_ns();

    if (x->up)
        COUNT(e->shm->sent_bytes, x->up->sent_bytes - x->up->began);
    COUNT(e->shm->received_bytes, x->answered ? x->sent_bytes : 0);
    hosts_change_log(p, g, e,
                     endpoints_ended(&g->endpoints, &x->host, &x->rule->endpoints, result_of(x),
                                     x->answered ? x->host_first_ns : 0, now_ns),
                     now_ns);
}

u64 host_keep_ns(const struct exchange *x)
{
    return x->rule->is.upstream_keepalive
               ? min(x->worker_keep_ns, x->rule->is.upstream_idle_timeout_ns)
               : 0;
}

void host_unreachable(struct exchange *x, int error)
{
    bool late = error == -ETIMEDOUT;

    x->fault = OUTCOME_CONNECT;
    if (resend_after(x, SHM_RETRY_CONNECT, 0))
        return;
    exchange_refuse(x, late ? 504 : 502,
                    late ? "the upstream did not take a connection in time"
                         : "the upstream cannot be connected to",
                    SHM_REFUSED_UNREACHABLE);
}

/* ---- connections ---- */

static void connect_over(struct timer *timer)
{
    struct upstream *u = container_of(timer, struct upstream, timer);

    if (u->exchange)
        host_unreachable(u->exchange, -ETIMEDOUT);
}

/* From now on it is as any other. */
static void connected(struct upstream *u)
{
    u->blocked = false;
    loop_timer_stop(&u->timer);
    u->watch.fn = upstream_event;
    upstream_watch(u);
}

static void connect_event(struct watch *w, u32 events)
{
    struct upstream *u = container_of(w, struct upstream, watch);
    int error = 0;
    socklen_t len = sizeof(error);

    if (!(events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) || !u->exchange)
        return;
    if (getsockopt(w->fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
        error = errno;
    if (error) {
        host_unreachable(u->exchange, -error);
        return;
    }
    connected(u);
    exchange_upstream_event(u->exchange);
}

/* A socket that connects or is connected; *waits: not yet. */
static int socket_connect(const struct addr *to, bool *waits)
{
    int one = 1, idle_s = 60, every_s = 15, tries = 4;
    struct sockaddr_storage sa;
    socklen_t len = addr_sockaddr(to, &sa);
    AUTO(fd_closep) int fd = socket(to->family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -errno;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof(idle_s));
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &every_s, sizeof(every_s));
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &tries, sizeof(tries));
    *waits = false;
    if (connect(fd, (struct sockaddr *)&sa, len) < 0) {
        if (errno != EINPROGRESS && errno != EINTR)
            return -errno;
        *waits = true;
    }
    return TAKE(fd, -1);
}

static struct upstream *connection_new(struct exchange *x, int *error)
{
    struct thread *t = x->client->thread;
    struct upstream_endpoint *e = x->host.to;
    bool waits = false;
    AUTO(fd_closep) int fd = socket_connect(&e->addr, &waits);
    struct upstream *u = fd < 0 ? NULL : calloc(1, sizeof(*u));

    *error = fd < 0 ? fd : -ENOMEM;
    if (!u)
        return NULL;
    u->thread = t;
    u->group = x->rule->group;
    u->endpoint = e;
    u->epoch = e->epoch;
    list_init(&u->link);
    *error = loop_watch(t->loop, &u->watch, fd, CONNECT_EVENTS, connect_event);
    if (*error < 0) {
        free(u);
        return NULL;
    }
    fd = -1;
    u->blocked = waits;
    if (waits)
        loop_timer(t->loop, &u->timer, clock_now_ns() + x->rule->is.connect_timeout_ns,
                   connect_over);
    else
        connected(u);
    atomic_fetch_add(&e->shm->connections, 1);
    COUNT(e->shm->connected, 1);
    return u;
}

/* Whether nothing has come on it, neither bytes nor the end, while it rested. */
static bool is_quiet(const struct upstream *u)
{
    char byte;

    return recv(u->watch.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

/* The one that rested last and can still be used. */
static struct upstream *resting_take(struct thread *t, struct host_group *g,
                                     const struct upstream_endpoint *e)
{
    struct host_pool *pool = pool_of(t, g);
    u32 i = endpoints_index(&g->endpoints, e);

    while (pool && !list_empty(&pool->resting[i])) {
        struct upstream *u = list_first(&pool->resting[i], struct upstream, link);

        if (u->epoch == e->epoch && is_quiet(u)) {
            host_unrest(u);
            return u;
        }
        upstream_close(u);
    }
    return NULL;
}

struct upstream *host_connection(struct exchange *x, int *error)
{
    struct upstream *u = resting_take(x->client->thread, x->rule->group, x->host.to);

    if (u)
        COUNT(x->host.to->shm->reused, 1);
    else
        u = connection_new(x, error);
    if (u) {
        u->sends = 0;
        u->began = u->sent_bytes;
    }
    return u;
}

bool host_rest(struct upstream *u, u32 most)
{
    struct host_pool *pool = pool_of(u->thread, u->group);
    u32 i = endpoints_index(&u->group->endpoints, u->endpoint);

    if (!pool || pool->count[i] >= most || is_leaving(u))
        return false;
    pool->count[i]++;
    list_add_first(&pool->resting[i], &u->link);
    return true;
}

void host_unrest(struct upstream *u)
{
    struct host_pool *pool = pool_of(u->thread, u->group);

    list_del(&u->link);
    if (pool)
        pool->count[endpoints_index(&u->group->endpoints, u->endpoint)]--;
}

void host_drop(struct thread *t, struct host_group *g, const struct upstream_endpoint *e)
{
    struct host_pool *pool = pool_of(t, g);
    u32 i = endpoints_index(&g->endpoints, e);

    if (pool)
        list_each_safe (link, &pool->resting[i])
            upstream_close(container_of(link, struct upstream, link));
}

void host_prune(struct thread *t)
{
    for (u32 i = 0; i < SHM_UPSTREAMS_MAX; i++)
        for (u32 k = 0; t->host_pool[i] && k < ENDPOINTS_MAX; k++)
            list_each_safe (link, &t->host_pool[i]->resting[k]) {
                struct upstream *u = container_of(link, struct upstream, link);

                if (is_leaving(u))
                    upstream_close(u);
            }
}
