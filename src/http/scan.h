/* http/scan.h -- how far a kind of byte goes on (inside http/ only)
 *
 * Each function returns the first byte that is not of its kind, or `end`. With
 * SSE2 (every x86-64) they look at 16 bytes at a time; the _plain twins are what
 * other machines use, and what the test compares with. Nothing is read at or
 * behind `end`.
 */
#pragma once

#include "base/str.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

enum scan_kind {
    SCAN_TOKEN = BIT(0),  /* RFC 9110 5.6.2: letters, digits, !#$%&'*+-.^_`|~ */
    SCAN_TARGET = BIT(1), /* visible ASCII except '#' */
    SCAN_VALUE = BIT(2),  /* HTAB, SP, visible ASCII, 0x80 to 0xff */
    SCAN_HEX = BIT(3),
    SCAN_HOST = BIT(4),  /* RFC 3986 reg-name without '%': unreserved, sub-delims */
    SCAN_QUOTED = BIT(5) /* SCAN_VALUE without '"' and '\' */
};
extern const u8 scan_kinds[256];

static inline bool scan_is(char c, enum scan_kind kind)
{
    return scan_kinds[(u8)c] & kind;
}

static inline const char *scan_plain(const char *p, const char *end, enum scan_kind kind)
{
    while (p < end && scan_is(*p, kind))
        p++;
    return p;
}

#if defined(__SSE2__)

/* Runs `good` over whole blocks of 16 bytes; the rest byte by byte. The last block overlaps what
 * was seen when there were 16 bytes at all, so that short rests are cheap too. */
#define SCAN_BLOCKS(p, end, kind, good)                                      \
    do {                                                                     \
        while ((end) - (p) >= 16) {                                          \
            __m128i x = _mm_loadu_si128((const __m128i *)(const void *)(p)); \
            u32 stop = (u32)_mm_movemask_epi8(good) ^ 0xffff;                \
                                                                             \
            if (stop) {                                                      \
                (p) += __builtin_ctz(stop);                                  \
                return (p);                                                  \
            }                                                                \
            (p) += 16;                                                       \
        }                                                                    \
        return scan_plain((p), (end), (kind));                               \
    } while (0)

static inline const char *scan_value(const char *p, const char *end)
{
    const __m128i space = _mm_set1_epi8(0x20), tab = _mm_set1_epi8(0x09), del = _mm_set1_epi8(0x7f);

    SCAN_BLOCKS(p, end, SCAN_VALUE,
                _mm_andnot_si128(_mm_cmpeq_epi8(x, del),
                                 _mm_or_si128(_mm_cmpeq_epi8(_mm_max_epu8(x, space), x),
                                              _mm_cmpeq_epi8(x, tab))));
}

static inline const char *scan_target(const char *p, const char *end)
{
    const __m128i space = _mm_set1_epi8(0x20), hash = _mm_set1_epi8('#'), del = _mm_set1_epi8(0x7f);

    /* Signed, so that 0x80 to 0xff are below the space. */
    SCAN_BLOCKS(p, end, SCAN_TARGET,
                _mm_andnot_si128(_mm_or_si128(_mm_cmpeq_epi8(x, del), _mm_cmpeq_epi8(x, hash)),
                                 _mm_cmpgt_epi8(x, space)));
}

/* Letters, digits and '-' by blocks, which is all that names in use are made of; other tokens by
 * the table. */
static inline const char *scan_token(const char *p, const char *end)
{
    if (end - p >= 16) {
        __m128i x = _mm_loadu_si128((const __m128i *)(const void *)p);
        __m128i lower = _mm_or_si128(x, _mm_set1_epi8(0x20));
        __m128i letter = _mm_and_si128(_mm_cmpgt_epi8(lower, _mm_set1_epi8('a' - 1)),
                                       _mm_cmplt_epi8(lower, _mm_set1_epi8('z' + 1)));
        __m128i digit = _mm_and_si128(_mm_cmpgt_epi8(x, _mm_set1_epi8('0' - 1)),
                                      _mm_cmplt_epi8(x, _mm_set1_epi8('9' + 1)));
        __m128i good =
            _mm_or_si128(_mm_or_si128(letter, digit), _mm_cmpeq_epi8(x, _mm_set1_epi8('-')));
        u32 stop = (u32)_mm_movemask_epi8(good) ^ 0xffff;

        p += stop ? __builtin_ctz(stop) : 16;
    }
    return scan_plain(p, end, SCAN_TOKEN);
}

#else

/* Eight bytes at a time: none below 0x20, none 0x7f. A tab takes the slow way. */
static inline const char *scan_value(const char *p, const char *end)
{
    const u64 ones = 0x0101010101010101ull, tops = ones << 7;

    while (end - p >= 8) {
        u64 x, del;

        memcpy(&x, p, 8);
        del = x ^ ones * 0x7f;
        if ((((x - ones * 0x20) & ~x) | ((del - ones) & ~del)) & tops) {
            const char *stop = scan_plain(p, p + 8, SCAN_VALUE);

            if (stop < p + 8)
                return stop;
        }
        p += 8;
    }
    return scan_plain(p, end, SCAN_VALUE);
}

static inline const char *scan_target(const char *p, const char *end)
{
    return scan_plain(p, end, SCAN_TARGET);
}

static inline const char *scan_token(const char *p, const char *end)
{
    return scan_plain(p, end, SCAN_TOKEN);
}

#endif
