/* proxy/rewrite.c -- what changes in a head on its way through */
#include "proxy/rewrite.h"

#include "http/write.h"

/* Appends and remembers whether anything did not fit. */
struct sink {
    struct block *to;
    bool full;
};

static void put(struct sink *s, struct str text)
{
    if (!block_add(s->to, text))
        s->full = true;
}

static void put_field(struct sink *s, struct str name, struct str value)
{
    put(s, name);
    put(s, STR(": "));
    put(s, value);
    put(s, STR("\r\n"));
}

/* As it came: name, separator and value lie together in `bytes` but for odd spaces. */
static void put_same(struct sink *s, const char *bytes, const struct http_field *f)
{
    if (f->value.at == f->name.at + f->name.len + 2 && bytes[f->value.at - 1] == ' ') {
        put(s, str_make(bytes + f->name.at, f->value.at + f->value.len - f->name.at));
        put(s, STR("\r\n"));
    } else {
        put_field(s, http_text(bytes, f->name), http_text(bytes, f->value));
    }
}

/* Fields that only a trusted peer may send; `made_anew` are those that we write ourselves. */
static bool is_forwarding(enum http_name id)
{
    return id == HTTP_X_FORWARDED_FOR || id == HTTP_X_FORWARDED_PROTO ||
           id == HTTP_X_FORWARDED_HOST || id == HTTP_X_FORWARDED_PORT || id == HTTP_X_REAL_IP ||
           id == HTTP_FORWARDED || id == HTTP_X_REQUEST_ID;
}

static struct str trusted_value(const char *bytes, struct http_head *head,
                                const struct rewrite_request *r, enum http_name id)
{
    struct http_field *f = r->trusted ? http_field_find(head, id) : NULL;

    return f ? http_text(bytes, f->value) : (struct str){ 0 };
}

static void put_forwarding(struct sink *s, const char *bytes, struct http_head *head,
                           const struct rewrite_request *r)
{
    struct str proto = trusted_value(bytes, head, r, HTTP_X_FORWARDED_PROTO);
    struct str host = trusted_value(bytes, head, r, HTTP_X_FORWARDED_HOST);
    struct http_field *f = NULL;

    /* One address, and the same as the socket's: an app gets the same client from either, whatever
     * number of hops it trusts, and what a client wrote before a trusted proxy appended is gone. */
    put_field(s, STR("x-forwarded-for"), r->client_ip);
    put_field(s, STR("x-forwarded-proto"), proto.len ? proto : r->scheme);
    host = host.len ? host : http_text(bytes, head->authority);
    if (host.len)
        put_field(s, STR("x-forwarded-host"), host);
    put_field(s, STR("x-request-id"), r->request_id);
    if (!r->trusted)
        return;
    while ((f = http_field_next(head, HTTP_FORWARDED, f)) != NULL)
        put_same(s, bytes, f);
    if ((f = http_field_find(head, HTTP_X_FORWARDED_PORT)) != NULL)
        put_same(s, bytes, f);
    if ((f = http_field_find(head, HTTP_X_REAL_IP)) != NULL)
        put_same(s, bytes, f);
}

static void put_request_line(struct sink *s, const char *bytes, const struct http_head *head)
{
    put(s, http_text(bytes, head->method_text));
    put(s, STR(" "));
    if (head->method == HTTP_CONNECT) {
        put(s, http_text(bytes, head->target));
    } else {
        put(s, http_path_prefix(bytes, head));
        put(s, http_text(bytes, head->path));
    }
    put(s, STR(" HTTP/1.1\r\n"));
}

bool rewrite_request(struct block *out, const char *bytes, struct http_head *head,
                     const struct rewrite_request *r)
{
    struct sink s = { .to = out };

    put_request_line(&s, bytes, head);
    /* HTTP/1.0 may leave Host out; in HTTP/1.1, as which it goes on, Node insists on one. */
    if (head->absolute || !(head->names >> HTTP_HOST & 1))
        put_field(&s, STR("host"), http_text(bytes, head->authority));
    for (u32 i = 0; i < head->fields_n; i++) {
        const struct http_field *f = &head->fields[i];

        if ((!f->drop || f->id == HTTP_TRAILER) && !is_forwarding(f->id))
            put_same(&s, bytes, f);
    }
    put_forwarding(&s, bytes, head, r);
    if (r->chunked)
        put(&s, STR("transfer-encoding: chunked\r\n"));
    if (head->te_trailers)
        put(&s, STR("te: trailers\r\n"));
    if (r->upgrade) {
        put(&s, STR("connection: upgrade\r\n"));
        put_field(&s, STR("upgrade"), http_text(bytes, head->upgrade_value));
    }
    put_field(&s, STR("fettle-peer"), r->agent_peer); /* the agent wants it last */
    put(&s, STR("\r\n"));
    return !s.full;
}

static void put_status_line(struct sink *s, const char *bytes, const struct http_head *head)
{
    char status[8];

    snprintf(status, sizeof(status), "%03u ", head->status);
    put(s, STR("HTTP/1.1 "));
    put(s, str_of(status));
    put(s, http_text(bytes, head->reason));
    put(s, STR("\r\n"));
}

bool rewrite_response(struct block *out, const char *bytes, struct http_head *head,
                      const struct rewrite_response *r)
{
    struct sink s = { .to = out };

    put_status_line(&s, bytes, head);
    for (u32 i = 0; i < head->fields_n; i++)
        if (!head->fields[i].drop || head->fields[i].id == HTTP_TRAILER)
            put_same(&s, bytes, &head->fields[i]);
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
    put(&s, STR("\r\n"));
    return !s.full;
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
