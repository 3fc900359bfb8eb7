/* proxy/exchange.c -- the life of one request: asks for a worker, starts, fails, is over
 *
 * forward.c moves its bytes. What may be freed is freed here and in client.c
 * only; after a call that can end the exchange, callers look at nothing of it.
 */
#include "proxy/exchange.h"

#include "base/log.h"
#include "http/write.h"
#include "proxy/access.h"
#include "proxy/peer.h"
#include "proxy/rewrite.h"
#include "proxy/series.h"

#include <endian.h>

enum { EXCHANGE_FREE_MAX = 64 };
/* A client that is slower than this many bytes in a whole time-out counts as stopped. */
#define TICK_BYTES_MIN 2048
#define CLIENT_GONE_NS (2 * NS_PER_S)
/* In logs and metrics only, as nginx counts such requests. */
#define STATUS_CLIENT_GONE 499

static void tick(struct timer *timer);
static void dispatch(struct exchange *x);

struct exchange *exchange_new(struct client *c)
{
    struct thread *t = c->thread;
    struct ruleset *rules = atomic_load(&t->proxy->rules);
    const struct door *door = atomic_load(&rules->door[c->listener->id]);
    const struct settings *s = &door->settings;
    struct http_limits limits = { .line_bytes_max = (u32)s->max_line_bytes + 2,
                                  .head_bytes_max = (u32)s->max_head_bytes,
                                  .fields_max = s->max_fields };
    struct exchange *x = t->exchange_free;
    size_t fields = t->proxy->host.max_fields + t->proxy->fields_max;

    if (x) {
        t->exchange_free = x->next_free;
        t->exchange_free_count--;
    } else {
        x = malloc(sizeof(*x) + fields * sizeof(struct http_field));
        if (!x)
            return NULL;
    }
    memset(x, 0, offsetof(struct exchange, parser));
    x->client = c;
    x->rules = rules;
    x->door = door;
    x->rule = door->rule;
    ruleset_hold(rules, t->index);
    x->app = c->listener->app < rules->apps ? c->listener->app : 0;
    x->listener = c->listener->id;
    x->times.begun_ns = thread_now(t);
    http_parser_init(&x->parser, HTTP_REQUEST, &limits, x->fields, s->max_fields);
    return x;
}

/* Views into the request's head, which stays in client->in until it is over. */
static struct kind_request kind_request(const struct exchange *x)
{
    const char *bytes = x->client->in->bytes;

    return (struct kind_request){
        .method = http_text(bytes, x->req.method_text),
        .path = http_text(bytes, x->req.path),
        .body_bytes = x->req.framing == HTTP_BODY_LENGTH ? x->req.content_length : 0,
    };
}

/* What the worker did with it is known now. */
static void learn(struct exchange *x)
{
    struct thread *t = x->client->thread;
    struct shm_lanes *lanes = &t->proxy->shm->lanes[x->app];
    struct kind_request request = kind_request(x);
    u64 now_ns = clock_now_ns(), block_ns = claim_blocked_ns(&x->claim, now_ns);
    u64 expected_ns;

    if (kind_learn(&t->proxy->kinds[x->app], &x->kind, &request, str_make(x->route, x->route_len),
                   block_ns, now_ns, &expected_ns)) {
        COUNT(lanes->octave_requests[lane_octave(expected_ns)], 1);
        COUNT(lanes->octave_block_ns[lane_octave(expected_ns)], block_ns);
    }
    if (x->claim.slow) {
        COUNT(x->claim.slot->slow_ns, block_ns);
        COUNT(x->claim.slot->slow_turns, block_ns >= LEARN_LONG_TURN_NS);
    }
}

/* Lets go of the worker, for good or before another try. */
static void let_go(struct exchange *x, u64 keep_ns)
{
    bool told = x->up && x->up->sends > 0;

    if (told && x->claim.slot)
        learn(x);
    queue_leave(&x->ticket);
    if (x->up)
        upstream_put(TAKE(x->up, NULL), keep_ns);
    (told ? claim_release : claim_unused)(&x->claim);
}

void exchange_free(struct exchange *x)
{
    struct client *c = x->client;
    struct thread *t = c->thread;

    let_go(x, 0);
    if (x->running) {
        UNCOUNT(t->proxy->shm->proxy.active_requests, 1);
        atomic_fetch_sub(&t->proxy->exchanges, 1);
    }
    ruleset_release(x->rules, t->index);
    c->x = NULL;
    if (t->exchange_free_count >= EXCHANGE_FREE_MAX) {
        free(x);
        return;
    }
    x->next_free = t->exchange_free;
    t->exchange_free = x;
    t->exchange_free_count++;
}

