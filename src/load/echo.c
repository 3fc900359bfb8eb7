/* load/echo.c -- messages of a WebSocket and their echo: RFC 6455 section 5, a client's side */
#include "load/echo.h"

enum opcode { CONTINUATION, TEXT, BINARY, CLOSE = 8, PING, PONG };

/* Section 5.3: each byte with one of the key's four, in turn. */
static void mask(char *to, struct str from, u32 key)
{
    u64 twice = (u64)key << 32 | key;
    size_t i = 0;

    for (; i + 8 <= from.len; i += 8) {
        u64 x;

        memcpy(&x, from.ptr + i, 8);
        x ^= twice;
        memcpy(to + i, &x, 8);
    }
    for (; i < from.len; i++)
        to[i] = (char)(from.ptr[i] ^ ((const char *)&key)[i % 4]);
}

/* A frame is masked with a key of its own, as section 5.3 wants it. */
static void frame_add(struct buf *out, enum opcode opcode, struct str payload,
                      struct random *random)
{
    u32 key = (u32)random_u64(random);
    u8 head[ECHO_HEAD_MAX] = { (u8)(0x80 | opcode) };
    u32 at = 2, length_bytes = payload.len < 126 ? 0 : payload.len < 65536 ? 2 : 8;

    head[1] = 0x80 | (u8)(length_bytes == 0 ? payload.len : length_bytes == 2 ? 126 : 127);
    for (u32 i = 0; i < length_bytes; i++)
        head[at++] = (u8)((u64)payload.len >> 8 * (length_bytes - 1 - i));
    memcpy(head + at, &key, 4);
    if (!buf_reserve(out, at + 4 + payload.len))
        return;
    buf_add(out, str_make((const char *)head, at + 4));
    mask(out->ptr + out->len, payload, key);
    out->len += payload.len;
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
    frame_add(out, is_utf8(message) ? TEXT : BINARY, message, random);
}

void echo_pong(const struct echo *e, struct random *random, struct buf *out)
{
    frame_add(out, PONG, str_make((const char *)e->control, e->control_len), random);
}

void echo_bye(struct random *random, struct buf *out)
{
    frame_add(out, CLOSE, STR("\x03\xe8"), random);
}

static enum echo_step bad(struct echo *e, const char *text)
{
    e->bad_text = text;
    return ECHO_BAD;
}

/* Whether a frame may come now: section 5.4 and 5.5. */
static enum echo_step frame_check(struct echo *e, u8 first, u8 second)
{
    if (first & 0x70)
        return bad(e, "a frame with reserved bits");
    if (second & 0x80)
        return bad(e, "a server's frame is masked");
    switch (e->opcode) {
    case CONTINUATION:
        return e->in_message ? ECHO_MORE : bad(e, "a continuation of nothing");
    case TEXT:
    case BINARY:
        if (e->in_message)
            return bad(e, "a message within a message");
        return e->wanted ? ECHO_MORE : bad(e, "a message that is no echo");
    case CLOSE:
    case PING:
    case PONG:
        return e->fin && (second & 0x7f) <= ECHO_CONTROL_MAX
                   ? ECHO_MORE
                   : bad(e, "a control frame that is cut or too long");
    }
    return bad(e, "a frame of an unknown kind");
}

/* The head of a frame; *used stays 0 while it is not complete. */
static enum echo_step head_feed(struct echo *e, const u8 *bytes, size_t len, size_t *used)
{
    u32 length_bytes;
    enum echo_step step;

    if (len < 2)
        return ECHO_MORE;
    e->fin = bytes[0] & 0x80;
    e->opcode = bytes[0] & 0x0f;
    step = frame_check(e, bytes[0], bytes[1]);
    if (step != ECHO_MORE)
        return step;
    e->left = bytes[1] & 0x7f;
    length_bytes = e->left < 126 ? 0 : e->left == 126 ? 2 : 8;
    if (len < 2 + length_bytes)
        return ECHO_MORE;
    if (length_bytes)
        e->left = 0;
    for (u32 i = 0; i < length_bytes; i++)
        e->left = e->left << 8 | bytes[2 + i];
    if (e->opcode < CLOSE) {
        if (e->left > e->want.len)
            return bad(e, "the echo is longer than what was sent");
        e->in_message = true;
    }
    e->control_len = 0;
    e->in_frame = true;
    *used = 2 + length_bytes;
    return ECHO_MORE;
}

static enum echo_step payload_take(struct echo *e, struct str part)
{
    if (e->opcode >= CLOSE) {
        memcpy(e->control + e->control_len, part.ptr, part.len);
        e->control_len += (u8)part.len;
        return ECHO_MORE;
    }
    if (memcmp(e->want.ptr, part.ptr, part.len) != 0)
        return bad(e, "the echo differs from what was sent");
    e->want = str_sub(e->want, part.len, e->want.len);
    return ECHO_MORE;
}

static enum echo_step frame_end(struct echo *e)
{
    e->in_frame = false;
    switch (e->opcode) {
    case CLOSE:
        return ECHO_CLOSED;
    case PING:
        return ECHO_PING;
    case PONG:
        return ECHO_MORE;
    }
    if (!e->fin)
        return ECHO_MORE;
    e->in_message = e->wanted = false;
    return e->want.len ? bad(e, "the echo is shorter than what was sent") : ECHO_DONE;
}

enum echo_step echo_feed(struct echo *e, const char *bytes, size_t len, size_t *used)
{
    enum echo_step step = ECHO_MORE;

    *used = 0;
    while (step == ECHO_MORE) {
        size_t n = 0;

        if (!e->in_frame) {
            step = head_feed(e, (const u8 *)bytes + *used, len - *used, &n);
            *used += n;
            if (step != ECHO_MORE || !e->in_frame)
                return step;
        }
        n = (size_t)min(e->left, (u64)(len - *used));
        if (n)
            step = payload_take(e, str_make(bytes + *used, n));
        *used += n;
        e->left -= n;
        if (step != ECHO_MORE)
            return step;
        if (e->left)
            return ECHO_MORE;
        step = frame_end(e);
    }
    return step;
}
