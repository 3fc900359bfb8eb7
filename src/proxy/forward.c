/* proxy/forward.c -- moves the bytes of one exchange, both ways, with backpressure
 *
 * Each direction has one block for what is read and one for what is to be
 * written. When the far side does not take, nothing more is read from the near
 * one, so a body of any size holds at most four blocks. A head and the first
 * bytes of its body leave in one system call. What is known to be long and needs no look goes
 * through a pipe instead (proxy/pipe.h).
 */
#include "base/log.h"
#include "http/write.h"
#include "proxy/breaker.h"
#include "proxy/exchange.h"
#include "proxy/host.h"
#include "proxy/pressure.h"
#include "proxy/resend.h"
#include "proxy/response.h"
#include "proxy/tunnel.h"

enum {
    ROUNDS_MAX = 32,                          /* of reading and writing in one wake */
    CHUNK_ROOM = HTTP_CHUNK_HEAD_MAX + 2 + 8, /* a chunk's head and end, and the last chunk */
    INTERIM_MAX = 100,                        /* 1xx answers to one request */
    ROOM_MIN = 1024,                          /* less room than this in an out block: write first */
};

/* What became of the exchange in a step. */
enum flow {
    FLOW_MORE,  /* needs more bytes, or room */
    FLOW_ROOM,  /* has bytes, but more room than is left must be there for them: write first */
    FLOW_GO,    /* did something: again */
    FLOW_ENDED, /* it may be freed: touch nothing */
};

static bool add_chunk(struct block *out, struct str data)
{
    char head[HTTP_CHUNK_HEAD_MAX];
    size_t len = http_write_chunk_head(head, data.len);

    return block_add(out, str_make(head, len)) && block_add(out, data) &&
           block_add(out, STR("\r\n"));
}

/* ---- request: client->in to up->out ---- */

/* Makes room in client->in behind the head, which stays. */
static void in_make_room(struct exchange *x)
{
    struct block *in = x->client->in;

    if (block_room(in) > 0 && in->at < in->end)
        return;
    if (in->at > x->req.head_bytes && block_room(in) < in->size / 4) {
        block_shift(in, x->req.head_bytes);
        x->replayable = false;
    }
}

/* One step of the request's body from client->in to up->out. */
static enum flow request_step(struct exchange *x)
{
    struct client *c = x->client;
    struct block *in = c->in, *out = x->up->out;
    bool chunked = x->req.framing == HTTP_BODY_CHUNKED;
    size_t len = min(block_len(in), block_room(out) - CHUNK_ROOM), used;
    struct http_error error;
    struct str data;

    switch (http_body_feed(&x->req_body, in->bytes + in->at, len, &used, &data, &error)) {
    case HTTP_BODY_MORE:
        in->at += (u32)used;
        if (used)
            return FLOW_GO;
        return len < block_len(in) ? FLOW_ROOM : FLOW_MORE; /* trailers come in one piece */
    case HTTP_BODY_DATA:
        if (!(chunked ? add_chunk(out, data) : block_add(out, data)))
            return FLOW_ROOM;
        in->at += (u32)used;
        return FLOW_GO;
    case HTTP_BODY_TRAILERS:
        if (block_room(out) < data.len + CHUNK_ROOM)
            return FLOW_ROOM;
        x->trailers_done = block_add(out, STR(HTTP_CHUNK_LAST)) && block_add(out, data) &&
                           block_add(out, STR("\r\n"));
        in->at += (u32)used;
        return FLOW_GO;
    case HTTP_BODY_END:
        if (chunked && !x->trailers_done && !block_add(out, STR(HTTP_CHUNK_LAST "\r\n")))
            return FLOW_ROOM;
        in->at += (u32)used;
        x->req_done = true;
        return FLOW_GO;
    case HTTP_BODY_BAD:
        break;
    }
    exchange_refuse(x, error.status, error.text,
                    error.status == 413 ? SHM_REFUSED_BODY_LARGE : SHM_REFUSED_BAD_REQUEST);
    return FLOW_ENDED;
}

