/* heap/string_texts.h -- what string nodes say
 *
 * A string's text is its node's name. A concatenated one ("a" + b) has none of its own: it refers
 * to its two parts, which may be such again; what DevTools shows is put together from them
 * (HeapSnapshot.ts, consStringName). V8 cuts texts off at 1024 characters; newer ones say so, and
 * give the length and the hash of the whole text.
 */
#pragma once

#include "heap/analysis.h"

enum {
    STRING_TEXTS_UNITS = 1024, /* a concatenated text ends with the part that makes it so long */
    STRING_TEXTS_STEPS_MAX = 4096, /* parts, empty ones included */
};

struct string_texts;

/* `a`, with edges and names, outlives it. -ENOMEM, -EIO. The caller frees *t in any case. */
MUST_USE int string_texts_new(struct string_texts **t, const struct analysis *a);
/* Accepts NULL. */
void string_texts_free(struct string_texts *t);

static inline void string_texts_freep(struct string_texts **t)
{
    string_texts_free(*t);
}

/* Whether it is of type string, concatenated or sliced string. */
bool string_texts_is(const struct graph *g, u32 node);
/* Appends the text of any node that is one. -ENOMEM, -EIO. */
MUST_USE int string_texts_add(struct string_texts *t, u32 node, struct buf *out);

/* The same for equal texts, in one run. -ENOMEM, -EIO. */
struct string_print {
    u64 hash;
    u64 len; /* bytes */
};
MUST_USE int string_texts_print(struct string_texts *t, u32 node, struct string_print *out);
/* Whether V8 has flattened a concatenated string: one of its parts is empty. -ENOMEM, -EIO. */
MUST_USE int string_texts_is_flat(struct string_texts *t, u32 node, bool *out);

/* Whether V8 says that the text is cut off, and what it says of the whole. -ENOMEM, -EIO. */
struct string_cut {
    bool yes;
    bool has_length, has_hash;
    i64 length, hash;
};
MUST_USE int string_texts_cut(struct string_texts *t, u32 node, struct string_cut *out);
