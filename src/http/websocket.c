/* http/websocket.c -- WebSocket, RFC 6455: keys, frames, and what a server's frames say */
#include "http/websocket.h"

#include "http/sha1.h"

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

void websocket_key(const u8 nonce[WEBSOCKET_NONCE_BYTES], char out[WEBSOCKET_KEY_CHARS])
{
    base64(nonce, WEBSOCKET_NONCE_BYTES, out);
}

void websocket_accept(const char key[WEBSOCKET_KEY_CHARS], char out[WEBSOCKET_ACCEPT_CHARS])
{
    static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    char text[WEBSOCKET_KEY_CHARS + sizeof(guid) - 1];
    u8 digest[SHA1_BYTES];

    memcpy(text, key, WEBSOCKET_KEY_CHARS);
    memcpy(text + WEBSOCKET_KEY_CHARS, guid, sizeof(guid) - 1);
    sha1(str_make(text, sizeof(text)), digest);
    base64(digest, sizeof(digest), out);
}

/* Section 5.3: each byte with one of the mask's four, in turn. */
static void mask_copy(char *to, struct str from, u32 mask)
{
    u64 twice = (u64)mask << 32 | mask;
    size_t i = 0;

    for (; i + 8 <= from.len; i += 8) {
        u64 x;

        memcpy(&x, from.ptr + i, 8);
        x ^= twice;
        memcpy(to + i, &x, 8);
    }
    for (; i < from.len; i++)
        to[i] = (char)(from.ptr[i] ^ ((const char *)&mask)[i % 4]);
}

void websocket_frame_add(struct buf *out, enum websocket_opcode opcode, struct str payload,
                         u32 mask)
{
    u8 head[WEBSOCKET_HEAD_MAX] = { (u8)(0x80 | opcode) };
    u32 at = 2, length_bytes = payload.len < 126 ? 0 : payload.len < 65536 ? 2 : 8;

    head[1] = 0x80 | (u8)(length_bytes == 0 ? payload.len : length_bytes == 2 ? 126 : 127);
    for (u32 i = 0; i < length_bytes; i++)
        head[at++] = (u8)((u64)payload.len >> 8 * (length_bytes - 1 - i));
    memcpy(head + at, &mask, 4);
    if (!buf_reserve(out, at + 4 + payload.len))
        return;
    buf_add(out, str_make((const char *)head, at + 4));
    mask_copy(out->ptr + out->len, payload, mask);
    out->len += payload.len;
}

size_t websocket_frame_head(struct websocket_frame *out, const char *bytes, size_t len)
{
    const u8 *b = (const u8 *)bytes;
    u32 length_bytes;

    if (len < 2)
        return 0;
    *out = (struct websocket_frame){
        .fin = b[0] & 0x80,
        .reserved = b[0] >> 4 & 7,
        .opcode = b[0] & 0x0f,
        .masked = b[1] & 0x80,
        .payload_bytes = b[1] & 0x7f,
    };
    length_bytes = out->payload_bytes < 126 ? 0 : out->payload_bytes == 126 ? 2 : 8;
    if (len < 2 + length_bytes)
        return 0;
    if (length_bytes)
        out->payload_bytes = 0;
    for (u32 i = 0; i < length_bytes; i++)
        out->payload_bytes = out->payload_bytes << 8 | b[2 + i];
    return 2 + length_bytes;
}

/* Whether a frame may come now (sections 5.1, 5.4 and 5.5); NULL, or what is wrong. */
static const char *frame_mistake(const struct websocket_reader *r, const struct websocket_frame *f)
{
    if (f->reserved)
        return "a frame with reserved bits";
    if (f->masked)
        return "a server's frame is masked";
    switch (f->opcode) {
    case WEBSOCKET_CONTINUATION:
        return r->in_message ? NULL : "a continuation of nothing";
    case WEBSOCKET_TEXT:
    case WEBSOCKET_BINARY:
        return r->in_message ? "a message within a message" : NULL;
    case WEBSOCKET_CLOSE:
    case WEBSOCKET_PING:
    case WEBSOCKET_PONG:
        return f->fin && f->payload_bytes <= WEBSOCKET_CONTROL_MAX
                   ? NULL
                   : "a control frame that is cut or too long";
    }
    return "a frame of an unknown kind";
}

/* False: more bytes are needed, or it is bad. */
static bool head_take(struct websocket_reader *r, const char *bytes, size_t len, size_t *used)
{
    struct websocket_frame f = { .opcode = WEBSOCKET_TEXT };
    size_t n = websocket_frame_head(&f, bytes, len);

    if (n == 0)
        return false;
    r->bad_text = frame_mistake(r, &f);
    if (r->bad_text)
        return false;
    *used += n;
    r->frame = f;
    r->left = f.payload_bytes;
    r->in_frame = true;
    if (f.opcode < WEBSOCKET_CLOSE)
        r->in_message = true;
    else
        r->control_len = 0;
    return true;
}

/* The frame's payload has been read. */
static enum websocket_step frame_end(struct websocket_reader *r)
{
    r->in_frame = false;
    switch (r->frame.opcode) {
    case WEBSOCKET_CLOSE:
        return WEBSOCKET_CLOSED;
    case WEBSOCKET_PING:
        return WEBSOCKET_PINGED;
    case WEBSOCKET_PONG:
        return WEBSOCKET_MORE;
    }
    if (!r->frame.fin)
        return WEBSOCKET_MORE;
    r->in_message = false;
    return WEBSOCKET_END;
}

enum websocket_step websocket_read(struct websocket_reader *r, const char *bytes, size_t len,
                                   size_t *used)
{
    *used = 0;
    for (;;) {
        enum websocket_step step;
        struct str part;

        if (!r->in_frame && !head_take(r, bytes + *used, len - *used, used))
            return r->bad_text ? WEBSOCKET_BAD : WEBSOCKET_MORE;
        part = str_make(bytes + *used, (size_t)min(r->left, (u64)(len - *used)));
        *used += part.len;
        r->left -= part.len;
        if (r->frame.opcode >= WEBSOCKET_CLOSE && part.len) {
            memcpy(r->control + r->control_len, part.ptr, part.len);
            r->control_len += (u8)part.len;
        } else if (part.len) {
            r->part = part;
            return WEBSOCKET_PART;
        }
        if (r->left)
            return WEBSOCKET_MORE;
        step = frame_end(r);
        if (step != WEBSOCKET_MORE)
            return step;
    }
}

void websocket_pong(const struct websocket_reader *r, u32 mask, struct buf *out)
{
    websocket_frame_add(out, WEBSOCKET_PONG, str_make((const char *)r->control, r->control_len),
                        mask);
}
