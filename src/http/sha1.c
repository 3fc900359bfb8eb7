/* http/sha1.c -- SHA-1 (FIPS 180-4) */
#include "http/sha1.h"

static u32 rotate(u32 x, u32 by)
{
    return x << by | x >> (32 - by);
}

static u32 big_endian(const u8 *p)
{
    return (u32)p[0] << 24 | (u32)p[1] << 16 | (u32)p[2] << 8 | p[3];
}

/* Section 6.1.2. */
static void block_add(u32 h[5], const u8 block[64])
{
    static const u32 k[] = { 0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xca62c1d6 };
    u32 w[80], a = h[0], b = h[1], c = h[2], d = h[3], e = h[4];

    for (u32 i = 0; i < 80; i++) {
        u32 f = i < 20              ? (b & c) | (~b & d)
                : i >= 40 && i < 60 ? (b & c) | (b & d) | (c & d)
                                    : b ^ c ^ d;
        u32 t;

        w[i] = i < 16 ? big_endian(block + 4 * i)
                      : rotate(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
        t = rotate(a, 5) + f + e + k[i / 20] + w[i];
        e = d;
        d = c;
        c = rotate(b, 30);
        b = a;
        a = t;
    }
    h[0] += a;
    h[1] += b;
    h[2] += c;
    h[3] += d;
    h[4] += e;
}

void sha1(struct str s, u8 out[SHA1_BYTES])
{
    u32 h[5] = { 0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0 };
    u8 blocks[128] = { 0 };
    size_t end = s.len < 56 ? 64 : 128;

    assert(s.len <= SHA1_INPUT_MAX);
    if (s.len)
        memcpy(blocks, s.ptr, s.len);
    blocks[s.len] = 0x80;
    blocks[end - 2] = (u8)(s.len * 8 >> 8);
    blocks[end - 1] = (u8)(s.len * 8);
    for (size_t at = 0; at < end; at += 64)
        block_add(h, blocks + at);
    for (u32 i = 0; i < SHA1_BYTES; i++)
        out[i] = (u8)(h[i / 4] >> (24 - 8 * (i % 4)));
}
