/* shared/frequency.h -- how often a key was asked for lately, about, counted by all processes
 *
 * A count-min sketch (Cormode and Muthukrishnan, 2005) with four counters of 4 bits a key and
 * halving, as TinyLFU has it (Einziger, Friedman and Manes, 2017). A key's four counters lie in one
 * cache line, as in Caffeine's. Nobody takes a lock: two who count at once may count once, which an
 * estimate bears.
 */
#pragma once

#include "base/base.h"

enum { FREQUENCY_BLOCK_BYTES = 64, FREQUENCY_MAX = 15 };

struct frequency {
    u64 *word;
    u32 mask; /* blocks - 1 */
};

/* Blocks for so many entries: a power of two. */
u32 frequency_blocks(u64 entries);
/* Its counters will be wanted. */
void frequency_prefetch(const struct frequency *f, u64 hash);
void frequency_count(const struct frequency *f, u64 hash);
/* 0 to FREQUENCY_MAX. */
u32 frequency_of(const struct frequency *f, u64 hash);
void frequency_halve(const struct frequency *f);
