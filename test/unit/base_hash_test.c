/* test/unit/base_hash_test.c -- keyed hashing */
#include "base/hash.h"

#include "tap.h"

/* The text of length n is the bytes 0 … n-1. With the key 0 these are what CPython's hash(bytes)
 * gives with PYTHONHASHSEED=0; the last is the first value of Rust's own test. */
static void the_hash_is_siphash_1_3(void)
{
    static const struct {
        size_t len;
        u64 want;
    } known[] = {
        { 1, 0x68a914128e01e473ull },  { 7, 0x2f098ab0c751325aull },  { 8, 0xead411e67ebe2eeaull },
        { 9, 0x75927f9d95124362ull },  { 15, 0xf30eb725bb91c9eaull }, { 16, 0x8972188433a5c5b7ull },
        { 31, 0x169739443111d49bull }, { 63, 0x385d3e39e5f37359ull },
    };
    const struct hash_key zero = { 0 }, key = { 0x0706050403020100ull, 0x0f0e0d0c0b0a0908ull };
    char text[64];

    for (u32 i = 0; i < sizeof(text); i++)
        text[i] = (char)i;
    for (u32 i = 0; i < ARRAY_LEN(known); i++)
        CHECK(hash_str(&zero, str_make(text, known[i].len)) == known[i].want);
    CHECK(hash_str(&key, STR("")) == 0xabac0158050fc4dcull);
}

static void the_hash_depends_on_every_bit_of_key_and_text(void)
{
    struct hash_key key = { 1, 2 };
    char text[40] = "the hash depends on every bit of a text";

    for (size_t len = 0; len <= sizeof(text); len++) {
        u64 h = hash_str(&key, str_make(text, len));

        for (size_t bit = 0; bit < len * 8; bit++) {
            text[bit / 8] ^= (char)(1 << bit % 8);
            CHECK(hash_str(&key, str_make(text, len)) != h);
            text[bit / 8] ^= (char)(1 << bit % 8);
        }
        CHECK(hash_str(&(struct hash_key){ 1, 3 }, str_make(text, len)) != h);
        CHECK(hash_str(&(struct hash_key){ 0, 2 }, str_make(text, len)) != h);
        CHECK(hash_str(&key, str_make(text, len)) == h);
    }
}

static void zeros_of_different_length_differ(void)
{
    struct hash_key key = { 1, 2 };
    static const char zeros[17];
    u64 seen[17];

    for (u32 len = 0; len < 17; len++) {
        seen[len] = hash_str(&key, str_make(zeros, len));
        for (u32 i = 0; i < len; i++)
            CHECK(seen[i] != seen[len]);
    }
}

static void the_hashes_of_like_texts_spread_evenly(void)
{
    struct hash_key key;
    u32 count[64] = { 0 }, n = 64000;

    hash_key_random(&key);
    for (u32 i = 0; i < n; i++) {
        char text[16];

        snprintf(text, sizeof(text), "10.0.%u.%u", i / 256, i % 256);
        count[hash_str(&key, str_of(text)) % 64]++;
    }
    for (u32 i = 0; i < 64; i++) /* 1000 each, sigma 31: eight of them either way */
        CHECK(count[i] > 750 && count[i] < 1250);
}

static void random_keys_differ(void)
{
    struct hash_key a = { 0 }, b = { 0 };

    hash_key_random(&a);
    hash_key_random(&b);
    CHECK(a.k0 != b.k0 && a.k1 != b.k1);
}

int main(void)
{
    TEST(the_hash_is_siphash_1_3);
    TEST(the_hash_depends_on_every_bit_of_key_and_text);
    TEST(zeros_of_different_length_differ);
    TEST(the_hashes_of_like_texts_spread_evenly);
    TEST(random_keys_differ);
    return tap_done();
}