/* Tells all who count: log, series, slow warning. */
static void tell(struct exchange *x)
{
    u64 now_ns = clock_now_ns();

    access_tell(x, x->client->in ? x->client->in->bytes : NULL, now_ns);
    if (x->head_known)
        series_count(x, now_ns);
    if (x->span.on && x->client->in)
        span_end(x, x->client->in->bytes, now_ns);
}

void exchange_refuse(struct exchange *x, u32 status, const char *text, enum shm_refusal reason)
{
    struct client *c = x->client;
    struct thread *t = c->thread;
    AUTO(buf_done) struct buf out = { 0 };
    AUTO(buf_done) struct buf body = { 0 };

    COUNT(t->proxy->shm->proxy.refused[reason], 1);
    if (x->res_begun) { /* too late for another answer: the client must see that this one broke off
                         */
        tell(x);
        client_close(c);
        return;
    }
    x->status = status;
    buf_addf(&body, "%u %.*s: %s\n", status, STR_ARG(http_status_reason(status)), text);
    http_write_simple(&out, status, status == 503 ? STR("retry-after: 1\r\n") : STR(""),
                      STR("text/plain; charset=utf-8"), buf_str(&body), false,
                      x->head_known && x->req.method == HTTP_HEAD);
    x->res_begun = true;
    x->sent_bytes = out.len;
    tell(x);
    let_go(x, 0);
    if (!c->out)
        c->out = block_take(&t->blocks);
    if (out.failed || body.failed || !c->out || !block_add(c->out, buf_str(&out)))
        client_close(c);
    else
        client_finish(c);
}

void exchange_abandoned(struct exchange *x)
{
    if (!x->res_begun)
        x->status = STATUS_CLIENT_GONE;
    tell(x);
    client_close(x->client);
}

void exchange_over(struct exchange *x)
{
    struct client *c = x->client;
    struct upstream *u = x->up;
    struct shm_slot *slot = x->claim.slot;
    u64 keep_ns = 0;

    if (u && x->res.keep_alive && x->req_done && !u->hung_up) {
        keep_ns = slot && slot->state == SHM_READY ? x->worker_keep_ns : 0;
    }
    if (slot) {
        COUNT(slot->requests, 1);
        COUNT(slot->slow_requests, x->claim.slow);
    }
    if (!x->req_done)
        x->keep = false;
    tell(x);
    let_go(x, keep_ns);
    client_next(c);
}

/* ---- before a worker ---- */

static u64 sticky_key(struct exchange *x)
{
    struct client *c = x->client;
    struct proxy *p = c->thread->proxy;
    struct str key = { 0 };
    char text[ADDR_TEXT_MAX];

    switch (x->rule->is.balance.by) {
    case SETTINGS_BALANCE_IDLE_FIRST:
    case SETTINGS_BALANCE_LEAST_CONN:
    case SETTINGS_BALANCE_ROUND_ROBIN:
        return 0;
    case SETTINGS_BALANCE_HASH_COOKIE:
        key = rewrite_cookie(c->in->bytes, &x->req, x->rule->is.balance.key);
        break;
    case SETTINGS_BALANCE_HASH_HEADER:
        key = rewrite_field(c->in->bytes, &x->req, x->rule->is.balance.key);
        break;
    case SETTINGS_BALANCE_HASH_IP:
        break;
    }
    if (key.len == 0) { /* no such cookie or header (yet): the address then */
        struct addr client = exchange_peer(x);

        key = addr_ip_text(&client, text);
    }
    return hash_str(&p->hash_key, key);
}

struct addr exchange_peer(struct exchange *x)
{
    struct client *c = x->client;
    const struct settings *s = &x->door->settings;
    AUTO(buf_done) struct buf all = { 0 };
    struct http_field *f = NULL;

    if (!peer_trusted(&s->trust_proxy, &c->peer))
        return c->peer;
    while ((f = http_field_next(&x->req, HTTP_X_FORWARDED_FOR, f)) != NULL) {
        if (all.len)
            buf_addc(&all, ',');
        buf_add(&all, http_text(c->in->bytes, f->value));
    }
    return peer_client(&s->trust_proxy, &c->peer, buf_str(&all));
}

