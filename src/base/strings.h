/* base/strings.h -- a list of C strings for exec: command lines and environments
 *
 * All zero is an empty list. A failed allocation shows in bytes.failed and makes
 * strings_list return NULL, so a chain of strings_add needs one check.
 */
#pragma once

#include "base/buf.h"

struct strings {
    struct buf bytes; /* each string with its NUL */
    u32 count;
};

void strings_done(struct strings *l);
void strings_add(struct strings *l, struct str s);
void strings_addf(struct strings *l, const char *fmt, ...) PRINTF(2, 3);
/* Those of `from` beginning with number `first`. */
void strings_add_from(struct strings *l, const struct strings *from, u32 first);
bool strings_has(const struct strings *l, struct str s);
struct str strings_at(const struct strings *l, u32 index);

/* The strings with NULL after the last: one malloc'ed block that the caller frees and that points
 * into `l`. NULL: out of memory. */
MUST_USE char **strings_list(const struct strings *l);
