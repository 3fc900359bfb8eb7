/* test/unit/base_hash_test.c -- keyed hashing */
#include "base/hash.h"

#include "tap.h"

/* The first outputs of SipHash-1-3 with the key 00 01 … 0f for the texts "", 00, 00 01, …, as
 * Rust's standard library tests them (library/coretests/tests/hash/sip.rs). */
static void the_published_values_come_out(void)
{
    static const u8 want[4][8] = {
        { 0xdc, 0xc4, 0x0f, 0x05, 0x58, 0x01, 0xac, 0xab },
        { 0x93, 0xca, 0xda, 0x17, 0xed, 0xba, 0x88, 0x9c },
        { 0x4d, 0xbe, 0x39, 0x4c, 0x0f, 0xdc, 0x72, 0x8a },
        { 0xad, 0x61, 0x0f, 0x24, 0x8e, 0xf2, 0xf6, 0xfc },
    };
    const struct hash_key key = { 0x0706050403020100ull, 0x0f0e0d0c0b0a0908ull };
    static const char text[4] = { 0, 1, 2, 3 };

    for (u32 len = 0; len < 1; len++) {
        u64 got = hash_str(&key, str_make(text, len)), value;

        memcpy(&value, want[len], 8);
        CHECK(got == value);
    }
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
    TEST(the_published_values_come_out);
    TEST(the_hash_depends_on_every_bit_of_key_and_text);
    TEST(zeros_of_different_length_differ);
    TEST(the_hashes_of_like_texts_spread_evenly);
    TEST(random_keys_differ);
    return tap_done();
}
