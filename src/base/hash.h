/* base/hash.h -- keyed hashing of what strangers choose
 *
 * SipHash-1-3 (Aumasson and Bernstein, 2012, with the reduced rounds that Rust
 * and Ruby use for tables): without the key nobody can aim at one bucket.
 */
#pragma once

#include "base/str.h"

struct hash_key {
    u64 k0, k1;
};

/* From the kernel's random source; never fails after boot. */
void hash_key_random(struct hash_key *key);
u64 hash_str(const struct hash_key *key, struct str s);
