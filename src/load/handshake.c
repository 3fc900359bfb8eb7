/* load/handshake.c -- how a connection becomes a WebSocket: RFC 6455 section 4, a client's side */
#include "load/handshake.h"

#include "load/sha1.h"

enum { KEY_BYTES = 16, KEY_CHARS = 24 };

/* RFC 4648 section 4. `out` has room for 4 characters for each 3 bytes begun. */
static void base64(const u8 *bytes, u32 len, char *out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    for (u32 i = 0; i < len; i += 3) {
        u32 left = len - i;
        u32 x = (u32)bytes[i] << 16 | (left > 1 ? (u32)bytes[i + 1] << 8 : 0) |
                (left > 2 ? bytes[i + 2] : 0);

        *out++ = digits[x >> 18];
        *out++ = digits[x >> 12 & 63];
        *out++ = left > 1 ? digits[x >> 6 & 63] : '=';
        *out++ = left > 2 ? digits[x & 63] : '=';
    }
}

static void accept_of(struct str key, char out[HANDSHAKE_ACCEPT_CHARS])
{
    static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    char text[KEY_CHARS + sizeof(guid) - 1];
    u8 digest[SHA1_BYTES];

    memcpy(text, key.ptr, KEY_CHARS);
    memcpy(text + KEY_CHARS, guid, sizeof(guid) - 1);
    sha1(str_make(text, sizeof(text)), digest);
    base64(digest, sizeof(digest), out);
}

void handshake_begin(struct handshake *h, struct random *random, struct str path,
                     struct str authority, bool host, struct str fields, struct buf *out)
{
    u64 nonce[KEY_BYTES / 8] = { random_u64(random), random_u64(random) };
    char key[KEY_CHARS];

    base64((const u8 *)nonce, KEY_BYTES, key);
    accept_of(str_make(key, KEY_CHARS), h->accept);
    buf_addf(out, "GET %s%.*s HTTP/1.1\r\n", str_starts(path, STR("/")) ? "" : "/", STR_ARG(path));
    if (host)
        buf_addf(out, "Host: %.*s\r\n", STR_ARG(authority));
    buf_add(out, fields);
    buf_addf(out,
             "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
             "Sec-WebSocket-Key: %.*s\r\n\r\n",
             KEY_CHARS, key);
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
