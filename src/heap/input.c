/* heap/input.c -- reading whole pieces, and finding a text in them */
#include "heap/input.h"

enum { WINDOW = 256 << 10 };

ssize_t input_read(const struct input *in, u64 offset, void *out, size_t len)
{
    size_t got = 0;

    if (offset >= in->size)
        return 0;
    len = (size_t)min((u64)len, in->size - offset);
    while (got < len) {
        ssize_t n = in->read_at(in->ctx, offset + got, (char *)out + got, len - got);

        if (n < 0)
            return n;
        if (n == 0)
            break;
        got += (size_t)n;
    }
    return (ssize_t)got;
}

i64 input_find(const struct input *in, const char *text, u64 from, u64 to)
{
    size_t len = strlen(text);
    AUTO(freep) char *buf = malloc(WINDOW + 64);

    assert(len && len < 64);
    if (!buf)
        return -ENOMEM;
    if (to > in->size)
        to = in->size;
    for (u64 at = from; at < to; at += WINDOW) {
        ssize_t n = input_read(in, at, buf, (size_t)min(to - at, (u64)WINDOW + len - 1));
        const char *hit;

        if (n < 0)
            return n;
        hit = memmem(buf, (size_t)n, text, len);
        if (hit)
            return (i64)(at + (u64)(hit - buf));
    }
    return -ENOENT;
}

static const char *last_in(const char *buf, size_t len, const char *text, size_t text_len)
{
    const char *last = NULL;

    for (const char *p = buf;;) {
        const char *hit = memmem(p, len - (size_t)(p - buf), text, text_len);

        if (!hit)
            return last;
        last = hit;
        p = hit + 1;
    }
}

i64 input_find_last(const struct input *in, const char *text, u64 before)
{
    size_t len = strlen(text);
    AUTO(freep) char *buf = malloc(WINDOW + 64);
    u64 end = min(before, in->size);

    assert(len && len < 64);
    if (!buf)
        return -ENOMEM;
    while (end) {
        u64 at = end > WINDOW ? end - WINDOW : 0;
        ssize_t n = input_read(in, at, buf, (size_t)(end - at) + len - 1);
        const char *hit;

        if (n < 0)
            return n;
        hit = last_in(buf, (size_t)n, text, len);
        if (hit)
            return (i64)(at + (u64)(hit - buf));
        end = at;
    }
    return -ENOENT;
}

ssize_t input_memory(void *ctx, u64 offset, void *out, size_t len)
{
    /* input_read never asks for what lies beyond the size. */
    memcpy(out, (const char *)ctx + offset, len);
    return (ssize_t)len;
}