static void given(struct ticket *ticket)
{
    struct exchange *x = container_of(ticket, struct exchange, ticket);
    u64 now_ns = clock_now_ns();

    x->times.queue_ns += now_ns - ticket->queued_ns;
    dispatch(x);
}

/* Asks for a worker; goes on at once or when there is one. */
static void ask(struct exchange *x)
{
    struct client *c = x->client;
    struct queue_want want = { .app = x->app,
                               .listener = x->listener,
                               .is = &x->rule->is,
                               .key = x->sticky,
                               .block_ns = x->kind.block_ns };

    x->attempts++;
    switch (queue_ask(c->thread, &x->ticket, &want, given)) {
    case QUEUE_TAKEN:
        dispatch(x);
        break;
    case QUEUE_WAITS:
        c->state = CLIENT_QUEUED;
        if (c->hung_up)
            queue_doubt(&x->ticket);
        thread_queue_watch(c->thread);
        break;
    case QUEUE_FULL:
        exchange_refuse(x, 503, "too many requests wait for a free worker", SHM_REFUSED_QUEUE_FULL);
        break;
    }
}

/* Takes the prefix off: what is left begins with a slash, or is nothing, or a query. */
static void strip(struct exchange *x, const struct router_route *route)
{
    x->prefix = (struct http_span){ x->req.path.at, (u32)route->path.len };
    x->req.path.at += x->prefix.len;
    x->req.path.len -= x->prefix.len;
}

static void refuse_ambiguous(struct exchange *x)
{
    exchange_refuse(x, 400, "the path can be read in two ways", SHM_REFUSED_BAD_REQUEST);
}

/* Which app it is for, at an address that leads to several. False: it has been answered. */
static bool route(struct exchange *x, const struct rule_way **way)
{
    struct client *c = x->client;
    struct proxy *p = c->thread->proxy;
    const char *bytes = c->in->bytes;
    const struct router_route *found = NULL;
    enum router_verdict v = router_find(x->door->router, http_text(bytes, x->req.authority),
                                        http_text(bytes, x->req.path), &found);

    x->is_nobodys = v != ROUTER_FOUND;
    if (v == ROUTER_AMBIGUOUS) {
        refuse_ambiguous(x);
        return false;
    }
    if (v == ROUTER_NOBODY) {
        exchange_refuse(x, 404, "no app has this host and path", SHM_REFUSED_NO_ROUTE);
        return false;
    }
    if (found->app < x->rules->apps)
        x->listener = atomic_load(&p->app_listener[x->app = found->app]);
    if (found->app >= x->rules->apps || x->listener >= SHM_LISTENERS_MAX) {
        exchange_refuse(x, 503, "the app does not listen", SHM_REFUSED_NO_WORKER);
        return false;
    }
    if (found->strip && found->path.len)
        strip(x, found);
    *way = &x->door->way[found->index];
    return true;
}

/* Whose it is, and what holds for it. False: it has been answered. */
static bool rule_find(struct exchange *x)
{
    const char *bytes = x->client->in->bytes;
    const struct rule_way *way = &x->door->way[0];

    if (x->door->router && !route(x, &way))
        return false;
    if (ruleset_rule(way, http_text(bytes, x->req.authority), http_text(bytes, x->req.path),
                     &x->rule) != ROUTER_AMBIGUOUS)
        return true;
    refuse_ambiguous(x);
    return false;
}

void exchange_start(struct exchange *x)
{
    struct client *c = x->client;
    struct thread *t = c->thread;

    x->head_known = true;
    x->running = true;
    x->replayable = true;
    x->keep = x->req.keep_alive;
    atomic_fetch_add(&t->proxy->exchanges, 1);
    COUNT(t->proxy->shm->proxy.active_requests, 1);
    c->in->at = x->req.head_bytes;
    x->request_id[0] = t->id_key ^ (t->id_next >> 7) * 0x9e3779b97f4a7c15ull;
    x->request_id[1] = (t->id_key * 0xbf58476d1ce4e5b9ull) ^ (t->id_next++ * 0x94d049bb133111ebull);
    if (x->door->traced)
        span_begin(x);
    if (!rule_find(x))
        return;
    if (x->span.on)
        span_decide(x);
    if (x->rule->is.max_body_bytes && x->req.framing == HTTP_BODY_LENGTH &&
        x->req.content_length > x->rule->is.max_body_bytes) {
        exchange_refuse(x, 413, "the body is larger than --max-body allows",
                        SHM_REFUSED_BODY_LARGE);
        return;
    }
    x->sticky = sticky_key(x);
    struct kind_request request = kind_request(x);
    kind_of(&t->proxy->kinds[x->app], &t->kind_cache, &request, &x->kind);
    loop_timer(t->loop, &c->timer, thread_now(t) + x->rules->tick_ns, tick);
    ask(x);
}

