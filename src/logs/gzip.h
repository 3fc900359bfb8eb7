/* logs/gzip.h -- gzip (RFC 1952), through zlib */
#pragma once

#include "base/str.h"

/* Writes all that is left to read in `from` to `to`, compressed. 0 or -errno. Neither is closed. */
MUST_USE int gzip_compress(int from, int to);

/* Reading: gzip, or anything else as it is. */
struct gzip;
/* Takes `fd` over, also when it fails. -errno. */
MUST_USE int gzip_open(struct gzip **out, int fd);
/* As read(2): bytes, 0 at the end, -errno. A file that is cut off or broken ends there. */
MUST_USE ssize_t gzip_read(struct gzip *g, void *out, size_t room);
void gzip_close(struct gzip *g);
