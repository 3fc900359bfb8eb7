/* heap/input.h -- the bytes of a snapshot, wherever they are
 *
 * The room does no I/O of its own: whoever opens the file gives a function that reads at an offset,
 * from any thread. What cannot be read twice (a pipe, a compressed file) has to be spooled first.
 */
#pragma once

#include "base/base.h"

struct input {
    /* Fills `out` with up to `len` bytes from `offset`: how many, 0 at the end, -errno. */
    ssize_t (*read_at)(void *ctx, u64 offset, void *out, size_t len);
    void *ctx;
    u64 size; /* bytes */
};

/* All `len` bytes, or as many as there are before the end: how many, -errno. */
MUST_USE ssize_t input_read(const struct input *in, u64 offset, void *out, size_t len);
/* The offset of the last `text` that begins before `before`, -ENOENT, -errno. */
MUST_USE i64 input_find_last(const struct input *in, const char *text, u64 before);
/* The offset of the first `text` in [from, to), -ENOENT, -errno. */
MUST_USE i64 input_find(const struct input *in, const char *text, u64 from, u64 to);

/* Reading in memory: ctx is the first byte. */
ssize_t input_memory(void *ctx, u64 offset, void *out, size_t len);