/* ---- with a worker ---- */

/* The eight hexadecimal digits of n, all at once: a byte of x for each, the first one lowest. */
static void hex_put(char out[8], u32 n)
{
    u64 x = __builtin_bswap32(n), letters;

    x = (x | x << 16) & 0x0000ffff0000ffffull;
    x = (x | x << 8) & 0x00ff00ff00ff00ffull;
    x = (x >> 4 | x << 8) & 0x0f0f0f0f0f0f0f0full;
    letters = (x + 0x0606060606060606ull) >> 4 & 0x0101010101010101ull;
    x += 0x3030303030303030ull + letters * ('a' - '0' - 10);
    x = htole64(x);
    memcpy(out, &x, 8);
}

struct str exchange_id(struct exchange *x, const char *bytes, char out[EXCHANGE_ID_MAX])
{
    struct client *c = x->client;
    struct http_field *f = NULL;

    if (bytes && x->head_known && peer_trusted(&x->door->settings.trust_proxy, &c->peer))
        f = http_field_find(&x->req, HTTP_X_REQUEST_ID);
    if (f && f->value.len)
        return http_text(bytes, f->value);
    if (x->request_id[0] == 0)
        return STR("-");
    for (int i = 0; i < 4; i++)
        hex_put(out + i * 8, (u32)(x->request_id[i / 2] >> (i % 2 ? 0 : 32)));
    return str_make(out, 32);
}

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
    char id[EXCHANGE_ID_MAX], parent[TRACEPARENT_LEN];
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

    r.request_id = exchange_id(x, c->in->bytes, id);
    if (x->span.on) {
        traceparent_text(&x->span.own, parent);
        r.traceparent = str_make(parent, sizeof(parent));
        r.drop_state = !x->span.has_parent || !x->span.state_valid;
    }
    if (!x->up->out && !(x->up->out = block_take(&t->blocks)))
        return false;
    return rewrite_request(x->up->out, c->in->bytes, &x->req, &r);
}

void exchange_expect_response(struct exchange *x)
{
    struct proxy *p = x->client->thread->proxy;
    u32 bytes_max = x->client->thread->blocks.block_bytes;
    struct http_limits limits = { bytes_max, bytes_max, p->fields_max };

    http_parser_init(&x->parser, HTTP_RESPONSE, &limits, x->fields + p->host.max_fields,
                     p->fields_max);
}

/* The claimed worker gets the head; forward.c does the rest. */
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
            exchange_refuse(x, 503, "the worker takes no more connections", SHM_REFUSED_QUEUE_FULL);
            return;
        }
        if (error == -ECONNREFUSED || error == -ENOENT)
            atomic_store(&t->proxy->gone[x->claim.slot - t->proxy->shm->slot], x->claim.generation);
        exchange_worker_failed(x);
        return;
    }
    atomic_store_explicit(&x->claim.slot->newest_connection, x->up->number, memory_order_relaxed);
    atomic_store_explicit(&x->claim.slot->newest_kind, x->kind.key, memory_order_relaxed);
    x->up->exchange = x;
    exchange_expect_response(x);
    http_body_init(&x->req_body, x->req.framing, x->req.content_length, x->rule->is.max_body_bytes);
    x->req_done = x->req.framing == HTTP_BODY_NONE;
    x->trailers_done = false;
    if (!head_to_worker(x, told.ip)) {
        exchange_refuse(x, 431, "the head does not fit", SHM_REFUSED_HEAD_LARGE);
        return;
    }
    exchange_client_event(x);
}

/* Whether the claimed process is replaced for its blocked loop: what is inside it may be what
 * blocks, and must not be passed on to the next victim. */
static bool worker_blocked(struct proxy *p, const struct claim *claim)
{
    u32 i = claim->slot ? (u32)(claim->slot - p->shm->slot) : 0;

    return claim->slot &&
           (atomic_load(&p->blocked[i]) == claim->generation ||
            (claim->slot->generation == claim->generation && claim->slot->state == SHM_BLOCKED));
}

