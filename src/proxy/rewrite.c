/* proxy/rewrite.c -- what changes in a head on its way through */
#include "proxy/rewrite.h"

#include "http/write.h"

/* Appends and remembers whether anything did not fit. */
struct sink {
    char *at, *end;
    bool full;
};

static struct sink sink_of(struct block *b)
{
    return (struct sink){ .at = b->bytes + b->end, .end = b->bytes + b->size };
}

/* Whether all of it fitted. */
static bool sink_done(const struct sink *s, struct block *b)
{
    b->end = (u32)(s->at - b->bytes);
    return !s->full;
}

static inline void put(struct sink *s, struct str text)
{
    if (text.len > (size_t)(s->end - s->at)) {
        s->full = true;
        return;
    }
    if (text.len)
        memcpy(s->at, text.ptr, text.len);
    s->at += text.len;
}

static inline void put_field(struct sink *s, struct str name, struct str value)
{
    put(s, name);
    put(s, STR(": "));
    put(s, value);
    put(s, STR("\r\n"));
}

/* Whether it came as we would write it: "name: value", without odd spaces. */
static inline bool is_plain(const char *bytes, const struct http_field *f)
{
    u32 end = f->value.at + f->value.len;

    return f->value.at == f->name.at + f->name.len + 2 && bytes[f->value.at - 1] == ' ' &&
           bytes[end] == '\r';
}

/* As it came. */
static void put_same(struct sink *s, const char *bytes, const struct http_field *f)
{
    put_field(s, http_text(bytes, f->name), http_text(bytes, f->value));
}

/* A set of names: a bit for each. Those that are not known (HTTP_NAME_OTHER) are in none. */
#define NAME(id) (1ull << (id))
static_assert(HTTP_NAME_COUNT < 64, "a set of names is a u64");

/* Fields that only a trusted peer may send. */
static const u64 forwarding = NAME(HTTP_X_FORWARDED_FOR) | NAME(HTTP_X_FORWARDED_PROTO) |
                              NAME(HTTP_X_FORWARDED_HOST) | NAME(HTTP_X_FORWARDED_PORT) |
                              NAME(HTTP_X_FORWARDED_PREFIX) | NAME(HTTP_X_REAL_IP) |
                              NAME(HTTP_FORWARDED) | NAME(HTTP_X_REQUEST_ID);

/* The first line in `line`, unless that is empty, and the fields that stay as they came, but for
 * those in `without`. Neighbours go in one piece. */
static void put_fields(struct sink *s, const char *bytes, const struct http_head *head,
                       struct http_span line, u64 without)
{
    u32 from = line.at, to = line.at + line.len; /* what is not yet put */
    bool plain;

    for (u32 i = 0; i < head->fields_n; i++) {
        const struct http_field *f = &head->fields[i];

        if ((f->drop && f->id != HTTP_TRAILER) || without >> f->id & 1)
            continue;
        plain = is_plain(bytes, f);
        if (f->name.at != to || !plain) {
            put(s, str_make(bytes + from, to - from));
            from = f->name.at;
        }
        if (!plain)
            put_same(s, bytes, f);
        to = f->value.at + f->value.len + 2;
        if (!plain)
            from = to;
    }
    put(s, str_make(bytes + from, to - from));
}

static struct str trusted_value(const char *bytes, struct http_head *head,
                                const struct rewrite_request *r, enum http_name id)
{
    struct http_field *f = r->trusted ? http_field_find(head, id) : NULL;

    return f ? http_text(bytes, f->value) : (struct str){ 0 };
}

/* What was taken off the path, by the proxies before us and then by the route: as Spring and
 * Traefik have it, the app's own paths begin behind all of that. */
static void put_prefix(struct sink *s, const char *bytes, struct http_head *head,
                       const struct rewrite_request *r)
{
    struct str before = trusted_value(bytes, head, r, HTTP_X_FORWARDED_PREFIX);

    if (before.len == 0 && r->prefix.len == 0)
        return;
    if (r->prefix.len && before.len && before.ptr[before.len - 1] == '/')
        before.len--;
    put(s, STR("x-forwarded-prefix: "));
    put(s, before);
    put(s, r->prefix);
    put(s, STR("\r\n"));
}

static void put_forwarding(struct sink *s, const char *bytes, struct http_head *head,
                           const struct rewrite_request *r)
{
    struct str proto = trusted_value(bytes, head, r, HTTP_X_FORWARDED_PROTO);
    struct str host = trusted_value(bytes, head, r, HTTP_X_FORWARDED_HOST);
    struct http_field *f = NULL;

    /* One address, and the same as the socket's: an app gets the same client from either, whatever
     * number of hops it trusts, and what a client wrote before a trusted proxy appended is gone. */
    put(s, STR("x-forwarded-for: "));
    put(s, r->client_ip);
    put(s, STR("\r\nx-forwarded-proto: "));
    put(s, proto.len ? proto : r->scheme);
    host = host.len ? host : http_text(bytes, head->authority);
    if (host.len) {
        put(s, STR("\r\nx-forwarded-host: "));
        put(s, host);
    }
    put(s, STR("\r\nx-request-id: "));
    put(s, r->request_id);
    put(s, STR("\r\n"));
    put_prefix(s, bytes, head, r);
    if (!r->trusted)
        return;
    while ((f = http_field_next(head, HTTP_FORWARDED, f)) != NULL)
        put_same(s, bytes, f);
    if ((f = http_field_find(head, HTTP_X_FORWARDED_PORT)) != NULL)
        put_same(s, bytes, f);
    if ((f = http_field_find(head, HTTP_X_REAL_IP)) != NULL)
        put_same(s, bytes, f);
}

