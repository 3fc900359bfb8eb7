/* io/zstd.h -- zstd (RFC 8878), through libzstd */
#pragma once

#include "base/str.h"

/* Writes what `from` holds, uncompressed, to `to`. `begin`: `len` bytes that were read from it
 * already. `step` (may be NULL) is told after each piece how many bytes have been written. 0;
 * -EBADMSG: it is no zstd or broken; -ENODATA: it is cut off; -errno. Neither is closed. */
MUST_USE int zstd_unpack(int from, const void *begin, size_t len, int to,
                         void (*step)(void *ctx, u64 bytes), void *ctx);

/* Writing piece by piece, quickly rather than small. */
struct zstd_writer;
/* `fd` stays the caller's, and is written to as write(2) does. -ENOMEM. */
MUST_USE int zstd_writer_new(struct zstd_writer **out, int fd);
/* -errno. */
MUST_USE int zstd_writer_add(struct zstd_writer *w, struct str bytes);
/* Writes all that is left. -errno. */
MUST_USE int zstd_writer_end(struct zstd_writer *w);
/* Accepts NULL. */
void zstd_writer_free(struct zstd_writer *w);