/* The worker is gone, or its connection is, before its answer was whole. */
void exchange_worker_failed(struct exchange *x)
{
    struct client *c = x->client;
    struct thread *t = c->thread;
    struct shm_slot *slot = x->claim.slot;
    bool blocked = worker_blocked(t->proxy, &x->claim);
    /* What the worker has not seen may go to another, whatever its method is. */
    bool again = x->up == NULL || upstream_unread(x->up) || http_method_idempotent(x->req.method);

    if (x->res_begun) {
        if (slot)
            COUNT(slot->failures, 1);
        tell(x);
        client_close(c); /* the client sees that the response broke off */
        return;
    }
    if (again && x->replayable && !blocked && x->attempts < EXCHANGE_ATTEMPTS_MAX + !x->up) {
        COUNT(t->proxy->shm->proxy.retries, 1);
        if (x->up)
            upstream_drop(t, x->up->slot);
        let_go(x, 0);
        c->in->at = x->req.head_bytes;
        ask(x);
        return;
    }
    if (slot)
        COUNT(slot->failures, 1);
    exchange_refuse(x, 502,
                    blocked ? "the worker was blocked and has been replaced"
                            : "the worker ended before it answered",
                    SHM_REFUSED_WORKER_DIED);
}

/* ---- time ---- */

/* Whether the client has moved fewer than TICK_BYTES_MIN bytes since *since_ns although it was its
 * turn all the time. */
static bool stalled(u64 *since_ns, u64 *mark, u64 bytes, bool its_turn, u64 now_ns, u64 limit_ns)
{
    if (!its_turn || limit_ns == 0 || *since_ns == 0 || bytes - *mark >= TICK_BYTES_MIN) {
        *since_ns = its_turn ? now_ns : 0;
        *mark = bytes;
        return false;
    }
    return now_ns - *since_ns >= limit_ns;
}

/* The client has shut down its sending side. Either it has nothing more to say and waits for its
 * answer, or it has gone; only bytes sent to it would tell (by a reset). When there have been none
 * for CLIENT_GONE_NS, it counts as gone, so that the app hears of it: bare Node does not wait at
 * all. */
static bool gone(struct exchange *x, u64 now_ns)
{
    if (!x->client->hung_up || x->client->state != CLIENT_ACTIVE)
        return false;
    if (x->quiet_since_ns == 0 || x->quiet_out_bytes != x->out_bytes) {
        x->quiet_since_ns = now_ns;
        x->quiet_out_bytes = x->out_bytes;
    }
    return now_ns - x->quiet_since_ns >= CLIENT_GONE_NS;
}

static void tick(struct timer *timer)
{
    struct client *c = container_of(timer, struct client, timer);
    struct exchange *x = c->x;
    struct thread *t = c->thread;
    const struct settings_request *s = &x->rule->is;
    u64 now_ns = thread_now(t);
    bool takes = c->state == CLIENT_ACTIVE && (block_len(c->out) > 0 || c->pipe);
    bool gives = c->state == CLIENT_ACTIVE && !x->req_done && !takes && !c->ended &&
                 !(x->up && (block_len(x->up->out) > 0 || x->up->pipe));

    loop_timer(t->loop, timer, now_ns + x->rules->tick_ns, tick);
    if (c->state == CLIENT_QUEUED && s->queue_timeout_ns && x->ticket.queued_ns &&
        now_ns > x->ticket.queued_ns + s->queue_timeout_ns) {
        exchange_refuse(x, 503, "no worker became free in time", SHM_REFUSED_QUEUE_TIME);
    } else if (gone(x, now_ns)) {
        exchange_abandoned(x);
    } else if (stalled(&x->stalled_out_ns, &x->tick_out_bytes, x->out_bytes, takes, now_ns,
                       s->write_timeout_ns)) {
        COUNT(t->proxy->shm->proxy.refused[SHM_REFUSED_TIMEOUT], 1);
        exchange_abandoned(x);
    } else if (stalled(&x->stalled_in_ns, &x->tick_in_bytes, x->in_bytes, gives, now_ns,
                       s->body_timeout_ns)) {
        exchange_refuse(x, 408, "the request's body took too long", SHM_REFUSED_TIMEOUT);
    } else if (s->upstream_timeout_ns && c->state == CLIENT_ACTIVE && !x->res_begun &&
               x->req_done && now_ns > x->times.dispatched_ns + s->upstream_timeout_ns) {
        if (x->claim.slot)
            COUNT(x->claim.slot->failures, 1);
        exchange_refuse(x, 504, "the worker did not answer in time", SHM_REFUSED_WORKER_SLOW);
    }
}
