/* cache/digest.c -- 128 keyed bits of what may be long */
#include "cache/digest.h"

void digest_begin(struct digester *d, const struct digest_keys *keys)
{
    d->keys = keys;
    d->len = 0;
}

struct digest digest_end(struct digester *d)
{
    struct str s = str_make(d->bytes, d->len);

    return (struct digest){ hash_str(&d->keys->a, s), hash_str(&d->keys->b, s) };
}

void digest_add(struct digester *d, struct str s)
{
    while (s.len) {
        size_t n = min(s.len, sizeof(d->bytes) - d->len);

        memcpy(d->bytes + d->len, s.ptr, n);
        d->len += (u32)n;
        s = str_make(s.ptr + n, s.len - n);
        if (d->len == sizeof(d->bytes)) { /* what is full stands at the beginning of the next */
            struct digest so_far = digest_end(d);

            memcpy(d->bytes, &so_far, sizeof(so_far));
            d->len = sizeof(so_far);
        }
    }
}
