/* frame_fuzz.c -- bytes of the control socket: cut anywhere, they are the same lines
 *
 * The first byte says in pieces of which size they come.
 */
#include "worker/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LINES_MAX = 64 };

/* The lines' lengths, and a sum over their bytes; how many there are. */
struct seen {
    u32 count;
    u64 sum;
    bool too_long;
};

static void take_all(struct frame *f, struct seen *s)
{
    char out[FRAME_BYTES];
    struct str line;
    enum frame_got got;

    while (!s->too_long && (got = frame_next(f, out, &line)) != FRAME_MORE) {
        s->too_long = got == FRAME_TOO_LONG;
        if (s->too_long)
            return;
        assert(line.len < FRAME_BYTES && (line.len == 0 || !memchr(line.ptr, '\n', line.len)));
        s->count++;
        for (size_t i = 0; i < line.len; i++)
            s->sum = s->sum * 31 + (u8)line.ptr[i];
        s->sum = s->sum * 31 + 256;
    }
}

static struct seen feed(const uint8_t *data, size_t size, size_t piece)
{
    static struct frame f;
    struct seen s = { 0 };

    f.len = 0;
    while (size && !s.too_long) {
        u32 room;
        char *to = frame_room(&f, &room);
        size_t n = min(min(size, piece), (size_t)room);

        assert(room > 0);
        memcpy(to, data, n);
        frame_added(&f, (u32)n);
        data += n;
        size -= n;
        take_all(&f, &s);
    }
    if (!s.too_long) {
        frame_end(&f);
        take_all(&f, &s);
        assert(s.too_long || f.len == 0);
    }
    return s;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct seen whole, cut;

    if (size < 1)
        return 0;
    whole = feed(data + 1, size - 1, FRAME_BYTES);
    cut = feed(data + 1, size - 1, 1 + data[0]);
    assert(whole.count == cut.count && whole.sum == cut.sum && whole.too_long == cut.too_long);
    return 0;
}
