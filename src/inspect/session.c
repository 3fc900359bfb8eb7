/* inspect/session.c -- a conversation with an inspector: WebSocket and the DevTools protocol */
#include "inspect/session.h"

#include "http/head.h"

enum { FIELDS_MAX = 32 };

static const struct http_limits limits = {
    .line_bytes_max = 1024,
    .head_bytes_max = SESSION_HEAD_MAX,
    .fields_max = FIELDS_MAX,
};

void session_init(struct session *s, struct str authority, struct str path, u64 seed)
{
    u64 nonce[WEBSOCKET_NONCE_BYTES / 8];
    char key[WEBSOCKET_KEY_CHARS];

    *s = (struct session){ .random = { seed } };
    nonce[0] = random_u64(&s->random);
    nonce[1] = random_u64(&s->random);
    websocket_key((const u8 *)nonce, key);
    websocket_accept(key, s->accept);
    buf_addf(&s->out,
             "GET %.*s HTTP/1.1\r\nHost: %.*s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
             "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %.*s\r\n\r\n",
             STR_ARG(path), STR_ARG(authority), WEBSOCKET_KEY_CHARS, key);
}

void session_done(struct session *s)
{
    buf_done(&s->out);
    buf_done(&s->bulk);
    message_done(&s->message);
    *s = (struct session){ 0 };
}

static u32 mask_of(struct session *s)
{
    return (u32)random_u64(&s->random);
}

u64 session_ask(struct session *s, const char *method, struct str params)
{
    AUTO(buf_done) struct buf text = { 0 };

    buf_addf(&text, "{\"id\":%llu,\"method\":\"%s\"", (unsigned long long)++s->asked, method);
    if (params.len)
        buf_addf(&text, ",\"params\":%.*s", STR_ARG(params));
    buf_addc(&text, '}');
    s->out.failed |= text.failed;
    websocket_frame_add(&s->out, WEBSOCKET_TEXT, buf_str(&text), mask_of(s));
    return s->asked;
}

void session_bye(struct session *s)
{
    websocket_frame_add(&s->out, WEBSOCKET_CLOSE, STR("\x03\xe8"), mask_of(s));
}

static enum session_step bad(struct session *s, const char *text)
{
    snprintf(s->bad_text, sizeof(s->bad_text), "%s", text);
    return SESSION_BAD;
}

/* The answer to the upgrade, from its first byte. */
static enum session_step head_feed(struct session *s, const char *bytes, size_t len, size_t *used)
{
    struct http_field fields[FIELDS_MAX];
    const struct http_field *accept;
    struct http_parser parser;
    struct http_error error;
    struct http_head head;

    *used = 0;
    http_parser_init(&parser, HTTP_RESPONSE, &limits, fields, FIELDS_MAX);
    switch (http_parse_head(&parser, bytes, len, &head, &error)) {
    case HTTP_MORE:
        return SESSION_MORE;
    case HTTP_BAD:
        return bad(s, error.text);
    case HTTP_DONE:
        break;
    }
    if (head.status != 101) {
        snprintf(s->bad_text, sizeof(s->bad_text), "the upgrade was answered with %u", head.status);
        return SESSION_BAD;
    }
    accept = http_field_find(&head, HTTP_SEC_WEBSOCKET_ACCEPT);
    if (!accept || !str_eq(http_text(bytes, accept->value), str_make(s->accept, sizeof(s->accept))))
        return bad(s, "Sec-WebSocket-Accept does not fit the key");
    *used = head.head_bytes;
    s->is_open = true;
    return SESSION_OPEN;
}

/* MORE: nothing to tell of it. */
static enum session_step part_feed(struct session *s, struct str part)
{
    if (message_feed(&s->message, part, &s->bulk) < 0)
        return bad(s, "a message that is no JSON");
    return s->bulk.len || s->bulk.failed ? SESSION_BULK : SESSION_MORE;
}

enum session_step session_feed(struct session *s, const char *bytes, size_t len, size_t *used)
{
    *used = 0;
    if (!s->is_open)
        return head_feed(s, bytes, len, used);
    if (TAKE(s->is_read, false))
        message_clear(&s->message);
    for (;;) {
        size_t n;
        enum websocket_step step = websocket_read(&s->reader, bytes + *used, len - *used, &n);

        *used += n;
        switch (step) {
        case WEBSOCKET_MORE:
            return SESSION_MORE;
        case WEBSOCKET_PART: {
            enum session_step told = part_feed(s, s->reader.part);

            if (told != SESSION_MORE)
                return told;
            break;
        }
        case WEBSOCKET_END:
            s->is_read = true;
            return SESSION_MESSAGE;
        case WEBSOCKET_PINGED:
            websocket_pong(&s->reader, mask_of(s), &s->out);
            break;
        case WEBSOCKET_CLOSED:
            return SESSION_CLOSED;
        case WEBSOCKET_BAD:
            return bad(s, s->reader.bad_text);
        }
    }
}
