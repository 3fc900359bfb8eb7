/* cache/sketch.c -- how often a key was asked for lately, about */
#include "cache/sketch.h"

enum { ROWS = 4, SAMPLE_OF_ENTRY = 10, SAMPLE_MIN = 4096 };
#define HALF_MASK 0x7777777777777777ull

void sketch_init(struct sketch *s, u64 *word, u64 words)
{
    *s = (struct sketch){ .word = word, .mask = words - 1, .sample = SAMPLE_MIN };
}

static u64 mix(u64 hash, u32 row)
{
    hash = (hash + row * 0x9e3779b97f4a7c15ull) * 0xbf58476d1ce4e5b9ull;
    hash = (hash ^ (hash >> 31)) * 0x94d049bb133111ebull;
    return hash ^ (hash >> 29);
}

/* The counter of a row: its word, and its place in there. */
static u64 *counter(const struct sketch *s, u64 hash, u32 row, u32 *shift)
{
    u64 h = mix(hash, row);

    *shift = (u32)((h >> 60) << 2);
    return &s->word[h & s->mask];
}

static void halve(struct sketch *s)
{
    for (u64 i = 0; i <= s->mask; i++)
        s->word[i] = s->word[i] >> 1 & HALF_MASK;
    s->counted /= 2;
}

u32 sketch_of(const struct sketch *s, u64 hash)
{
    u32 least = 15, shift;

    for (u32 row = 0; row < ROWS; row++) {
        u64 word = *counter(s, hash, row, &shift);

        least = min(least, (u32)(word >> shift & 15));
    }
    return least;
}

/* Only the least of its counters are raised: the others are others' already. */
void sketch_count(struct sketch *s, u64 hash, u64 entries)
{
    u32 least = sketch_of(s, hash), shift;

    if (least < 15) {
        for (u32 row = 0; row < ROWS; row++) {
            u64 *word = counter(s, hash, row, &shift);

            if ((*word >> shift & 15) == least)
                *word += 1ull << shift;
        }
    }
    s->sample = max((u64)SAMPLE_MIN, entries * SAMPLE_OF_ENTRY);
    if (++s->counted >= s->sample)
        halve(s);
}
