/* finding/opened.h -- what the agent says of who opens so many (shm/opened.h), read
 *
 * A worker may write anything: what makes no sense is passed over. Pure.
 */
#pragma once

#include "base/str.h"
#include "shm/opened.h"

enum { OPENED_PLACES_MAX = 8 };

/* Texts are views of the record. */
struct opened_place {
    u64 alive, expiring, opened;
    u32 line, column;
    struct str function, file, stack; /* empty: not known */
};

struct opened {
    enum shm_opened_kind kind;
    u32 seconds;
    u64 opened, alive, expiring; /* the last two: of all places */
    u32 places;
    struct opened_place place[OPENED_PLACES_MAX];
};

/* False: it is none. */
MUST_USE bool opened_read(struct opened *out, const void *record, size_t len);
