/* view/params.h -- the parameters of a page's address: what follows the "?"
 *
 * "class=3&filter=a%20b". Values come from a browser's address bar, so each is checked: a number
 * that is none or too large is refused, not bent. Pure functions.
 */
#pragma once

#include "base/buf.h"

enum { PARAMS_TEXT_MAX = 256 }; /* bytes of a text, decoded */

/* The value of `key` as it stands there; false: it is not there. */
MUST_USE bool params_find(struct str query, const char *key, struct str *out);

/* A decimal number of at most `most`; `fallback` when it is not there. False: it is not one. */
MUST_USE bool params_number(struct str query, const char *key, u64 fallback, u64 most, u64 *out);

/* Adds a text, percent-decoded. False: it is longer than PARAMS_TEXT_MAX, or "%" stands before
 * something else than two hexadecimal digits. Nothing is added when it is not there. */
MUST_USE bool params_text(struct str query, const char *key, struct buf *out);

/* Which of `words` ("count|name") it is: its number, 0 when it is not there. False: none. */
MUST_USE bool params_word(struct str query, const char *key, const char *words, u32 *out);
