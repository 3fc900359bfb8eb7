/* proxy/span.c -- the server span of a request */
#include "proxy/span.h"

#include "proxy/exchange.h"

#include <endian.h>

enum { SAMPLE_ALL = 100000 }; /* thousandths of a per cent */
/* The part of an id that is random, whoever made it: W3C Trace Context Level 2, section 3.2.2.3. */
#define MASK ((1ull << 56) - 1)

/* All values of tracestate, as one: a view of the head, or of `room`. */
static struct str state_of(struct exchange *x, const char *bytes, char room[TRACESTATE_MAX])
{
    struct http_field *f = http_field_find(&x->req, HTTP_TRACESTATE), *more;
    size_t len = 0;

    if (!f)
        return (struct str){ 0 };
    more = http_field_next(&x->req, HTTP_TRACESTATE, f);
    if (!more)
        return http_text(bytes, f->value);
    for (; f; f = http_field_next(&x->req, HTTP_TRACESTATE, f)) {
        if (f->value.len + 1 > TRACESTATE_MAX - len)
            return (struct str){ 0 };
        if (len)
            room[len++] = ',';
        memcpy(room + len, bytes + f->value.at, f->value.len);
        len += f->value.len;
    }
    return str_make(room, len);
}

/* The trace of the client, if it is one that we continue. */
static bool parent_take(struct exchange *x, const char *bytes)
{
    const struct settings *s = &x->door->settings;
    struct http_field *f = http_field_find(&x->req, HTTP_TRACEPARENT);
    struct span *span = &x->span;
    char room[TRACESTATE_MAX];

    if (!f || s->trace_parent == SETTINGS_PARENT_NONE ||
        http_field_next(&x->req, HTTP_TRACEPARENT, f) ||
        (s->trace_parent == SETTINGS_PARENT_TRUSTED &&
         !peer_trusted(&s->trust_proxy, &x->client->peer)) ||
        !traceparent_parse(http_text(bytes, f->value), &span->own))
        return false;
    memcpy(span->parent, span->own.span, sizeof(span->parent));
    span->has_parent = true;
    span->state_valid = tracestate_valid(state_of(x, bytes, room));
    return true;
}

void span_begin(struct exchange *x)
{
    struct shm_trace_ids *ids = &x->client->thread->trace_ids;
    struct span *span = &x->span;
    u64 id;

    span->on = true;
    if (!(x->req.names >> HTTP_TRACEPARENT & 1) || !parent_take(x, x->client->in->bytes)) {
        id = shm_trace_id_next(ids);
        memcpy(span->own.trace, &id, 8);
        id = shm_trace_id_next(ids);
        memcpy(span->own.trace + 8, &id, 8);
        span->own.flags = 0;
    }
    id = shm_trace_id_next(ids);
    memcpy(span->own.span, &id, 8);
}

bool span_ratio(const u8 trace[16], u32 sample)
{
    u64 low;

    memcpy(&low, trace + 8, sizeof(low));
    return sample >= SAMPLE_ALL || (be64toh(low) & MASK) < (u64)sample * (MASK / SAMPLE_ALL);
}

void span_decide(struct exchange *x)
{
    struct span *span = &x->span;

    if (!span->has_parent && span_ratio(span->own.trace, x->rule->is.trace_sample))
        span->own.flags |= TRACEPARENT_SAMPLED;
}

const struct shm_trace_context *span_context(const struct span *s, struct shm_trace_context *out)
{
    *out = (struct shm_trace_context){ .flags = s->own.flags };
    memcpy(out->trace, s->own.trace, sizeof(out->trace));
    memcpy(out->span, s->own.span, sizeof(out->span));
    return out;
}

/* What took long to begin its answer is slow, as for the warnings (access.c). */
static bool is_slow(const struct exchange *x, u64 now_ns)
{
    u64 slow_ns = x->rule->is.slow_ns;
    u64 begun_ns = x->times.first_byte_ns ? x->times.first_byte_ns : now_ns;

    return slow_ns && x->status != 101 && begun_ns - x->times.begun_ns >= slow_ns;
}

/* What becomes a tunnel goes on without its exchange. */
static bool broke_off(const struct exchange *x)
{
    return x->res_begun && !x->res_done && x->status < 500 && x->status != 101 &&
           x->req.method != HTTP_CONNECT;
}

static void record_fill(const struct exchange *x, struct shm_server_span *r, u64 now_ns)
{
    const struct span *span = &x->span;

    memcpy(r->trace, span->own.trace, sizeof(r->trace));
    memcpy(r->span, span->own.span, sizeof(r->span));
    memcpy(r->parent, span->parent, sizeof(r->parent));
    r->begun_ns = x->times.begun_ns;
    r->ended_ns = now_ns;
    r->queue_ns = x->times.queue_ns;
    r->dispatched_ns = x->times.dispatched_ns;
    r->first_byte_ns = x->times.first_byte_ns;
    r->sent_bytes = x->sent_bytes;
    r->body_bytes = x->req.framing == HTTP_BODY_LENGTH ? x->req.content_length : 0;
    r->status = (u16)x->status;
    r->app = x->is_nobodys ? SHM_APPS_MAX : (u16)x->app;
    r->worker = x->claim.slot ? (u16)x->claim.slot->worker : 0;
    r->flags = span->own.flags;
    r->version_minor = x->req.version_minor;
    r->attempts = (u8)min(x->attempts, 255u);
    r->broke_off = broke_off(x);
}

static void text_add(struct shm_server_span *r, const char **text, enum shm_span_text which,
                     struct str value)
{
    text[which] = value.ptr;
    r->text_len[which] = (u16)min(value.len, (size_t)SHM_SPAN_TEXT_MAX);
}

static struct str field_of(struct exchange *x, const char *bytes, enum http_name id)
{
    struct http_field *f = x->req.names >> id & 1 ? http_field_find(&x->req, id) : NULL;

    return f ? http_text(bytes, f->value) : (struct str){ 0 };
}

void span_end(struct exchange *x, const char *bytes, u64 now_ns)
{
    struct thread *t = x->client->thread;
    char ip[ADDR_TEXT_MAX], room[TRACESTATE_MAX];
    const char *text[SHM_TEXTS] = { 0 };
    struct shm_server_span r = { 0 };
    struct addr peer;

    if (!span_sampled(&x->span) && x->status < 500 && !is_slow(x, now_ns))
        return;
    record_fill(x, &r, now_ns);
    r.loop_ns = access_loop_wait_ns(x);
    peer = exchange_peer(x);
    text_add(&r, text, SHM_TEXT_METHOD, http_text(bytes, x->req.method_text));
    text_add(&r, text, SHM_TEXT_TARGET,
             http_text(bytes, x->req.absolute ? x->req.path : x->req.target));
    text_add(&r, text, SHM_TEXT_HOST, http_text(bytes, x->req.authority));
    text_add(&r, text, SHM_TEXT_AGENT, field_of(x, bytes, HTTP_USER_AGENT));
    text_add(&r, text, SHM_TEXT_ROUTE, str_make(x->route, x->route_len));
    text_add(&r, text, SHM_TEXT_CLIENT, addr_ip_text(&peer, ip));
    if (x->span.state_valid)
        text_add(&r, text, SHM_TEXT_STATE, state_of(x, bytes, room));
    if (shm_spans_put(&t->proxy->shm->spans[t->index % SHM_THREADS_MAX], &r, text)) {
        /* else it is counted */
    }
}
