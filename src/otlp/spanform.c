/* otlp/spanform.c -- spans as OTLP's Span message */
#include "otlp/spanform.h"

#include "base/clock.h"
#include "otlp/identity.h"
#include "otlp/protobuf.h"

enum { /* of Span */
       TRACE_ID = 1,
       SPAN_ID,
       TRACE_STATE,
       PARENT_ID,
       NAME,
       KIND,
       START,
       END,
       ATTRIBUTES,
       STATUS = 15,
       FLAGS
};
enum { STATUS_CODE = 3, VALUE_BOOL = 2, VALUE_DOUBLE = 4 };
enum { HAS_IS_REMOTE = 0x100, IS_REMOTE = 0x200 };

struct texts {
    struct str of[SHM_TEXTS];
};

static struct texts texts_of(const struct shm_server_span *s)
{
    const char *at = (const char *)(s + 1);
    struct texts t;

    for (int i = 0; i < SHM_TEXTS; i++) {
        t.of[i] = str_make(at, s->text_len[i]);
        at += s->text_len[i];
    }
    return t;
}

static struct str bytes_of(const u8 *bytes, size_t len)
{
    return str_make((const char *)bytes, len);
}

static bool is_zero(const u8 *bytes, size_t len)
{
    u8 all = 0;

    for (size_t i = 0; i < len; i++)
        all |= bytes[i];
    return !all;
}

static void text(struct buf *out, const char *key, struct str value)
{
    if (value.len)
        identity_text(out, ATTRIBUTES, str_of(key), value);
}

static void value_add(struct buf *out, struct str key, enum shm_attribute_type type,
                      const char *value)
{
    size_t pair = protobuf_begin(out, ATTRIBUTES), any;
    double d;

    protobuf_text(out, 1, key);
    any = protobuf_begin(out, 2);
    if (type == SHM_ATTRIBUTE_BOOL) {
        protobuf_one_u64(out, VALUE_BOOL, value[0] != 0);
    } else {
        memcpy(&d, value, sizeof(d));
        protobuf_double(out, VALUE_DOUBLE, d);
    }
    protobuf_end(out, any);
    protobuf_end(out, pair);
}

static void seconds(struct buf *out, const char *key, u64 ns)
{
    double s = (double)ns / NS_PER_S;

    value_add(out, str_of(key), SHM_ATTRIBUTE_DOUBLE, (const char *)&s);
}

static void times(struct buf *out, const struct spanform_clock *clock, u64 begun_ns, u64 ended_ns)
{
    ended_ns = min(ended_ns, clock->latest_ns);
    begun_ns = min(begun_ns, ended_ns);
    protobuf_fixed64(out, START, begun_ns + clock->offset_ns);
    protobuf_fixed64(out, END, ended_ns + clock->offset_ns);
}

static void status(struct buf *out, u32 code)
{
    size_t begun;

    if (!code)
        return;
    begun = protobuf_begin(out, STATUS);
    protobuf_u64(out, STATUS_CODE, code);
    protobuf_end(out, begun);
}

/* "http.request.method" has few values: what is none of these is _OTHER. */
static bool method_known(struct str method)
{
    static const char *const known[] = { "GET",     "HEAD",    "POST",  "PUT",   "DELETE",
                                         "CONNECT", "OPTIONS", "TRACE", "PATCH", "QUERY" };

    for (u32 i = 0; i < ARRAY_LEN(known); i++)
        if (str_eq(method, str_of(known[i])))
            return true;
    return false;
}

static void name_add(struct buf *out, const struct texts *t, bool known)
{
    AUTO(buf_done) struct buf name = { 0 };

    buf_add(&name, known ? t->of[SHM_TEXT_METHOD] : STR("HTTP"));
    if (t->of[SHM_TEXT_ROUTE].len) {
        buf_addc(&name, ' ');
        buf_add(&name, t->of[SHM_TEXT_ROUTE]);
    }
    protobuf_text(out, NAME, buf_str(&name));
}

