/* proxy/handover.c -- a request is given to a worker */
#include "proxy/handover.h"

#include "proxy/breaker.h"
#include "proxy/host.h"
#include "proxy/resend.h"
#include "proxy/rewrite.h"

/* Who the client is, as the worker is told. */
struct told {
    struct str peer; /* peer_text() */
    struct str ip;   /* X-Forwarded-For */
    char peer_bytes[PEER_TEXT_MAX], ip_bytes[ADDR_TEXT_MAX];
};

static void client_name(struct exchange *x, struct told *to)
{
    struct client *c = x->client;
    bool is_v6 = c->listener->family == AF_INET6;
    struct addr client;

    if (c->peer.family == AF_UNIX || peer_trusted(&x->door->settings.trust_proxy, &c->peer)) {
        client = exchange_peer(x);
        to->peer = peer_text(to->peer_bytes, &client, &c->local, is_v6);
        to->ip = addr_ip_text(&client, to->ip_bytes);
    } else {
        to->peer = str_make(c->peer_text, c->peer_text_len);
        to->ip = peer_text_ip(to->peer, is_v6 && c->peer.family == AF_INET);
    }
}

static bool head_to_worker(struct exchange *x, struct str client_ip)
{
    struct client *c = x->client;
    struct thread *t = c->thread;
    char id[EXCHANGE_ID_MAX], parent[TRACEPARENT_LEN], room[CACHED_FIELDS_MAX], via[HOST_VIA_MAX];
    struct cached_fields fields;
    bool h2c = x->req.upgrade &&
               str_starts_nocase(http_text(c->in->bytes, x->req.upgrade_value), STR("h2c"));
    struct rewrite_request r = {
        .trusted = peer_trusted(&x->door->settings.trust_proxy, &c->peer),
        .client_ip = client_ip,
        .scheme = STR("http"),
        .chunked = x->req.framing == HTTP_BODY_CHUNKED,
        .stripped = x->prefix.len > 0,
        .prefix = http_text(c->in->bytes, x->prefix),
        .upgrade = x->req.upgrade && !h2c, /* HTTP/2 is not for a worker to agree on */
    };

    if (x->host.to) {
        r.host = x->rule->is.upstream_host;
        r.via = host_via(t->proxy, via);
    }
    if (x->cache_mode) {
        cached_ask_fields(x, &fields, room);
        r.without = fields.without;
        r.more = fields.more;
    }
    r.request_id = exchange_id(x, c->in->bytes, id);
    if (x->span.on) {
        traceparent_text(&x->span.own, parent);
        r.traceparent = str_make(parent, sizeof(parent));
        r.drop_state = !x->span.has_parent || !x->span.state_valid;
    }
    return rewrite_request(x->up->out, c->in->bytes, &x->req, &r);
}

/* Its connection is there, or is made: the head goes first; forward.c does the rest. */
static void send_head(struct exchange *x, struct str client_ip)
{
    x->up->exchange = x;
    exchange_expect_response(x);
    http_body_init(&x->req_body, x->req.framing, x->req.content_length, x->rule->is.max_body_bytes);
    x->req_done = x->req.framing == HTTP_BODY_NONE;
    x->trailers_done = false;
    if (!x->up->out && !(x->up->out = block_take(&x->client->thread->blocks))) {
        exchange_refuse(x, 503, "slow clients hold all buffers", SHM_REFUSED_BUFFERS);
        return;
    }
    if (!head_to_worker(x, client_ip)) {
        exchange_refuse(x, 431, "the head does not fit", SHM_REFUSED_HEAD_LARGE);
        return;
    }
    exchange_client_event(x);
}