/* The first line with its end, when it can go on as it came, else nothing. */
static struct http_span same_request_line(const struct http_head *h)
{
    static const u32 behind = sizeof(" HTTP/1.1\r\n") - 1;
    u32 from = h->method_text.at, end = h->target.at + h->target.len + behind;

    if (h->version_minor == 0 || h->absolute || h->method == HTTP_CONNECT)
        return (struct http_span){ 0 };
    return (struct http_span){ from, end - from };
}

static struct http_span same_status_line(const struct http_head *h)
{
    static const u32 before = sizeof("HTTP/1.1 200 ") - 1;

    if (h->version_minor == 0 || h->reason.at == 0)
        return (struct http_span){ 0 };
    return (struct http_span){ h->reason.at - before, before + h->reason.len + 2 };
}

static void put_request_line(struct sink *s, const char *bytes, const struct http_head *head,
                             bool stripped)
{
    put(s, http_text(bytes, head->method_text));
    put(s, STR(" "));
    if (head->method == HTTP_CONNECT) {
        put(s, http_text(bytes, head->target));
    } else {
        if (stripped)
            put(s, head->path.len && bytes[head->path.at] == '/' ? STR("") : STR("/"));
        else
            put(s, http_path_prefix(bytes, head));
        put(s, http_text(bytes, head->path));
    }
    put(s, STR(" HTTP/1.1\r\n"));
}

bool rewrite_request(struct block *out, const char *bytes, struct http_head *head,
                     const struct rewrite_request *r)
{
    struct http_span line =
        r->stripped || r->host.len ? (struct http_span){ 0 } : same_request_line(head);
    u64 without = forwarding | r->without;
    struct sink s = sink_of(out);

    if (r->traceparent.len)
        without |= NAME(HTTP_TRACEPARENT) | (r->drop_state ? NAME(HTTP_TRACESTATE) : 0);

    if (line.len == 0)
        put_request_line(&s, bytes, head, r->stripped);
    if (r->host.len) {
        put_field(&s, STR("host"), r->host);
        without |= NAME(HTTP_HOST);
    } else if (head->absolute || !(head->names >> HTTP_HOST & 1)) {
        /* HTTP/1.0 may leave Host out; in HTTP/1.1, as which it goes on, Node insists on one. */
        put_field(&s, STR("host"), http_text(bytes, head->authority));
    }
    put_fields(&s, bytes, head, line, without);
    put_forwarding(&s, bytes, head, r);
    if (r->traceparent.len)
        put_field(&s, STR("traceparent"), r->traceparent);
    put(&s, r->more);
    if (r->via.len)
        put_field(&s, STR("via"), r->via);
    if (r->chunked)
        put(&s, STR("transfer-encoding: chunked\r\n"));
    if (head->te_trailers)
        put(&s, STR("te: trailers\r\n"));
    if (r->upgrade) {
        put(&s, STR("connection: upgrade\r\n"));
        put_field(&s, STR("upgrade"), http_text(bytes, head->upgrade_value));
    }
    put(&s, STR("\r\n"));
    return sink_done(&s, out);
}

static void put_status_line(struct sink *s, const char *bytes, const struct http_head *head)
{
    char digits[STR_U64_MAX];

    put(s, STR("HTTP/1.1 "));
    put(s, str_make(digits, str_put_u64(digits, head->status)));
    put(s, STR(" "));
    put(s, http_text(bytes, head->reason));
    put(s, STR("\r\n"));
}

bool rewrite_response(struct block *out, const char *bytes, struct http_head *head,
                      const struct rewrite_response *r)
{
    struct http_span line = same_status_line(head);
    struct sink s = sink_of(out);

    if (line.len == 0)
        put_status_line(&s, bytes, head);
    put_fields(&s, bytes, head, line, 0);
    put(&s, r->more);
    if (r->upgrade) {
        put(&s, STR("connection: upgrade\r\n"));
        put_field(&s, STR("upgrade"), http_text(bytes, head->upgrade_value));
    } else if (!r->interim) {
        if (r->framing == REWRITE_CHUNKED)
            put(&s, STR("transfer-encoding: chunked\r\n"));
        if (!r->keep)
            put(&s, STR("connection: close\r\n"));
        else if (r->version_minor == 0)
            put(&s, STR("connection: keep-alive\r\n"));
    }
    put(&s, r->fields);
    put(&s, r->load);
    put(&s, STR("\r\n"));
    return sink_done(&s, out);
}

struct str rewrite_field(const char *bytes, struct http_head *head, struct str name)
{
    for (u32 i = 0; i < head->fields_n; i++)
        if (str_eq_nocase(http_text(bytes, head->fields[i].name), name))
            return http_text(bytes, head->fields[i].value);
    return (struct str){ 0 };
}

/* RFC 6265 section 5.4: pairs separated by "; ". */
struct str rewrite_cookie(const char *bytes, struct http_head *head, struct str name)
{
    struct http_field *f = NULL;

    while ((f = http_field_next(head, HTTP_COOKIE, f)) != NULL) {
        struct str rest = http_text(bytes, f->value), value;

        while (rest.ptr) {
            struct str pair = str_cut(rest, ';', &rest);

            if (str_eq(str_trim(str_cut(pair, '=', &value)), name) && value.ptr)
                return str_trim(value);
        }
    }
    return (struct str){ 0 };
}
