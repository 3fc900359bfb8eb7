/* base/hash.c -- SipHash-1-3 */
#include "base/hash.h"

#include <sys/random.h>

static u64 rotl(u64 x, int n)
{
    return x << n | x >> (64 - n);
}

static void sip_round(u64 v[4])
{
    v[0] += v[1];
    v[1] = rotl(v[1], 13) ^ v[0];
    v[0] = rotl(v[0], 32);
    v[2] += v[3];
    v[3] = rotl(v[3], 16) ^ v[2];
    v[0] += v[3];
    v[3] = rotl(v[3], 21) ^ v[0];
    v[2] += v[1];
    v[1] = rotl(v[1], 17) ^ v[2];
    v[2] = rotl(v[2], 32);
}

void hash_key_random(struct hash_key *key)
{
    ssize_t got = getrandom(key, sizeof(*key), 0);

    assert(got == sizeof(*key));
}

u64 hash_str(const struct hash_key *key, struct str s)
{
    u64 v[4] = { key->k0 ^ 0x736f6d6570736575ull, key->k1 ^ 0x646f72616e646f6dull,
                 key->k0 ^ 0x6c7967656e657261ull, key->k1 ^ 0x7465646279746573ull };
    u64 word, last = (u64)s.len << 56;
    size_t i;

    for (i = 0; i + 8 <= s.len; i += 8) {
        memcpy(&word, s.ptr + i, 8);
        v[3] ^= word;
        sip_round(v);
        v[0] ^= word;
    }
    for (size_t j = i; j < s.len; j++)
        last |= (u64)(u8)s.ptr[j] << (8 * (j - i));
    v[3] ^= last;
    sip_round(v);
    v[0] ^= last;
    v[2] ^= 0xff;
    for (int r = 0; r < 3; r++)
        sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}