/* The claimed worker gets it. */
static void dispatch(struct exchange *x)
{
    struct client *c = x->client;
    struct thread *t = c->thread;
    struct shm_trace_context trace;
    struct told told;
    int error;

    c->state = CLIENT_ACTIVE;
    x->claim = x->ticket.claim;
    x->ticket.claim = (struct claim){ 0 };
    x->times.dispatched_ns = x->claim.slot->dispatched_ns;
    x->loop_idle = atomic_load(&x->claim.slot->loop.waits_since_ns) != 0;
    client_name(x, &told);
    x->up = upstream_get(t, &x->claim, x->listener, told.peer,
                         span_sampled(&x->span) ? span_context(&x->span, &trace) : NULL, &error);
    if (!x->up) {
        if (error == -EAGAIN) { /* its backlog is full: it has not taken a connection for long */
            x->fault = OUTCOME_CONNECT;
            if (resend_after(x, SHM_RETRY_CONNECT, 0))
                return;
            exchange_refuse(x, 503, "the worker takes no more connections", SHM_REFUSED_QUEUE_FULL);
            return;
        }
        if (error == -ECONNREFUSED || error == -ENOENT)
            thread_worker_gone(t, &x->claim);
        exchange_worker_failed(x);
        return;
    }
    atomic_store_explicit(&x->claim.slot->newest_connection, x->up->number, memory_order_relaxed);
    atomic_store_explicit(&x->claim.slot->newest_kind, x->kind.key, memory_order_relaxed);
    send_head(x, told.ip);
}

/* The chosen host gets it. */
static void dispatch_host(struct exchange *x)
{
    struct told told;
    int error = 0;

    x->client->state = CLIENT_ACTIVE;
    x->times.dispatched_ns = x->host.began_ns;
    x->loop_idle = false;
    x->up = host_connection(x, &error);
    if (!x->up) {
        host_unreachable(x, error);
        return;
    }
    client_name(x, &told);
    send_head(x, told.ip);
}

/* Whether the request has gone to a host, or has been answered because there is none: not when
 * the workers of this machine are left for it. */
static bool hosts_ask(struct exchange *x)
{
    if (host_loops(x)) {
        exchange_refuse(x, 508, "the upstream leads back to this fettle", SHM_REFUSED_LOOP);
        return true;
    }
    if (host_choose(x)) {
        queue_leave(&x->ticket);
        dispatch_host(x);
        return true;
    }
    if (x->rule->local)
        return false;
    exchange_refuse(x, 503, "no endpoint of the upstream is up", SHM_REFUSED_NO_ENDPOINT);
    return true;
}

static void given(struct ticket *ticket)
{
    struct exchange *x = container_of(ticket, struct exchange, ticket);
    u64 now_ns = clock_now_ns();

    x->times.queue_ns += now_ns - ticket->queued_ns;
    if (ticket->shed) {
        x->retry_after_s = queue_retry_after_s(ticket);
        exchange_refuse(x, 503, "there are more requests than can be answered just now",
                        SHM_REFUSED_OVERLOAD);
        return;
    }
    dispatch(x);
}

void handover_ask(struct exchange *x)
{
    struct client *c = x->client;
    struct queue_want want = { .app = x->app,
                               .listener = x->listener,
                               .is = &x->rule->is,
                               .key = x->sticky,
                               .avoid = x->avoid,
                               .block_ns = x->kind.block_ns,
                               .loop_ns = x->kind.loop_ns,
                               .ceiling = x->rule->ceiling };

    if (x->req.method == HTTP_GET || x->req.method == HTTP_HEAD)
        want.check = http_text(c->in->bytes, x->req.path);

    if (x->rule->circuit && !breaker_pass(x))
        return;
    if (x->attempts++ == 0)
        retry_budget_request(&c->thread->proxy->budgets[x->app], thread_now(c->thread));
    if (x->rule->group && !x->rule->local) {
        (void)hosts_ask(x);
        return;
    }
    switch (queue_ask(c->thread, &x->ticket, &want, given)) {
    case QUEUE_TAKEN:
        dispatch(x);
        break;
    case QUEUE_WAITS:
        if (x->rule->group && x->ticket.state != TICKET_GIVEN && hosts_ask(x))
            return;
        c->state = CLIENT_QUEUED;
        if (c->hung_up)
            queue_doubt(&x->ticket);
        thread_queue_watch(c->thread);
        break;
    case QUEUE_FULL:
        if (x->rule->group && hosts_ask(x))
            return;
        x->retry_after_s = queue_retry_after_s(&x->ticket);
        exchange_refuse(x, 503, "too many requests wait for a free worker", SHM_REFUSED_QUEUE_FULL);
        break;
    }
}