/* "a=1&b" as "a=REDACTED&b". */
static void query_add(struct buf *out, struct str query)
{
    AUTO(buf_done) struct buf shown = { 0 };
    struct str rest = query;

    while (rest.ptr) {
        struct str value, name = str_cut(str_cut(rest, '&', &rest), '=', &value);

        buf_add(&shown, name);
        if (value.ptr)
            buf_add(&shown, value.len ? STR("=REDACTED") : STR("="));
        if (rest.ptr)
            buf_addc(&shown, '&');
    }
    text(out, "url.query", buf_str(&shown));
}

/* host[:port], [v6]:port */
static void server_add(struct buf *out, struct str authority)
{
    struct str host = authority, port = { 0 };
    ptrdiff_t end = authority.len && authority.ptr[0] == '[' ? str_index(authority, ']') : -1;
    u64 n;

    if (end > 0) {
        port = str_sub(authority, (size_t)end + 1, authority.len);
        host = str_sub(authority, 1, (size_t)end - 1);
        port = port.len && port.ptr[0] == ':' ? str_sub(port, 1, port.len) : (struct str){ 0 };
    } else {
        host = str_cut(authority, ':', &port);
    }
    text(out, "server.address", host);
    if (host.len && str_to_u64(port, &n) && n < 65536)
        identity_int(out, ATTRIBUTES, "server.port", (i64)n);
}

static void request_add(struct buf *out, const struct shm_server_span *s, const struct texts *t,
                        bool known)
{
    struct str query, path = str_cut(t->of[SHM_TEXT_TARGET], '?', &query);

    text(out, "http.request.method", known ? t->of[SHM_TEXT_METHOD] : STR("_OTHER"));
    if (!known)
        text(out, "http.request.method_original", t->of[SHM_TEXT_METHOD]);
    text(out, "url.scheme", STR("http"));
    text(out, "url.path", path.len ? path : STR("/"));
    query_add(out, query);
    text(out, "http.route", t->of[SHM_TEXT_ROUTE]);
    server_add(out, t->of[SHM_TEXT_HOST]);
    text(out, "client.address", t->of[SHM_TEXT_CLIENT]);
    text(out, "network.protocol.version", s->version_minor ? STR("1.1") : STR("1.0"));
    text(out, "user_agent.original", t->of[SHM_TEXT_AGENT]);
    if (s->body_bytes)
        identity_int(out, ATTRIBUTES, "http.request.body.size", (i64)s->body_bytes);
}

static void response_add(struct buf *out, const struct shm_server_span *s)
{
    char code[8];

    if (s->status) {
        identity_int(out, ATTRIBUTES, "http.response.status_code", s->status);
        snprintf(code, sizeof(code), "%u", s->status);
        if (s->status >= 500)
            text(out, "error.type", str_of(code));
        else if (s->broke_off)
            text(out, "error.type", STR("aborted"));
    }
    identity_int(out, ATTRIBUTES, "http.response.size", (i64)s->sent_bytes);
    if (s->worker)
        identity_int(out, ATTRIBUTES, "fettle.worker", s->worker);
    if (s->attempts > 1)
        identity_int(out, ATTRIBUTES, "fettle.attempts", s->attempts);
    if (s->queue_ns)
        seconds(out, "fettle.queue.duration", s->queue_ns);
    if (s->loop_ns != UINT64_MAX)
        seconds(out, "fettle.loop.delay", s->loop_ns);
}

