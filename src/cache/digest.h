/* cache/digest.h -- 128 keyed bits of what may be long: what a request is told apart by
 *
 * Two SipHashes with keys of their own, fed piece by piece without memory. Nobody who does not know
 * the keys can make two texts meet.
 */
#pragma once

#include "base/hash.h"

struct digest {
    u64 a, b;
};

struct digest_keys {
    struct hash_key a, b;
};

struct digester {
    /* private */
    const struct digest_keys *keys;
    u32 len;
    char bytes[512];
};

void digest_begin(struct digester *d, const struct digest_keys *keys);
void digest_add(struct digester *d, struct str s);
struct digest digest_end(struct digester *d);

static inline bool digest_eq(struct digest x, struct digest y)
{
    return x.a == y.a && x.b == y.b;
}
