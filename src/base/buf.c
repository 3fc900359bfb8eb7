/* base/buf.c -- bytes that grow */
#include "base/buf.h"

#include <stdarg.h>

void buf_done(struct buf *b)
{
    free(b->ptr);
    *b = (struct buf){ .bytes_max = b->bytes_max };
}

void buf_clear(struct buf *b)
{
    b->len = 0;
    b->failed = false;
}

/* Room for `len` bytes, which count, and `spare` more behind them, which do not. */
static bool room_for(struct buf *b, size_t len, size_t spare)
{
    size_t need = b->len + len + spare, cap = b->cap ? b->cap : 256;
    char *ptr;

    if (b->bytes_max && b->len + len > b->bytes_max) {
        b->failed = true;
        return false;
    }
    if (need <= b->cap)
        return true;
    while (cap < need)
        cap *= 2;
    ptr = realloc(b->ptr, cap);
    if (!ptr) {
        b->failed = true;
        return false;
    }
    b->ptr = ptr;
    b->cap = cap;
    return true;
}

bool buf_reserve(struct buf *b, size_t len)
{
    return room_for(b, len, 0);
}

void buf_add(struct buf *b, struct str s)
{
    if (s.len == 0 || !buf_reserve(b, s.len))
        return;
    memcpy(b->ptr + b->len, s.ptr, s.len);
    b->len += s.len;
}

void buf_addc(struct buf *b, char c)
{
    buf_add(b, str_make(&c, 1));
}

void buf_addu(struct buf *b, u64 n)
{
    char digits[STR_U64_MAX];

    buf_add(b, str_make(digits, str_put_u64(digits, n)));
}

void buf_addf(struct buf *b, const char *fmt, ...)
{
    va_list args;
    int len;

    va_start(args, fmt);
    len = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    if (len < 0 || !room_for(b, (size_t)len, 1)) /* and the NUL that vsnprintf puts behind it */
        return;
    va_start(args, fmt);
    vsnprintf(b->ptr + b->len, (size_t)len + 1, fmt, args);
    va_end(args);
    b->len += (size_t)len;
}

void buf_drop(struct buf *b, size_t len)
{
    assert(len <= b->len);
    b->len -= len;
    if (b->len)
        memmove(b->ptr, b->ptr + len, b->len);
}

void buf_add_json(struct buf *b, struct str s)
{
    const u8 *p = (const u8 *)s.ptr;

    for (size_t i = 0; i < s.len;) {
        size_t len = str_utf8_len(s, i);

        if (len == 0) {
            buf_add(b, STR("\\ufffd"));
            i++;
        } else if (p[i] == '"' || p[i] == '\\') {
            buf_addc(b, '\\');
            buf_addc(b, (char)p[i++]);
        } else if (p[i] == '\n') {
            buf_add(b, STR("\\n"));
            i++;
        } else if (p[i] < 0x20 || p[i] == 0x7f) {
            buf_addf(b, "\\u%04x", p[i++]);
        } else {
            buf_add(b, str_make(s.ptr + i, len));
            i += len;
        }
    }
}
