/* proxy/exchange.c -- the life of one request: begins, fails, is refused, is over
 *
 * admission.c lets it in, handover.c gives it to a worker, forward.c moves its bytes, response.c
 * sees the head of the answer, overdue.c the clock. What may be freed is freed here and in client.c
 * only; after a call that can end the exchange, callers look at nothing of it.
 */
#include "proxy/exchange.h"

#include "http/write.h"
#include "proxy/access.h"
#include "proxy/breaker.h"
#include "proxy/host.h"
#include "proxy/peer.h"
#include "proxy/resend.h"
#include "proxy/series.h"

#include <endian.h>

enum { EXCHANGE_FREE_MAX = 64 };
/* In logs and metrics only, as nginx counts such requests. */
#define STATUS_CLIENT_GONE 499

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

struct kind_request exchange_kind_request(const struct exchange *x)
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
    struct kind_request request = exchange_kind_request(x);
    u64 now_ns = clock_now_ns(), block_ns = claim_blocked_ns(&x->claim, now_ns);
    u64 expected_ns;

    const struct kind_outcome outcome = { .route = str_make(x->route, x->route_len),
                                          .block_ns = block_ns,
                                          .loop_ns = x->loop_ns };

    if (kind_learn(&t->proxy->kinds[x->app], &x->kind, &request, &outcome, now_ns, &expected_ns)) {
        COUNT(lanes->octave_requests[lane_octave(expected_ns)], 1);
        COUNT(lanes->octave_block_ns[lane_octave(expected_ns)], block_ns);
    }
    if (x->claim.slow) {
        COUNT(x->claim.slot->slow_ns, block_ns);
        COUNT(x->claim.slot->slow_turns, block_ns >= LEARN_LONG_TURN_NS);
    }
}

void exchange_let_go(struct exchange *x, u64 keep_ns)
{
    bool told = x->up && x->up->sends > 0;

    breaker_over(x);
    if (told && x->claim.slot)
        learn(x);
    queue_leave(&x->ticket);
    if (x->host.to)
        host_over(x);
    if (x->up)
        upstream_put(TAKE(x->up, NULL), keep_ns, x->rule->is.upstream_keepalive);
    (told ? claim_release : claim_unused)(&x->claim);
    queue_room(x->client->thread);
}