/* It ended inside its own body: the worker sees the connection close. */
static enum flow request_ended(struct exchange *x)
{
    exchange_abandoned(x);
    return FLOW_ENDED;
}

/* The rest of the body is still with the client: reads some of it. */
static enum flow request_read(struct exchange *x)
{
    struct client *c = x->client;
    ssize_t n;

    in_make_room(x);
    n = client_fill(c);
    if (n > 0) {
        x->in_bytes += (u64)n;
        return FLOW_GO;
    }
    if (n == 0 || n == -ENOBUFS)
        return FLOW_MORE;
    return request_ended(x);
}

static bool pipe_ready(struct thread *t, struct pipe **p)
{
    return *p || (pressure_allows_pipe(t) && (*p = pipe_take(&t->pipes)) != NULL);
}

/* Whether the rest of the body is long, may pass unseen, and has a pipe to go through. */
static bool request_is_opaque(struct exchange *x)
{
    return x->req.framing == HTTP_BODY_LENGTH && !x->req.upgrade && !x->req_done &&
           block_len(x->client->in) == 0 && http_body_opaque(&x->req_body) >= PIPE_BODY_MIN &&
           pipe_ready(x->up->thread, &x->up->pipe);
}

static enum flow request_splice(struct exchange *x)
{
    struct upstream *u = x->up;
    ssize_t n = client_splice(x->client, u->pipe, http_body_opaque(&x->req_body));

    if (n > 0) {
        x->in_bytes += (u64)n;
        x->replayable = false;
        http_body_skip(&x->req_body, (u64)n);
        return FLOW_GO;
    }
    return n == 0 ? FLOW_MORE : request_ended(x);
}

static enum flow request_copy(struct exchange *x)
{
    struct upstream *u = x->up;
    enum flow flow = FLOW_GO; /* no room: write first */

    if (!u->out && !x->req_done && !(u->out = block_take(&u->thread->blocks))) {
        exchange_abandoned(x); /* nothing would wake it again */
        return FLOW_ENDED;
    }
    while (!x->req_done && block_room(u->out) >= ROOM_MIN) {
        flow = request_step(x);
        if (flow == FLOW_MORE && x->client->readable && request_is_opaque(x))
            return FLOW_GO;
        if (flow == FLOW_MORE)
            flow = request_read(x);
        if (flow != FLOW_GO)
            break;
    }
    return flow;
}

static enum flow request_move(struct exchange *x)
{
    struct upstream *u = x->up;

    if (u->pipe && u->pipe->bytes)
        return FLOW_GO; /* it is next to be written */
    return block_len(u->out) == 0 && request_is_opaque(x) ? request_splice(x) : request_copy(x);
}

static enum flow request_pump(struct exchange *x)
{
    struct upstream *u = x->up;

    for (int i = 0; i < ROUNDS_MAX; i++) {
        enum flow flow;

        if (u->broken || u->blocked)
            return FLOW_MORE;
        flow = request_move(x);
        if (flow == FLOW_ENDED)
            return FLOW_ENDED;
        int r = upstream_flush(u);
        if (r < 0 && r != -EAGAIN)
            u->readable = true; /* it may have answered before it closed */
        if (r < 0 || x->req_done || flow == FLOW_MORE)
            return FLOW_MORE;
    }
    return FLOW_GO;
}

/* ---- response: up->in to client->out ---- */

static enum flow worker_nonsense(struct exchange *x, const char *text)
{
    char host[ADDR_TEXT_MAX];

    if (x->host.to)
        log_warn("upstream %.*s answered with something that is not HTTP: %s",
                 STR_ARG(addr_text(&x->host.to->addr, host)), text);
    else
        log_warn("worker %u answered with something that is not HTTP: %s",
                 x->claim.slot ? x->claim.slot->worker : 0, text);
    if (x->claim.slot)
        COUNT(x->claim.slot->failures, 1);
    x->fault = OUTCOME_RESET;
    exchange_refuse(x, 502,
                    x->host.to ? "the upstream's answer was not valid HTTP"
                               : "the worker's answer was not valid HTTP",
                    x->host.to ? SHM_REFUSED_UPSTREAM : SHM_REFUSED_WORKER_DIED);
    return FLOW_ENDED;
}

