/* io/zstd.h -- zstd (RFC 8878), through libzstd */
#pragma once

#include "base/base.h"

/* Writes what `from` holds, uncompressed, to `to`. `begin`: `len` bytes that were read from it
 * already. `step` (may be NULL) is told after each piece how many bytes have been written. 0;
 * -EBADMSG: it is no zstd or broken; -ENODATA: it is cut off; -errno. Neither is closed. */
MUST_USE int zstd_unpack(int from, const void *begin, size_t len, int to,
                         void (*step)(void *ctx, u64 bytes), void *ctx);
