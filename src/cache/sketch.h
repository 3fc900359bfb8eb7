/* cache/sketch.h -- how often a key was asked for lately, about: a count-min sketch
 *
 * Cormode and Muthukrishnan, "An improved data stream summary" (2005), with four counters of 4 bits
 * a key and halving of all when enough has been counted, as Einziger, Friedman and Manes have it in
 * "TinyLFU: a highly efficient cache admission policy" (2017). The memory is the caller's.
 */
#pragma once

#include "base/base.h"

struct sketch {
    u64 *word; /* sixteen counters each */
    u64 mask;
    u64 counted, sample; /* since the last halving; that follows at so many */
};

/* `words` is a power of two; the memory is all zero. */
void sketch_init(struct sketch *s, u64 *word, u64 words);
/* Counts one request for a key. `entries`: how many the cache holds, which the sample goes by. */
void sketch_count(struct sketch *s, u64 hash, u64 entries);
/* 0 to 15. */
u32 sketch_of(const struct sketch *s, u64 hash);
