/* proxy/response.c -- the head of an answer, as the worker gave it and as the client gets it */
#include "proxy/response.h"

#include "proxy/load_field.h"
#include "proxy/rewrite.h"
#include "proxy/throttle.h"

/* What Node writes nearly always. */
static const struct str keep_5s = STR("timeout=5");

/* Seconds that the worker promises to keep an idle connection, less a margin; 60 when it says
 * nothing (then it has no limit of its own). */
static u64 worker_keep_ns(const char *bytes, struct http_head *head)
{
    struct http_field *f = http_field_find(head, HTTP_KEEP_ALIVE);
    struct str rest = f ? http_text(bytes, f->value) : (struct str){ 0 };
    u64 s;

    if (str_eq(rest, keep_5s))
        return 4 * NS_PER_S;
    while (rest.ptr) {
        struct str item = str_trim(str_cut(rest, ',', &rest));

        if (!str_starts_nocase(item, STR("timeout=")) || !str_to_u64(str_sub(item, 8, 20), &s))
            continue;
        s = min(s, (u64)3600);
        return s >= 2 ? (s - 1) * NS_PER_S : s * NS_PER_S / 2;
    }
    return 60 * NS_PER_S;
}

void response_begun(struct exchange *x, const char *bytes)
{
    struct str route = upstream_route(x->up);

    x->worker_keep_ns = worker_keep_ns(bytes, &x->res);
    x->route_len = (u8)route.len;
    if (route.len)
        memcpy(x->route, route.ptr, route.len);
}

/* How the client will know where the body ends. */
static enum rewrite_framing client_framing(struct exchange *x)
{
    if (x->res.framing == HTTP_BODY_CHUNKED) {
        x->res_raw = x->req.version_minor >= 1;
        if (x->res_raw)
            return REWRITE_CHUNKED;
        x->keep = false;
        return REWRITE_CLOSE;
    }
    if (x->res.framing == HTTP_BODY_CLOSE) {
        x->res_chunk = x->req.version_minor >= 1;
        if (x->res_chunk)
            return REWRITE_CHUNKED;
        x->keep = false;
        return REWRITE_CLOSE;
    }
    return REWRITE_AS_IS;
}

bool response_is_tunnel(const struct exchange *x)
{
    if (x->req.method == HTTP_CONNECT)
        return x->res.status / 100 == 2;
    return x->res.status == 101 && x->req.upgrade;
}

bool response_pass_interim(struct exchange *x, const char *bytes)
{
    struct rewrite_response r = { .version_minor = x->req.version_minor, .interim = true };

    return x->req.version_minor == 0 || rewrite_response(x->client->out, bytes, &x->res, &r);
}

/* Whether the client's connection can outlive the answer. */
static bool outlives(const struct exchange *x, bool tunnel)
{
    if (atomic_load(&x->client->thread->proxy->draining) && !tunnel)
        return false;
    /* A final answer to a request that has not come as a whole: the rest may never come (it was
     * asked for by Expect), or is not wanted. The client learns now that this is the end. */
    if (!x->req_done && (x->req.expect_continue || x->res.status >= 400))
        return false;
    return x->keep;
}

bool response_pass(struct exchange *x, const char *bytes, bool tunnel)
{
    struct client *c = x->client;
    char room[CACHED_FIELDS_MAX];
    struct rewrite_response r = { .version_minor = x->req.version_minor,
                                  .upgrade = tunnel && x->res.status == 101 };
    struct throttle_fields fields;
    char load[LOAD_FIELD_MAX];
    u32 before = c->out->end;

    http_response_framing(&x->res, x->req.method);
    if (!tunnel)
        r.framing = client_framing(x);
    x->keep = outlives(x, tunnel);
    r.keep = x->keep || tunnel;
    r.more = cached_status(x, room);
    x->times.first_byte_ns = clock_now_ns();
    x->status = x->res.status;
    if (x->has_budget)
        r.fields = throttle_fields(x, bytes, &fields);
    r.load = load_field(x, load);
    if (!rewrite_response(c->out, bytes, &x->res, &r))
        return false;
    x->res_begun = true;
    x->sent_bytes += c->out->end - before;
    http_body_init(&x->res_body, x->res.framing, x->res.content_length, 0);
    return true;
}
