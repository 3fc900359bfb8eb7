/* base/buf.h -- bytes that grow
 *
 * For building text and messages. A failed allocation, or growth past
 * `bytes_max`, sets `failed` and drops what does not fit, so that a long chain
 * of buf_add needs one check at its end. All zero is an empty buffer without a
 * bound. The owner calls buf_done.
 */
#pragma once

#include "base/str.h"

struct buf {
    char *ptr;
    size_t len;
    size_t cap;
    size_t bytes_max; /* 0: no bound */
    bool failed;
};

void buf_done(struct buf *b);
/* Empty again, memory kept. */
void buf_clear(struct buf *b);
/* Makes room for `len` more bytes; false sets failed. */
MUST_USE bool buf_reserve(struct buf *b, size_t len);
void buf_add(struct buf *b, struct str s);
void buf_addc(struct buf *b, char c);
void buf_addf(struct buf *b, const char *fmt, ...) PRINTF(2, 3);
void buf_addu(struct buf *b, u64 n);
/* Drops the first `len` bytes. */
void buf_drop(struct buf *b, size_t len);
/* As the inside of a JSON string, without the quotes; bytes that are not UTF-8 become U+FFFD. */
void buf_add_json(struct buf *b, struct str s);

static inline struct str buf_str(const struct buf *b)
{
    return str_make(b->ptr, b->len);
}
