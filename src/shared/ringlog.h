/* shared/ringlog.h -- entries one behind the other in a ring of bytes, oldest first
 *
 * An entry is written behind `head` and is there once `head` has moved, by one store: whoever dies
 * while he writes leaves nothing behind. Room is made at `tail` only, so nothing is ever free in
 * between, and nothing fragments. What was overwritten or removed stays, marked dead, until the
 * tail comes by.
 *
 *     0        head            tail         wrap      limit        bytes
 *     ├─newer───┤····free·······├──older─────┤··········┤············┤     head < tail: wrapped
 *     0        tail            head                   limit        bytes
 *     ├··free···├──older──newer─┤·······free············┤············┤     head >= tail: it is not
 *
 * Only up to `limit` is used, which grows when what lives needs it, so that few entries take little
 * memory however often they are written. The caller holds a lock. Offsets are multiples of 8.
 */
#pragma once

#include "base/base.h"

struct ringlog {
    u64 at;            /* from the beginning of its memory; a multiple of 8 */
    u64 bytes;         /* a multiple of 8 */
    _Atomic u64 limit; /* so much of that is used */
    _Atomic u64 head, tail, wrap;
    u64 live_bytes, entries; /* of those that are not dead */
    u64 reserve; /* bytes that ringlog_place leaves, for entries that are to stay: they are moved */
};

/* An entry, in shared memory. Key and value follow. */
struct ringlog_entry {
    u32 bytes; /* all of it, rounded up to 8 */
    u32 value_len;
    u64 hash;
    u64 expires_ns; /* 0: never */
    u64 seq;        /* of two with the same key the larger one is true */
    u16 key_len;
    u8 kind;
    u8 spare;
    _Atomic u32 dead;
};

/* Where an entry of so many bytes begins, if there is room (`spared`: of the reserve, too);
 * UINT64_MAX: there is none. It is not there until ringlog_put. */
u64 ringlog_place(struct ringlog *r, u64 need, bool spared);
/* The entry that was written there is there. */
void ringlog_put(struct ringlog *r, u64 at, u64 bytes);
/* The oldest; UINT64_MAX: there is none. */
u64 ringlog_oldest(const struct ringlog *r);
/* The oldest one goes, of so many bytes. */
void ringlog_pop(struct ringlog *r, u64 bytes);
/* The one after; UINT64_MAX: it was the newest. For a walk from the oldest. */
u64 ringlog_after(const struct ringlog *r, u64 at, u64 bytes);
void ringlog_clear(struct ringlog *r);

/* Whether head, tail and limit make sense at all. */
bool ringlog_is_sound(const struct ringlog *r);
/* How far an entry that begins there may reach; 0: none can begin there. */
u64 ringlog_end_of(const struct ringlog *r, u64 at);

static inline bool ringlog_is_wrapped(const struct ringlog *r)
{
    return r->head < r->tail;
}