/* The head is whole: writes the client's. */
static enum flow response_begin(struct exchange *x)
{
    struct block *in = x->up->in;
    const char *bytes = in->bytes + in->at;
    bool tunnel = response_is_tunnel(x);

    if (x->res.status == 101 && !tunnel)
        return worker_nonsense(x, "101 without a request to switch protocols");
    if (x->res.status < 200 && !tunnel) {
        if (++x->interim_n > INTERIM_MAX)
            return worker_nonsense(x, "too many interim responses");
        bool sent = response_pass_interim(x, bytes);

        in->at += x->res.head_bytes;
        exchange_expect_response(x);
        return sent ? FLOW_GO : worker_nonsense(x, "an interim response too large");
    }
    if (x->host.to)
        host_answered(x, bytes);
    response_begun(x, bytes);
    if (x->claim.ceiling)
        COUNT(x->claim.ceiling->answers, 1);
    if (x->rule->circuit)
        breaker_answered(x, x->res.status, tunnel);
    if (x->res.status >= OUTCOMES_STATUS_FIRST && resend_after(x, SHM_RETRY_STATUS, x->res.status))
        return FLOW_ENDED;
    if (x->cache_mode && !tunnel && cached_response(x, bytes))
        return FLOW_ENDED;
    if (!response_pass(x, bytes, tunnel))
        return worker_nonsense(x, "its head is too large");
    in->at += x->res.head_bytes;
    if (!tunnel)
        return FLOW_GO;
    tunnel_upgrade(x);
    return FLOW_ENDED;
}

static enum flow response_head(struct exchange *x)
{
    struct block *in = x->up->in;
    struct http_error error;

    if (block_len(in) == 0)
        return FLOW_MORE;
    switch (http_parse_head(&x->parser, in->bytes + in->at, block_len(in), &x->res, &error)) {
    case HTTP_MORE:
        return FLOW_MORE;
    case HTTP_BAD:
        return worker_nonsense(x, error.text);
    case HTTP_DONE:
        break;
    }
    return response_begin(x);
}

/* It breaks off within its answer: the client gets what is here, as far as it takes it. */
static enum flow response_broken(struct exchange *x)
{
    if (x->res_begun && client_flush(x->client) < 0) {
        /* as much as it takes; it breaks off here anyway */
    }
    exchange_worker_failed(x);
    return FLOW_ENDED;
}

static enum flow response_body(struct exchange *x)
{
    struct block *in = x->up->in, *out = x->client->out;
    u32 have = in ? block_len(in) : 0, before = out->end;
    size_t len = min(have, block_room(out) - CHUNK_ROOM), used;
    const char *bytes = in ? in->bytes + in->at : "";
    struct http_error error;
    struct str data = { 0 };
    enum http_body_step step = http_body_feed(&x->res_body, bytes, len, &used, &data, &error);
    bool added = true;

    if (step == HTTP_BODY_BAD)
        return response_broken(x);
    if (x->res_raw)
        added = block_add(out, str_make(bytes, used));
    else if (step == HTTP_BODY_DATA)
        added = x->res_chunk ? add_chunk(out, data) : block_add(out, data);
    assert(added); /* len was chosen so */
    if (step == HTTP_BODY_DATA && x->cache_mode && x->cached.filling.e)
        cached_body(x, data);
    if (in)
        in->at += (u32)used;
    x->sent_bytes += out->end - before;
    x->res_done = http_body_done(&x->res_body);
    if (x->res_done && x->cache_mode && x->cached.filling.e)
        cached_complete(x);
    if (step != HTTP_BODY_MORE || used)
        return FLOW_GO;
    return len < have ? FLOW_ROOM : FLOW_MORE; /* trailers come in one piece */
}

/* The worker has closed its connection, or reading has failed: `error`. A reset of a unix socket
 * says only that the worker has left something unread; one of TCP, that bytes may be missing. */
static enum flow response_eof(struct exchange *x, ssize_t error)
{
    struct client *c = x->client;
    bool ended = error == -EPIPE || (error == -ECONNRESET && !x->up->group);

