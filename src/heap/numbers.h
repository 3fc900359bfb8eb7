/* heap/numbers.h -- an array of numbers in a snapshot, read in blocks by several threads
 *
 * "nodes":[9,1,1,0,5,0,…]: records of a fixed number of fields, one array for all. Threads take
 * blocks in order; who has counted the commas of its block tells the next one which record it
 * begins with, and parses while the next one counts. Each record goes to the thread in whose block
 * it begins. What the blocks begin with is kept, 8 bytes each, so that a record can be read again.
 */
#pragma once

#include "base/problem.h"
#include "heap/input.h"

enum {
    NUMBERS_BLOCK = 128 << 10, /* bytes: fits into a second-level cache with what becomes of it */
    NUMBERS_FIELDS_MAX = 16,
};

#define NUMBERS_ANY UINT64_MAX

/* Tells who waits; called by one thread. */
struct progress_sink {
    void (*at)(void *ctx, const char *what, u64 done, u64 total); /* may be NULL */
    void *ctx;
};

struct numbers {
    const struct input *in;
    const char *name; /* for problems: "nodes" */
    u32 fields;
    u64 records; /* that the header promises; NUMBERS_ANY: as many as there are, then set */
    u64 begin;   /* offset behind the bracket */
    u64 end;     /* set: the offset of the closing bracket */
    /* private */
    u64 *commas; /* before each block */
    u64 blocks, blocks_max;
};

/* Takes `count` records from number `first` on, `fields` values each, on thread `member`. The index
 * of a bad one with *p filled, or `count`: all are good. */
typedef u32 numbers_take(void *ctx, u32 member, u64 first, const u32 *values, u32 count,
                         struct problem *p);

/* Reads the array with up to `members` threads. 0, -EINVAL with *p (offset, what is wrong there),
 * -ENOMEM, -errno. The owner calls numbers_done in any case. */
MUST_USE int numbers_read(struct numbers *n, u32 members, numbers_take *take, void *ctx,
                          const struct progress_sink *progress, struct problem *p);
void numbers_done(struct numbers *n);

/* One record again. Its offset, or -errno. */
MUST_USE i64 numbers_record(const struct numbers *n, u64 record, u32 *values);
/* Records [first, first + count) again, `values` with count * fields places; they may span blocks.
 * 0 or -errno. */
MUST_USE int numbers_records(const struct numbers *n, u64 first, u32 count, u32 *values);
