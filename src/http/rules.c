/* http/rules.c -- what a head's parts mean, and which may stand together */
#include "http/rules.h"

#include "http/target.h"

enum { OPTIONS_MAX = 64 };

bool rules_fail(struct http_parser *p, u32 status, const char *text)
{
    /* A client cannot mend what a worker wrote wrongly. */
    p->error.status = p->role == HTTP_RESPONSE ? 502 : status;
    p->error.text = text;
    return false;
}

static bool has(const struct http_parser *p, enum http_name id)
{
    return p->head.names >> id & 1;
}

static bool absolute_form(struct http_parser *p, struct str target)
{
    struct http_head *h = &p->head;
    struct http_authority a;
    size_t from, to;

    if (str_starts_nocase(target, STR("http://")))
        from = 7;
    else if (str_starts_nocase(target, STR("https://")))
        from = 8;
    else
        return rules_fail(p, 400, "the target is neither a path nor an http or https URI");
    for (to = from; to < target.len && target.ptr[to] != '/' && target.ptr[to] != '?'; to++)
        ;
    if (!http_authority_parse(str_sub(target, from, to - from), &a))
        return rules_fail(p, 400, "the target's authority is not host[:port]");
    h->absolute = true;
    h->authority = (struct http_span){ h->target.at + from, to - from };
    h->path = (struct http_span){ h->target.at + to, target.len - to };
    return true;
}

bool rules_target(struct http_parser *p, const char *bytes)
{
    struct http_head *h = &p->head;
    struct str target = http_text(bytes, h->target);
    struct http_authority a;

    h->method = http_method_find(http_text(bytes, h->method_text));
    if (h->method == HTTP_CONNECT) {
        if (!http_authority_parse(target, &a) || a.port == 0)
            return rules_fail(p, 400, "the target of CONNECT is not host:port");
        h->authority = h->target;
        return true;
    }
    h->path = h->target;
    if (target.ptr[0] == '/')
        return true;
    if (target.len == 1 && target.ptr[0] == '*') {
        if (h->method != HTTP_OPTIONS)
            return rules_fail(p, 400, "the target \"*\" is for OPTIONS only");
        return true;
    }
    return absolute_form(p, target);
}

static bool host(struct http_parser *p, const char *bytes, struct http_field *f)
{
    struct http_authority a;

    if (p->role == HTTP_RESPONSE)
        return true;
    if (has(p, HTTP_HOST))
        return rules_fail(p, 400, "two Host fields");
    /* Empty is right for a target without an authority (RFC 9112 3.2). */
    if (f->value.len && !http_authority_parse(http_text(bytes, f->value), &a))
        return rules_fail(p, 400, "Host is not host[:port]");
    f->drop = p->head.absolute;
    if (!p->head.absolute && p->head.method != HTTP_CONNECT)
        p->head.authority = f->value;
    return true;
}

static bool content_length(struct http_parser *p, const char *bytes, struct http_field *f)
{
    u64 n;

    if (has(p, HTTP_CONTENT_LENGTH))
        return rules_fail(p, 400, "two Content-Length fields");
    if (has(p, HTTP_TRANSFER_ENCODING))
        return rules_fail(p, 400, "Content-Length after Transfer-Encoding");
    /* 19 digits hold every number that an i64 does. */
    if (f->value.len > 19 || !str_to_u64(http_text(bytes, f->value), &n) || n > INT64_MAX)
        return rules_fail(p, 400, "Content-Length is not a number, or too large");
    p->head.framing = HTTP_BODY_LENGTH;
    p->head.content_length = n;
    return true;
}

/* Codings that exist, before a last "chunked" or without it: the client is right and not served
 * (RFC 9112 6.1). All else that is not "chunked" is an attempt. */
static bool coding_exists(struct str value)
{
    static const struct str codings[] = { STR("gzip"), STR("deflate"), STR("compress"),
                                          STR("x-gzip"), STR("x-compress") };
    struct str rest = value;
    bool found = false;

    while (rest.ptr) {
        struct str item = str_trim(str_cut(rest, ',', &rest));
        bool known = false;

        if (found && !rest.ptr && str_eq_nocase(item, STR("chunked")))
            return true;
        for (size_t i = 0; i < ARRAY_LEN(codings); i++)
            known |= str_eq_nocase(item, codings[i]);
        if (!known)
            return false;
        found = true;
    }
    return found;
}

static bool transfer_encoding(struct http_parser *p, const char *bytes, struct http_field *f)
{
    struct str value = http_text(bytes, f->value);

    if (has(p, HTTP_TRANSFER_ENCODING))
        return rules_fail(p, 400, "two Transfer-Encoding fields");
    if (has(p, HTTP_CONTENT_LENGTH))
        return rules_fail(p, 400, "Transfer-Encoding after Content-Length");
    if (p->head.version_minor == 0)
        return rules_fail(p, 400, "Transfer-Encoding in HTTP/1.0");
    if (!str_eq_nocase(value, STR("chunked"))) {
        if (coding_exists(value))
            return rules_fail(p, 501, "Transfer-Encoding other than chunked");
        return rules_fail(p, 400, "Transfer-Encoding is not \"chunked\"");
    }
    p->head.framing = HTTP_BODY_CHUNKED;
    return true;
}

