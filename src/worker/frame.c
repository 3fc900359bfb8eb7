/* worker/frame.c -- lines out of the bytes that come over the control socket */
#include "worker/frame.h"

char *frame_room(struct frame *f, u32 *room)
{
    *room = FRAME_BYTES - f->len;
    return f->bytes + f->len;
}

void frame_added(struct frame *f, u32 bytes)
{
    assert(bytes <= FRAME_BYTES - f->len);
    f->len += bytes;
}

void frame_end(struct frame *f)
{
    if (f->len > 0 && f->len < FRAME_BYTES)
        f->bytes[f->len++] = '\n';
}

enum frame_got frame_next(struct frame *f, char out[FRAME_BYTES], struct str *line)
{
    char *end = f->len ? memchr(f->bytes, '\n', f->len) : NULL;
    u32 len = end ? (u32)(end - f->bytes) : 0;

    if (!end && f->len < FRAME_BYTES)
        return FRAME_MORE;
    if (!end) {
        f->len = 0;
        return FRAME_TOO_LONG;
    }
    memcpy(out, f->bytes, len);
    f->len -= len + 1;
    memmove(f->bytes, end + 1, f->len);
    *line = str_make(out, len);
    return FRAME_LINE;
}