void spanform_server(struct buf *out, const struct shm_server_span *s,
                     const struct spanform_clock *clock)
{
    struct texts t = texts_of(s);
    bool known = method_known(t.of[SHM_TEXT_METHOD]), has_parent = !is_zero(s->parent, 8);

    protobuf_bytes(out, TRACE_ID, bytes_of(s->trace, 16));
    protobuf_bytes(out, SPAN_ID, bytes_of(s->span, 8));
    protobuf_text(out, TRACE_STATE, t.of[SHM_TEXT_STATE]);
    if (has_parent)
        protobuf_bytes(out, PARENT_ID, bytes_of(s->parent, 8));
    name_add(out, &t, known);
    protobuf_u64(out, KIND, SHM_SPAN_SERVER);
    times(out, clock, s->begun_ns, s->ended_ns);
    request_add(out, s, &t, known);
    response_add(out, s);
    if (s->status >= 500 || s->broke_off)
        status(out, SHM_SPAN_ERROR);
    protobuf_fixed32(out, FLAGS, s->flags | HAS_IS_REMOTE | (has_parent ? IS_REMOTE : 0u));
}

void spanform_queue(struct buf *out, const struct shm_server_span *s, u64 id,
                    const struct spanform_clock *clock)
{
    /* The last wait ended when the worker got it, or with the request; another thread may have
     * given it a moment before ours knew. */
    u64 ended_ns = s->dispatched_ns ? s->dispatched_ns : s->ended_ns;
    u64 begun_ns = ended_ns - min(s->queue_ns, ended_ns);

    begun_ns = max(begun_ns, s->begun_ns);

    protobuf_bytes(out, TRACE_ID, bytes_of(s->trace, 16));
    protobuf_bytes(out, SPAN_ID, bytes_of((const u8 *)&id, 8));
    protobuf_bytes(out, PARENT_ID, bytes_of(s->span, 8));
    protobuf_text(out, NAME, STR("queue"));
    protobuf_u64(out, KIND, SHM_SPAN_INTERNAL);
    times(out, clock, begun_ns, begun_ns + s->queue_ns);
    protobuf_fixed32(out, FLAGS, s->flags | (u32)HAS_IS_REMOTE);
}

static void attributes_add(struct buf *out, struct shm_span_reader *r)
{
    while (shm_span_next(r)) {
        struct str key = str_make(r->key, r->attribute.key_len);
        i64 n;

        if (r->attribute.type == SHM_ATTRIBUTE_TEXT) {
            identity_text(out, ATTRIBUTES, key, str_make(r->value, r->attribute.value_len));
        } else if (r->attribute.type == SHM_ATTRIBUTE_INT) {
            char name[UINT8_MAX + 1];

            memcpy(&n, r->value, sizeof(n));
            str_to_cstr(key, name, sizeof(name));
            identity_int(out, ATTRIBUTES, name, n);
        } else {
            value_add(out, key, r->attribute.type, r->value);
        }
    }
}

void spanform_worker(struct buf *out, struct shm_span_reader *r, struct shm_trace_ids *ids,
                     const struct spanform_clock *clock)
{
    struct shm_span *s = &r->span;
    u64 id[2] = { shm_trace_id_next(ids), shm_trace_id_next(ids) };

    if (is_zero(s->span, 8))
        memcpy(s->span, &id[0], 8);
    if (is_zero(s->trace, 16)) {
        memcpy(s->trace, id, 16);
        memset(s->parent, 0, sizeof(s->parent));
    }
    protobuf_bytes(out, TRACE_ID, bytes_of(s->trace, 16));
    protobuf_bytes(out, SPAN_ID, bytes_of(s->span, 8));
    if (!is_zero(s->parent, 8))
        protobuf_bytes(out, PARENT_ID, bytes_of(s->parent, 8));
    protobuf_text(out, NAME, str_make(r->name, s->name_len));
    protobuf_u64(out, KIND,
                 s->kind >= SHM_SPAN_INTERNAL && s->kind <= SHM_SPAN_CONSUMER
                     ? s->kind
                     : (u64)SHM_SPAN_INTERNAL);
    times(out, clock, s->begun_ns, s->ended_ns);
    attributes_add(out, r);
    status(out, s->status <= SHM_SPAN_ERROR ? s->status : 0u);
    protobuf_fixed32(out, FLAGS, SHM_TRACE_SAMPLED | HAS_IS_REMOTE);
}
