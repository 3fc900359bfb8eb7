/* profile/codemap.h -- which code is at an address
 *
 * As V8's own tools do (codemap.mjs): new code replaces what it overlaps; code moves and goes.
 * Libraries lie below: they are asked where no code of V8's is. A treap over places in one array.
 */
#pragma once

#include "base/base.h"

#define CODEMAP_NONE UINT32_MAX

struct code {
    u64 begin, end;
    u32 what; /* the caller's */
    /* private */
    u32 priority, left, right;
};

/* All zero is an empty one. */
struct codemap {
    struct code *code;
    u32 codes, cap, root, unused; /* 1 + index */
    u32 seed;
    struct code *library;
    u32 libraries, library_cap;
};

/* False: out of memory. */
MUST_USE bool codemap_add(struct codemap *m, u64 begin, u64 bytes, u32 what);
MUST_USE bool codemap_library(struct codemap *m, u64 begin, u64 end, u32 what);
/* What begins at `from` now is at `to`; nothing happens when there is none. */
MUST_USE bool codemap_move(struct codemap *m, u64 from, u64 to);
void codemap_remove(struct codemap *m, u64 begin);
/* `what` of the code that has the address, or CODEMAP_NONE. */
u32 codemap_find(const struct codemap *m, u64 address);
void codemap_done(struct codemap *m);
