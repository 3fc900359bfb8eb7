/* otlp/protobuf.c -- writes protobuf's wire format */
#include "otlp/protobuf.h"

#include <endian.h>

enum wire { VARINT = 0, FIXED64 = 1, LENGTH = 2, FIXED32 = 5 };
enum { VARINT_MAX = 10 };

static size_t varint_put(char out[VARINT_MAX], u64 n)
{
    size_t len = 0;

    for (; n >= 0x80; n >>= 7)
        out[len++] = (char)(n | 0x80);
    out[len++] = (char)n;
    return len;
}

static void varint(struct buf *out, u64 n)
{
    char bytes[VARINT_MAX];

    buf_add(out, str_make(bytes, varint_put(bytes, n)));
}

static void tag(struct buf *out, u32 field, enum wire wire)
{
    varint(out, (u64)field << 3 | wire);
}

void protobuf_one_u64(struct buf *out, u32 field, u64 n)
{
    tag(out, field, VARINT);
    varint(out, n);
}

void protobuf_u64(struct buf *out, u32 field, u64 n)
{
    if (n)
        protobuf_one_u64(out, field, n);
}

void protobuf_one_fixed64(struct buf *out, u32 field, u64 n)
{
    u64 little = htole64(n);

    tag(out, field, FIXED64);
    buf_add(out, str_make((const char *)&little, sizeof(little)));
}

void protobuf_fixed64(struct buf *out, u32 field, u64 n)
{
    if (n)
        protobuf_one_fixed64(out, field, n);
}

void protobuf_fixed32(struct buf *out, u32 field, u32 n)
{
    u32 little = htole32(n);

    if (!n)
        return;
    tag(out, field, FIXED32);
    buf_add(out, str_make((const char *)&little, sizeof(little)));
}

void protobuf_double(struct buf *out, u32 field, double n)
{
    u64 bits;

    memcpy(&bits, &n, sizeof(bits));
    protobuf_one_fixed64(out, field, bits);
}

void protobuf_bytes(struct buf *out, u32 field, struct str s)
{
    if (!s.len)
        return;
    tag(out, field, LENGTH);
    varint(out, s.len);
    buf_add(out, s);
}

void protobuf_one_text(struct buf *out, u32 field, struct str s)
{
    size_t at;

    tag(out, field, LENGTH);
    varint(out, s.len);
    at = out->len;
    buf_add(out, s);
    for (size_t i = 0; i < s.len && !out->failed;) {
        size_t len = str_utf8_len(s, i);

        if (len == 0)
            out->ptr[at + i] = '?';
        i += len ? len : 1;
    }
}

void protobuf_text(struct buf *out, u32 field, struct str s)
{
    if (s.len)
        protobuf_one_text(out, field, s);
}

void protobuf_packed64(struct buf *out, u32 field, const u64 *n, u32 count)
{
    tag(out, field, LENGTH);
    varint(out, (u64)count * 8);
    for (u32 i = 0; i < count; i++) {
        u64 little = htole64(n[i]);

        buf_add(out, str_make((const char *)&little, sizeof(little)));
    }
}

size_t protobuf_begin(struct buf *out, u32 field)
{
    tag(out, field, LENGTH);
    return out->len;
}

void protobuf_end(struct buf *out, size_t begun)
{
    char bytes[VARINT_MAX];
    size_t len = out->len - begun, put = varint_put(bytes, len);

    buf_add(out, str_make(bytes, put)); /* makes the room */
    if (out->failed)
        return;
    memmove(out->ptr + begun + put, out->ptr + begun, len);
    memcpy(out->ptr + begun, bytes, put);
}

static bool varint_read(struct str *s, u64 *out)
{
    u64 n = 0;

    for (size_t i = 0; i < s->len && i < VARINT_MAX; i++) {
        u8 c = (u8)s->ptr[i];

        n |= (u64)(c & 0x7f) << (7 * i);
        if (c < 0x80) {
            *s = str_sub(*s, i + 1, s->len);
            *out = n;
            return true;
        }
    }
    return false;
}

bool protobuf_next(struct str *rest, struct protobuf_field *out)
{
    u64 key, len;

    *out = (struct protobuf_field){ 0 };
    if (!varint_read(rest, &key) || key >> 3 == 0 || key >> 3 > UINT32_MAX)
        return false;
    out->number = (u32)(key >> 3);
    switch (key & 7) {
    case VARINT:
        return varint_read(rest, &out->n);
    case LENGTH:
        if (!varint_read(rest, &len))
            return false;
        break;
    case FIXED64:
        len = 8;
        break;
    case FIXED32:
        len = 4;
        break;
    default:
        return false;
    }
    if (len > rest->len)
        return false;
    out->bytes = str_sub(*rest, 0, len);
    *rest = str_sub(*rest, len, rest->len);
    return true;
}
