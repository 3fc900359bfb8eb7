/* conf/words.h -- a text split into words as a shell does
 *
 * Blanks separate; '…' and "…" hold words together; a backslash takes the next
 * character as it is (inside "…" only before $ ` " \). Nothing is expanded.
 */
#pragma once

#include "base/buf.h"

enum words_kind {
    WORDS_PLAIN, /* a shell would run exactly these words */
    WORDS_SHELL, /* a shell would do more: expand, redirect, chain, glob … */
    WORDS_OPEN,  /* a quote is not closed, or a backslash stands at the end */
};

/* Adds the words to `out`, each with a NUL after it, and sets *count. Leading NAME=value words
 * count as plain. A failed allocation shows in `out`. */
enum words_kind words_split(struct str s, struct buf *out, u32 *count);

/* Adds `word` so that a shell reads it as one word again. */
void words_quote(struct str word, struct buf *out);
