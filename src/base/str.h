/* base/str.h -- text as a view: pointer and length, owned elsewhere
 *
 * A str is not NUL-terminated and is never freed through. All zero is the
 * empty text. Comparisons without case are ASCII only (header names, tokens).
 */
#pragma once

#include "base/base.h"

struct str {
    const char *ptr;
    size_t len;
};

#define STR(literal) ((struct str){ "" literal, sizeof(literal) - 1 })
/* For printf: printf("%.*s", STR_ARG(s)) */
#define STR_ARG(s) (int)(s).len, (s).ptr ? (s).ptr : ""

/* A view of a C string; NULL gives the empty text. */
static inline struct str str_of(const char *cstr)
{
    return (struct str){ cstr, cstr ? strlen(cstr) : 0 };
}

static inline struct str str_make(const char *ptr, size_t len)
{
    return (struct str){ ptr, len };
}

bool str_eq(struct str a, struct str b);
bool str_eq_nocase(struct str a, struct str b);
bool str_starts(struct str s, struct str prefix);
bool str_starts_nocase(struct str s, struct str prefix);
bool str_ends(struct str s, struct str suffix);

/* Without spaces and tabs at both ends. */
struct str str_trim(struct str s);

/* What stands before the first `sep`; *rest is what follows it (empty, ptr NULL, when there is
 * no `sep`). Walks a list: while (rest.ptr) { item = str_cut(rest, ',', &rest); … } */
struct str str_cut(struct str s, char sep, struct str *rest);

/* The index of the first `c`, or -1. */
ptrdiff_t str_index(struct str s, char c);

/* The part from `from`, at most `len` bytes; clamped to s. */
struct str str_sub(struct str s, size_t from, size_t len);

/* Decimal digits only, no sign, no spaces, at least one. False: not a number or above U64_MAX,
 * *out unchanged. */
MUST_USE bool str_to_u64(struct str s, u64 *out);
MUST_USE bool str_hex_to_u64(struct str s, u64 *out);

/* The decimal digits of n, without a NUL; returns how many. */
enum { STR_U64_MAX = 20 };
size_t str_put_u64(char *out, u64 n);

/* Copies at most room-1 bytes and a NUL into `out`; returns the bytes copied. */
size_t str_to_cstr(struct str s, char *out, size_t room);

/* A malloc'ed NUL-terminated copy that the caller frees; NULL when out of memory. */
MUST_USE char *str_dup(struct str s);

/* Levenshtein distance, for "did you mean"; texts above 63 bytes count as far away. */
u32 str_distance(struct str a, struct str b);

/* The length of the well-formed UTF-8 sequence at s.ptr[at] (RFC 3629 section 4), or 0. */
size_t str_utf8_len(struct str s, size_t at);

/* The UTF-8 sequence of a code point (below 0x110000, no surrogate) into `out`, without a NUL;
 * returns its bytes. */
enum { STR_UTF8_MAX = 4 };
size_t str_put_utf8(char *out, u32 point);