void exchange_free(struct exchange *x)
{
    struct client *c = x->client;
    struct thread *t = c->thread;

    if (x->cache_mode)
        cached_done(x);
    if (x->shared_state)
        sharedlimit_done(x);
    exchange_let_go(x, 0);
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

/* It is over, one way or the other: tells all who count. Called once for each exchange that was
 * answered or broke off, before its worker is let go. */
static void tell(struct exchange *x)
{
    u64 now_ns = clock_now_ns();

    if (x->client->internal) /* nobody has asked for it */
        return;
    if (x->cache_mode)
        cached_tell(x);
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
    AUTO(buf_done) struct buf fields = { 0 };

    if (status >= 500 && x->cache_mode && cached_stale(x))
        return;
    COUNT(t->proxy->shm->proxy.refused[reason], 1);
    x->refusal = (u8)(reason + 1);
    if (x->res_begun) { /* too late for another answer: the client must see that this one broke off
                         */
        tell(x);
        client_close(c);
        return;
    }
    x->status = status;
    buf_addf(&body, "%u %.*s: %s\n", status, STR_ARG(http_status_reason(status)), text);
    if (status == 503)
        buf_addf(&fields, "retry-after: %u\r\n", max(x->retry_after_s, 1u));
    http_write_simple(&out, status, buf_str(&fields), STR("text/plain; charset=utf-8"),
                      buf_str(&body), false, x->head_known && x->req.method == HTTP_HEAD);
    x->res_begun = true;
    x->sent_bytes = out.len;
    tell(x);
    exchange_let_go(x, 0);
    if (!c->out)
        c->out = block_take(&t->blocks);
    if (out.failed || body.failed || fields.failed || !c->out || !block_add(c->out, buf_str(&out)))
        client_close(c);
    else
        client_finish(c);
}

void exchange_answer(struct exchange *x, const struct exchange_answer *a)
{
    struct client *c = x->client;
    struct thread *t = c->thread;
    AUTO(buf_done) struct buf out = { 0 };

    COUNT(t->proxy->shm->proxy.refused[a->reason], 1);
    x->refusal = (u8)(a->reason + 1);
    x->status = a->status;
    x->req_done = x->req.framing == HTTP_BODY_NONE;
    x->keep = x->keep && x->req_done && !atomic_load(&t->proxy->draining);
    http_write_simple(&out, a->status, a->fields, a->content_type, a->body, x->keep,
                      x->req.method == HTTP_HEAD);
    x->res_begun = true;
    x->res_done = true;
    x->sent_bytes = out.len;
    c->state = CLIENT_ACTIVE;
    if (!c->out)
        c->out = block_take(&t->blocks);
    if (out.failed || !c->out || !block_add(c->out, buf_str(&out)))
        exchange_abandoned(x);
    else
        exchange_answer_more(x);
}

void exchange_answer_more(struct exchange *x)
{
    int r = client_flush(x->client);

    if (r == 0)
        exchange_over(x);
    else if (r != -EAGAIN)
        exchange_abandoned(x);
}

void exchange_abandoned(struct exchange *x)
{
    if (!x->res_begun)
        x->status = STATUS_CLIENT_GONE;
    tell(x);
    client_close(x->client);
}

void exchange_release(struct exchange *x, bool whole)
{
    struct upstream *u = x->up;
    struct shm_slot *slot = x->claim.slot;
    u64 keep_ns = 0;

    if (whole && u && x->res.keep_alive && x->req_done && !u->hung_up) {
        if (slot)
            keep_ns = slot->state == SHM_READY ? x->worker_keep_ns : 0;
        else if (x->host.to)
            keep_ns = host_keep_ns(x);
    }
    if (slot) {
        COUNT(slot->requests, 1);
        COUNT(slot->slow_requests, x->claim.slow);
    }
    exchange_let_go(x, keep_ns);
}

void exchange_over(struct exchange *x)
{
    struct client *c = x->client;

    if (!x->req_done)
        x->keep = false;
    tell(x);
    exchange_release(x, true);
    client_next(c);
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

void exchange_expect_response(struct exchange *x)
{
    struct proxy *p = x->client->thread->proxy;
    u32 bytes_max = x->client->thread->blocks.block_bytes;
    struct http_limits limits = { bytes_max, bytes_max, p->fields_max };

    http_parser_init(&x->parser, HTTP_RESPONSE, &limits, x->fields + p->host.max_fields,
                     p->fields_max);
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
    struct shm_slot *slot = x->claim.slot;
    bool blocked = worker_blocked(c->thread->proxy, &x->claim);
    bool unread = x->up == NULL || upstream_unread(x->up);
    /* A host's connection that had rested was about to be closed, most likely. */
    bool stale = x->host.to && x->up && x->up->used && !x->answered;

    x->fault = unread || stale ? 0 : OUTCOME_RESET; /* what has not begun has not failed */
    if (x->res_begun) {
        if (slot)
            COUNT(slot->failures, 1);
        tell(x);
        client_close(c); /* the client sees that the response broke off */
        return;
    }
    if (!blocked && resend_after(x, unread ? SHM_RETRY_UNREAD : SHM_RETRY_RESET, 0))
        return;
    if (slot)
        COUNT(slot->failures, 1);
    exchange_refuse(x, 502,
                    x->host.to ? "the upstream closed its connection before it answered"
                    : blocked  ? "the worker was blocked and has been replaced"
                               : "the worker ended before it answered",
                    x->host.to ? SHM_REFUSED_UPSTREAM : SHM_REFUSED_WORKER_DIED);
}