    if (ended && x->res_begun && http_body_eof(&x->res_body)) {
        if (x->res_chunk && !block_add(c->out, STR(HTTP_CHUNK_LAST "\r\n")))
            return FLOW_ROOM;
        x->res_done = true;
        return FLOW_GO;
    }
    return response_broken(x);
}

static enum flow response_read(struct exchange *x)
{
    ssize_t n = upstream_fill(x->up);

    if (n > 0)
        return FLOW_GO;
    if (n == 0)
        return FLOW_MORE;
    if (n == -ENOBUFS)
        return worker_nonsense(x, "its head is too large");
    return response_eof(x, n);
}

/* The same of what comes next of the response's. */
static bool response_is_opaque(struct exchange *x)
{
    return x->res_begun && !x->res_chunk && !(x->cache_mode && x->cached.filling.e) &&
           block_len(x->up->in) == 0 && http_body_opaque(&x->res_body) >= PIPE_BODY_MIN &&
           pipe_ready(x->client->thread, &x->client->pipe);
}

static enum flow response_splice(struct exchange *x)
{
    ssize_t n = upstream_splice(x->up, x->client->pipe, http_body_opaque(&x->res_body));

    if (n > 0) {
        http_body_skip(&x->res_body, (u64)n);
        x->sent_bytes += (u64)n;
        return FLOW_GO;
    }
    return n == 0 ? FLOW_MORE : response_eof(x, n);
}

static enum flow response_copy(struct exchange *x)
{
    struct client *c = x->client;
    enum flow flow = FLOW_GO; /* no room: write first */

    if (!c->out && !(c->out = block_take(&c->thread->blocks))) {
        client_close(c);
        return FLOW_ENDED;
    }
    while (!x->res_done && block_room(c->out) >= (x->res_begun ? ROOM_MIN : c->out->size / 2)) {
        flow = x->res_begun ? response_body(x) : response_head(x);
        if (flow == FLOW_MORE && x->up->readable && response_is_opaque(x))
            return FLOW_GO;
        if (flow == FLOW_MORE)
            flow = response_read(x);
        if (flow != FLOW_GO)
            break;
    }
    return flow;
}

static enum flow response_move(struct exchange *x)
{
    struct client *c = x->client;

    if (c->pipe && c->pipe->bytes)
        return FLOW_GO; /* it is next to be written */
    return block_len(c->out) == 0 && response_is_opaque(x) ? response_splice(x) : response_copy(x);
}

static enum flow response_pump(struct exchange *x)
{
    struct client *c = x->client;

    for (int i = 0; i < ROUNDS_MAX; i++) {
        enum flow flow;

        if (c->blocked)
            return FLOW_MORE;
        flow = response_move(x);
        if (flow == FLOW_ENDED)
            return FLOW_ENDED;
        int r = client_flush(c);
        if (r == -EAGAIN)
            return FLOW_MORE;
        if (r < 0) {
            exchange_abandoned(x);
            return FLOW_ENDED;
        }
        if (x->res_done) {
            exchange_over(x);
            return FLOW_ENDED;
        }
        if (flow == FLOW_MORE)
            return FLOW_MORE;
    }
    return FLOW_GO;
}

/* ---- both ---- */

static void again(struct task *task)
{
    struct client *c = container_of(task, struct client, more);

    if (c->x && c->state == CLIENT_ACTIVE)
        exchange_client_event(c->x);
}

static void pump(struct exchange *x)
{
    struct client *c = x->client;
    enum flow request = request_pump(x), response;

    if (request == FLOW_ENDED)
        return;
    response = response_pump(x);
    if (response == FLOW_ENDED)
        return;
    if (request == FLOW_GO || response == FLOW_GO)
        loop_task(c->thread->loop, &c->more, again);
}

void exchange_client_event(struct exchange *x)
{
    if (x->cache_mode == CACHED_SENDS)
        cached_send_more(x);
    else if (x->up)
        pump(x);
    else if (x->res_done)
        exchange_answer_more(x);
}

void exchange_upstream_event(struct exchange *x)
{
    pump(x);
}
