/* inspect/unescape.h -- the inside of a JSON string (RFC 8259 section 7) as the text it stands for
 *
 * A heap snapshot comes as such strings, some of them gigabytes in sum: so bytes may be split
 * anywhere, and what has been read is handed on at once. The text is UTF-8; half a surrogate pair
 * becomes U+FFFD. Bytes from 0x80 on are passed on as they are.
 */
#pragma once

#include "base/buf.h"

enum unescape_step {
    UNESCAPE_MORE,
    UNESCAPE_DONE, /* the closing quote has been read */
    UNESCAPE_BAD,  /* a control character, or an escape that there is not */
};

/* All zero: behind the opening quote. */
struct unescape {
    /* private */
    u8 state;
    u8 digits; /* of \uXXXX, read so far */
    u16 unit;
    u16 high; /* the first half of a pair; 0: none */
};

/* Adds the text of `bytes` to `out`; *used is how many were read, all of them with MORE. */
MUST_USE enum unescape_step unescape_feed(struct unescape *u, const char *bytes, size_t len,
                                          size_t *used, struct buf *out);
