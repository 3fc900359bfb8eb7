/* inspect/afford.h -- whether a heap snapshot can be afforded
 *
 * Measured on Node 18 to 26: V8 needs 4 times the heap's used bytes on top of it for large objects,
 * 14 times for very small ones, and the file has up to twice those bytes. Pure.
 */
#pragma once

#include "base/buf.h"
#include "base/problem.h"

struct afford {
    u64 used_bytes;   /* of the heap */
    u64 memory_bytes; /* that are left for the process; UINT64_MAX: not known */
    u64 disk_bytes;   /* that are free where the file is to be; UINT64_MAX: not known */
    bool compressed;
    u32 node_major; /* 0: not known */
};

/* -EINVAL with *p when it should not be begun. */
MUST_USE int afford_check(const struct afford *a, struct problem *p);
/* What is to be said before it is begun, a line each. */
void afford_warnings(const struct afford *a, struct buf *out);
