/* base/names.h -- texts that occur often, each once
 *
 * Names of classes and the like become small numbers, equal texts equal ones. All zero is an empty
 * set; the owner calls names_done.
 */
#pragma once

#include "base/buf.h"
#include "base/hash.h"

struct names {
    struct buf bytes;
    u64 *end; /* [count]: where each text ends in bytes */
    u32 count, cap;
    /* private */
    u32 *slot; /* 1 + number */
    u32 slots;
    struct hash_key key;
};

#define NAMES_FAILED UINT32_MAX

/* The number of a text, new or known; NAMES_FAILED: out of memory. */
u32 names_intern(struct names *n, struct str text);
/* A view until the next names_intern. */
struct str names_text(const struct names *n, u32 number);
void names_done(struct names *n);
