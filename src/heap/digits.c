/* heap/digits.c -- masks of 64 bytes, and numbers between their edges */
#include "heap/digits.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

struct masks {
    u64 digit, comma, blank;
};

#ifdef __SSE2__
static u64 mask_of(__m128i a, __m128i b, __m128i c, __m128i d)
{
    return (u64)(u32)_mm_movemask_epi8(a) | (u64)(u32)_mm_movemask_epi8(b) << 16 |
           (u64)(u32)_mm_movemask_epi8(c) << 32 | (u64)(u32)_mm_movemask_epi8(d) << 48;
}

static inline struct masks masks_at(const char *p)
{
    const __m128i zero = _mm_set1_epi8('0'), nine = _mm_set1_epi8(9), comma = _mm_set1_epi8(',');
    const __m128i space = _mm_set1_epi8(' ');
    __m128i v[4], digit[4], com[4], blank[4];

    for (int i = 0; i < 4; i++) {
        __m128i d;

        v[i] = _mm_loadu_si128((const __m128i *)(const void *)(p + 16 * i));
        d = _mm_sub_epi8(v[i], zero);
        digit[i] = _mm_cmpeq_epi8(_mm_min_epu8(d, nine), d);
        com[i] = _mm_cmpeq_epi8(v[i], comma);
        blank[i] = _mm_cmpeq_epi8(_mm_min_epu8(v[i], space), v[i]);
    }
    return (struct masks){ mask_of(digit[0], digit[1], digit[2], digit[3]),
                           mask_of(com[0], com[1], com[2], com[3]),
                           mask_of(blank[0], blank[1], blank[2], blank[3]) };
}
#else
#define ONES 0x0101010101010101ull
#define HIGHS 0x8080808080808080ull

/* The high bits of eight bytes as eight bits, first byte lowest. */
static u64 gather(u64 highs)
{
    return ((highs & HIGHS) >> 7) * 0x0102040810204080ull >> 56;
}

static u64 equal(u64 x, char c)
{
    x ^= ONES * (u8)c;
    return ~(((x & ~HIGHS) + ~HIGHS) | x) & HIGHS;
}

static inline struct masks masks_at(const char *p)
{
    struct masks m = { 0 };

    for (int i = 0; i < 8; i++) {
        u64 x, d;

        memcpy(&x, p + 8 * i, 8);
        d = x ^ (ONES * '0');
        d = ~(((d & ~HIGHS) + ONES * 0x76) | d) & HIGHS;
        m.digit |= gather(d) << (8 * i);
        m.comma |= gather(equal(x, ',')) << (8 * i);
        m.blank |= gather(~(((x & ~HIGHS) + ONES * 0x5f) | x)) << (8 * i);
    }
    return m;
}
#endif

/* Up to eight digits that end before `end`. */
static inline u64 eight(const char *end, size_t len)
{
    u64 x;

    memcpy(&x, end - 8, 8);
    x &= ~0ull << (64 - 8 * len) & 0x0f0f0f0f0f0f0f0full;
    x = x * 2561 >> 8 & 0x00ff00ff00ff00ffull;
    x = x * 6553601 >> 16 & 0x0000ffff0000ffffull;
    return x * 42949672960001ull >> 32;
}

static bool value_of(const char *begin, const char *end, u32 *out)
{
    size_t len = (size_t)(end - begin);
    u64 n;

    if (__builtin_expect(len <= 8, 1)) {
        *out = (u32)eight(end, len);
        return true;
    }
    if (len > 16) {
        *out = UINT32_MAX;
        return len <= DIGITS_LONGEST;
    }
    n = eight(end - 8, len - 8) * 100000000 + eight(end, 8);
    *out = n < UINT32_MAX ? (u32)n : UINT32_MAX;
    return true;
}

const char *digits_read(const char *text, const char *end, u32 *out, u32 count)
{
    const char *begin = text;
    u64 open = 0, bad = 0;
    u32 n = 0, commas = 0;

    for (const char *p = text; p <= end; p += 64) {
        struct masks m = masks_at(p);
        u64 before = m.digit << 1 | open;
        u64 begins = m.digit & ~before, ends = ~m.digit & before;
        u64 other = ~(m.digit | m.comma | m.blank);

        if (!open && begins) {
            begin = p + __builtin_ctzll(begins);
            begins &= begins - 1;
        }
        while (ends) {
            int at = __builtin_ctzll(ends);

            ends &= ends - 1;
            if (__builtin_expect(p + at > end, 0) || !value_of(begin, p + at, &out[n]))
                return NULL;
            if (++n == count) {
                u64 mine = (1ull << at) - 1;

                commas += (u32)__builtin_popcountll(m.comma & mine);
                return bad | (other & mine) || commas != count - 1 ? NULL : p + at;
            }
            begin = p + __builtin_ctzll(begins | 1ull << 63);
            begins &= begins - 1;
        }
        open = m.digit >> 63;
        bad |= other;
        commas += (u32)__builtin_popcountll(m.comma);
        if (bad)
            return NULL;
    }
    return NULL;
}

u64 digits_commas(const char *text, size_t len)
{
    u64 count = 0;

    for (size_t i = 0; i < len;) {
        size_t piece = min(len - i, (size_t)255);
        u8 c = 0;

        for (size_t j = 0; j < piece; j++)
            c = (u8)(c + (text[i + j] == ','));
        count += c;
        i += piece;
    }
    return count;
}
