/* shared/ringlog.c -- entries one behind the other in a ring of bytes, oldest first */
#include "shared/ringlog.h"

#define NONE UINT64_MAX

u64 ringlog_place(struct ringlog *r, u64 need, bool spared)
{
    u64 least = need + (spared ? 0 : r->reserve);

    if (ringlog_is_wrapped(r)) /* head may not reach tail: that would be an empty ring */
        return r->tail - r->head > least ? r->head : NONE;
    if (r->limit - r->head >= need &&
        (r->limit - r->head >= least || r->tail > least - (r->limit - r->head)))
        return r->head;
    return r->tail > least ? 0 : NONE;
}

void ringlog_put(struct ringlog *r, u64 at, u64 bytes)
{
    if (at == 0 && r->head > 0)
        r->wrap = r->head;
    r->head = at + bytes;
}

u64 ringlog_oldest(const struct ringlog *r)
{
    if (r->head == r->tail)
        return NONE;
    if (!ringlog_is_wrapped(r) || r->tail < r->wrap)
        return r->tail;
    return r->head ? 0 : NONE;
}

u64 ringlog_after(const struct ringlog *r, u64 at, u64 bytes)
{
    bool old_part = ringlog_is_wrapped(r) && at >= r->tail;

    at += bytes;
    if (old_part && at >= r->wrap)
        at = 0;
    return at == r->head ? NONE : at;
}

void ringlog_pop(struct ringlog *r, u64 bytes)
{
    bool wrapped = ringlog_is_wrapped(r);

    if (wrapped && r->tail >= r->wrap) { /* a crash has left it there */
        r->tail = bytes;
    } else {
        u64 tail = r->tail + bytes;

        r->tail = wrapped && tail >= r->wrap ? 0 : tail;
    }
    if (r->tail == r->head && r->head) { /* begin anew, so that few entries stay in few pages */
        r->wrap = r->tail;
        r->head = 0;
        r->tail = 0;
    }
}

void ringlog_clear(struct ringlog *r)
{
    r->wrap = r->tail;
    r->head = 0; /* in this order there is never an entry that is none */
    r->tail = 0;
    r->wrap = 0;
}

bool ringlog_is_sound(const struct ringlog *r)
{
    u64 limit = r->limit, head = r->head, tail = r->tail;

    return limit <= r->bytes && head <= limit && tail <= limit && !(head & 7) && !(tail & 7) &&
           (head >= tail || (tail <= r->wrap && r->wrap <= limit && !(r->wrap & 7)));
}

u64 ringlog_end_of(const struct ringlog *r, u64 at)
{
    u64 end = ringlog_is_wrapped(r) && at >= r->tail ? r->wrap : r->head;

    return at < end ? end : 0;
}
