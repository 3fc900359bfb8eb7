/* guard/buckets.h -- what is remembered of each client, in a table that never grows
 *
 * A key hashes to a set of seven places. Its own place has what is remembered of it; when all seven
 * are others', the one is given away of which the least is lost: one that says nothing any more
 * (its budget is whole again), else the one that will be whole again first. A stranger who comes
 * under a million addresses so takes places from those who have asked as little as he did under
 * each of them; who is near his limit keeps his place, and what is forgotten only ever is in favour
 * of the one it was about. (To count the newcomer as the one whose place he takes, as Space-Saving
 * does, would keep every budget exact, and let the million lock out whoever comes new: refused, by
 * somebody else's doing, is the worse mistake.) Keys are keyed hashes (base/hash.h): nobody can aim
 * at a set.
 *
 * Any thread. A set is locked for the few instructions in which its words are looked at; nothing in
 * there waits.
 */
#pragma once

#include "base/base.h"

#include <stdatomic.h>

struct buckets;

/* For how long these words still say something, 0: for no longer. It decides who loses his place.
 */
typedef u64 buckets_debt_fn(const u64 *words, u64 now_ns);

/* `words` for each key, all zero at first; bytes_max of memory, which is taken from the kernel as
 * it is touched. -ENOMEM, -EINVAL when there is no room for one set. */
MUST_USE int buckets_new(struct buckets **out, u64 bytes_max, u32 words, buckets_debt_fn *debt);
/* Accepts NULL. */
void buckets_free(struct buckets *b);

/* A place that is held: its words, and the lock to give back. */
struct buckets_hold {
    u64 *words;
    /* private */
    _Atomic u32 *lock;
};

/* Finds the key's words, or makes some for it. key 0 counts as 1. Hold it shortly, and no other
 * with it. */
struct buckets_hold buckets_hold(struct buckets *b, u64 key, u64 now_ns);
void buckets_release(struct buckets_hold h);

struct buckets_sum {
    u64 places;    /* there are so many */
    u64 used;      /* … of which somebody has been in */
    u64 forgotten; /* that were given away although they said something */
};
struct buckets_sum buckets_sum(const struct buckets *b);
