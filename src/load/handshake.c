/* load/handshake.c -- how a connection becomes a WebSocket: RFC 6455 section 4, a client's side */
#include "load/handshake.h"

#include "http/websocket.h"

void handshake_begin(struct handshake *h, struct random *random, struct str path,
                     struct str authority, bool host, struct str fields, struct buf *out)
{
    u64 nonce[WEBSOCKET_NONCE_BYTES / 8] = { random_u64(random), random_u64(random) };
    char key[WEBSOCKET_KEY_CHARS];

    websocket_key((const u8 *)nonce, key);
    websocket_accept(key, h->accept);
    buf_addf(out, "GET %s%.*s HTTP/1.1\r\n", str_starts(path, STR("/")) ? "" : "/", STR_ARG(path));
    if (host)
        buf_addf(out, "Host: %.*s\r\n", STR_ARG(authority));
    buf_add(out, fields);
    buf_addf(out,
             "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
             "Sec-WebSocket-Key: %.*s\r\n\r\n",
             WEBSOCKET_KEY_CHARS, key);
}

static enum answer_step bad(struct handshake *h, const char *text)
{
    snprintf(h->bad_text, sizeof(h->bad_text), "%s", text);
    return ANSWER_BAD;
}

enum answer_step handshake_feed(struct handshake *h, const char *bytes, size_t len, size_t *used)
{
    struct http_field fields[ANSWER_FIELDS_MAX];
    const struct http_field *accept;
    struct http_parser parser;
    struct http_error error;
    struct http_head head;

    *used = 0;
    http_parser_init(&parser, HTTP_RESPONSE, &answer_limits, fields, ANSWER_FIELDS_MAX);
    switch (http_parse_head(&parser, bytes, len, &head, &error)) {
    case HTTP_MORE:
        return ANSWER_MORE;
    case HTTP_BAD:
        return bad(h, error.text);
    case HTTP_DONE:
        break;
    }
    if (head.status != 101) {
        snprintf(h->bad_text, sizeof(h->bad_text), "the upgrade was answered with %u", head.status);
        return ANSWER_BAD;
    }
    accept = http_field_find(&head, HTTP_SEC_WEBSOCKET_ACCEPT);
    if (!head.upgrade || !str_eq_nocase(http_text(bytes, head.upgrade_value), STR("websocket")))
        return bad(h, "the 101 does not upgrade to websocket");
    if (!accept || !str_eq(http_text(bytes, accept->value), str_make(h->accept, sizeof(h->accept))))
        return bad(h, "Sec-WebSocket-Accept does not fit the key");
    if (http_field_find(&head, HTTP_SEC_WEBSOCKET_EXTENSIONS))
        return bad(h, "an extension that was not offered");
    *used = head.head_bytes;
    return ANSWER_DONE;
}
