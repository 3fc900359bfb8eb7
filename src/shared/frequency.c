/* shared/frequency.c -- how often a key was asked for lately, about */
#include "shared/frequency.h"

enum { WORDS = FREQUENCY_BLOCK_BYTES / 8, ROWS = 4, ENTRIES_IN_BLOCK = 16 };
#define HALF_MASK 0x7777777777777777ull

u32 frequency_blocks(u64 entries)
{
    u32 blocks = 1;

    while ((u64)blocks * ENTRIES_IN_BLOCK < entries && blocks < 1u << 26)
        blocks *= 2;
    return blocks;
}

static u64 mix(u64 hash)
{
    hash = (hash ^ (hash >> 32)) * 0x9e3779b97f4a7c15ull;
    return hash ^ (hash >> 29);
}

static u64 *block(const struct frequency *f, u64 mixed)
{
    return f->word + (size_t)(mixed >> 20 & f->mask) * WORDS;
}

/* A row has two words of the block: 32 counters. */
static u64 *counter(u64 *words, u64 mixed, u32 row, u32 *shift)
{
    u32 place = (u32)(mixed >> (row * 5)) & 31;

    *shift = (place & 15) * 4;
    return words + row * 2 + (place >> 4);
}

void frequency_prefetch(const struct frequency *f, u64 hash)
{
    __builtin_prefetch(block(f, mix(hash)), 1);
}

void frequency_count(const struct frequency *f, u64 hash)
{
    u64 mixed = mix(hash), *words = block(f, mixed);

    for (u32 row = 0; row < ROWS; row++) {
        u32 shift;
        u64 *at = counter(words, mixed, row, &shift);
        u64 word = __atomic_load_n(at, __ATOMIC_RELAXED);

        if ((word >> shift & 15) < FREQUENCY_MAX)
            __atomic_store_n(at, word + (1ull << shift), __ATOMIC_RELAXED);
    }
}

u32 frequency_of(const struct frequency *f, u64 hash)
{
    u64 mixed = mix(hash), *words = block(f, mixed);
    u32 least = FREQUENCY_MAX;

    for (u32 row = 0; row < ROWS; row++) {
        u32 shift;
        u64 *at = counter(words, mixed, row, &shift);

        least = min(least, (u32)(__atomic_load_n(at, __ATOMIC_RELAXED) >> shift & 15));
    }
    return least;
}

void frequency_halve(const struct frequency *f)
{
    for (size_t i = 0; i < ((size_t)f->mask + 1) * WORDS; i++) {
        u64 word = __atomic_load_n(f->word + i, __ATOMIC_RELAXED);

        if (word)
            __atomic_store_n(f->word + i, word >> 1 & HALF_MASK, __ATOMIC_RELAXED);
    }
}