/* One option of Connection. */
static bool option(struct http_parser *p, struct str name)
{
    enum http_name id = http_name_find(name);

    if (id == HTTP_KEEP_ALIVE) {
        p->options |= RULES_KEEP_ALIVE;
        return true;
    }
    if (str_eq_nocase(name, STR("close"))) {
        p->options |= RULES_CLOSE;
        return true;
    }
    if (id == HTTP_UPGRADE)
        p->options |= RULES_UPGRADE;
    else if (p->role == HTTP_REQUEST && (id == HTTP_HOST || id == HTTP_CONTENT_LENGTH))
        return rules_fail(p, 400, "Connection names Host or Content-Length");
    else if (name.len && !(http_name_flags(id) & (HTTP_NAME_HOP | HTTP_NAME_KEPT)))
        p->options |= RULES_NAMED;
    return true;
}

static bool connection(struct http_parser *p, const char *bytes, struct http_field *f)
{
    struct str rest = http_text(bytes, f->value);

    if (str_eq(rest, STR("keep-alive")) && p->options_n < OPTIONS_MAX) { /* nearly always */
        p->options_n++;
        p->options |= RULES_KEEP_ALIVE;
        return true;
    }
    while (rest.ptr) {
        struct str name = str_trim(str_cut(rest, ',', &rest));

        /* Each is compared with each field at the end. */
        if (++p->options_n > OPTIONS_MAX)
            return rules_fail(p, 400, "too many options in Connection");
        if (!option(p, name))
            return false;
    }
    return true;
}

static bool list_has(struct str list, struct str want)
{
    while (list.ptr)
        if (str_eq_nocase(str_trim(str_cut(list, ',', &list)), want))
            return true;
    return false;
}

/* The names whose fields mean something to the head as a whole. */
static const u64 ruled = 1ull << HTTP_HOST | 1ull << HTTP_CONTENT_LENGTH |
                         1ull << HTTP_TRANSFER_ENCODING | 1ull << HTTP_CONNECTION |
                         1ull << HTTP_UPGRADE | 1ull << HTTP_EXPECT | 1ull << HTTP_TE;

static bool rule(struct http_parser *p, const char *bytes, struct http_field *f)
{
    struct http_head *h = &p->head;
    bool good = true;

    switch ((int)f->id) {
    case HTTP_HOST:
        good = host(p, bytes, f);
        break;
    case HTTP_CONTENT_LENGTH:
        good = content_length(p, bytes, f);
        break;
    case HTTP_TRANSFER_ENCODING:
        good = transfer_encoding(p, bytes, f);
        break;
    case HTTP_CONNECTION:
        good = connection(p, bytes, f);
        break;
    case HTTP_UPGRADE:
        if (!has(p, HTTP_UPGRADE))
            h->upgrade_value = f->value;
        else if (p->role == HTTP_REQUEST)
            return rules_fail(p, 400, "two Upgrade fields");
        break;
    case HTTP_EXPECT:
        h->expect_continue |=
            h->version_minor == 1 && str_eq_nocase(http_text(bytes, f->value), STR("100-continue"));
        break;
    case HTTP_TE:
        h->te_trailers |= list_has(http_text(bytes, f->value), STR("trailers"));
        break;
    }
    return good;
}

bool rules_field(struct http_parser *p, const char *bytes, struct http_field *f)
{
    enum http_name id = http_name_find(http_text(bytes, f->name));

    f->id = id;
    f->drop = http_name_flags(id) & HTTP_NAME_HOP;
    if (id == HTTP_NAME_OTHER)
        return true;
    if (ruled >> id & 1 && !rule(p, bytes, f))
        return false;
    p->head.names |= 1ull << id;
    return true;
}

/* Every field that has the name of an option is for this connection only. */
static void drop_named(struct http_parser *p, const char *bytes, struct str options)
{
    struct http_head *h = &p->head;

    while (options.ptr) {
        struct str name = str_trim(str_cut(options, ',', &options));

        for (u32 i = 0; name.len && i < h->fields_n; i++) {
            struct http_field *f = &h->fields[i];

            if (f->name.len == name.len && !(http_name_flags(f->id) & HTTP_NAME_KEPT) &&
                str_eq_nocase(http_text(bytes, f->name), name))
                f->drop = true;
        }
    }
}

bool rules_head(struct http_parser *p, const char *bytes)
{
    struct http_head *h = &p->head;

    if (p->role == HTTP_REQUEST) {
        if (h->version_minor == 1 && !has(p, HTTP_HOST))
            return rules_fail(p, 400, "HTTP/1.1 without Host");
        if (h->method == HTTP_CONNECT && h->framing != HTTP_BODY_NONE)
            return rules_fail(p, 400, "CONNECT with a body");
    } else if (h->framing == HTTP_BODY_NONE) {
        h->framing = HTTP_BODY_CLOSE;
    }
    h->keep_alive =
        !(p->options & RULES_CLOSE) && (h->version_minor == 1 || (p->options & RULES_KEEP_ALIVE));
    /* Upgrade in HTTP/1.0 is to be ignored (RFC 9110 7.8). */
    h->upgrade = h->version_minor == 1 && (p->options & RULES_UPGRADE) && h->upgrade_value.len;
    if (!h->upgrade)
        h->upgrade_value = (struct http_span){ 0 };
    if (p->options & RULES_NAMED) {
        struct http_field *f = NULL;

        while ((f = http_field_next(h, HTTP_CONNECTION, f)))
            drop_named(p, bytes, http_text(bytes, f->value));
    }
    return true;
}
