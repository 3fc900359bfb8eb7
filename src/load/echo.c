/* load/echo.c -- messages of a WebSocket and their echo: RFC 6455 section 5, a client's side */
#include "load/echo.h"

/* A frame is masked with a key of its own, as section 5.3 wants it. */
static void frame_add(struct buf *out, enum websocket_opcode opcode, struct str payload,
                      struct random *random)
{
    websocket_frame_add(out, opcode, payload, (u32)random_u64(random));
}

static bool is_utf8(struct str s)
{
    for (size_t i = 0; i < s.len;) {
        size_t n = (u8)s.ptr[i] < 0x80 ? 1 : str_utf8_len(s, i);

        if (n == 0)
            return false;
        i += n;
    }
    return true;
}

void echo_send(struct echo *e, struct str message, struct random *random, struct buf *out)
{
    e->want = message;
    e->wanted = true;
    frame_add(out, is_utf8(message) ? WEBSOCKET_TEXT : WEBSOCKET_BINARY, message, random);
}

void echo_pong(const struct echo *e, struct random *random, struct buf *out)
{
    websocket_pong(&e->reader, (u32)random_u64(random), out);
}

void echo_bye(struct random *random, struct buf *out)
{
    frame_add(out, WEBSOCKET_CLOSE, STR("\x03\xe8"), random);
}

static enum echo_step bad(struct echo *e, const char *text)
{
    e->bad_text = text;
    return ECHO_BAD;
}

static enum echo_step part_take(struct echo *e, struct str part)
{
    if (!e->wanted)
        return bad(e, "a message that is no echo");
    if (part.len > e->want.len)
        return bad(e, "the echo is longer than what was sent");
    if (memcmp(e->want.ptr, part.ptr, part.len) != 0)
        return bad(e, "the echo differs from what was sent");
    e->want = str_sub(e->want, part.len, e->want.len);
    return ECHO_MORE;
}

static enum echo_step message_end(struct echo *e)
{
    if (!TAKE(e->wanted, false))
        return bad(e, "a message that is no echo");
    return e->want.len ? bad(e, "the echo is shorter than what was sent") : ECHO_DONE;
}

/* What the frame under way has announced. */
static bool is_too_long(const struct echo *e)
{
    const struct websocket_reader *r = &e->reader;

    return r->in_frame && r->frame.opcode < WEBSOCKET_CLOSE && r->left > e->want.len;
}

enum echo_step echo_feed(struct echo *e, const char *bytes, size_t len, size_t *used)
{
    *used = 0;
    for (;;) {
        size_t n;
        enum websocket_step step = websocket_read(&e->reader, bytes + *used, len - *used, &n);
        enum echo_step said = ECHO_MORE;

        *used += n;
        switch (step) {
        case WEBSOCKET_MORE:
            return is_too_long(e) ? bad(e, "the echo is longer than what was sent") : ECHO_MORE;
        case WEBSOCKET_PART:
            said = part_take(e, e->reader.part);
            break;
        case WEBSOCKET_END:
            said = message_end(e);
            break;
        case WEBSOCKET_PINGED:
            return ECHO_PING;
        case WEBSOCKET_CLOSED:
            return ECHO_CLOSED;
        case WEBSOCKET_BAD:
            return bad(e, e->reader.bad_text);
        }
        if (said != ECHO_MORE)
            return said;
    }
}
