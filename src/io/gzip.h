/* io/gzip.h -- gzip (RFC 1952), through zlib */
#pragma once

#include "base/buf.h"

/* Writes all that is left to read in `from` to `to`, compressed. 0 or -errno. Neither is closed. */
MUST_USE int gzip_compress(int from, int to);

/* Reading: gzip, or anything else as it is. */
struct gzip;
/* Takes `fd` over, also when it fails. -errno. */
MUST_USE int gzip_open(struct gzip **out, int fd);
/* As read(2): bytes, 0 at the end, -errno. A file that is cut off or broken ends there. */
MUST_USE ssize_t gzip_read(struct gzip *g, void *out, size_t room);
void gzip_close(struct gzip *g);

/* Writing piece by piece, quickly rather than small. */
struct gzip_writer;
/* `fd` stays the caller's. -ENOMEM. */
MUST_USE int gzip_writer_new(struct gzip_writer **out, int fd);
/* -errno. */
MUST_USE int gzip_writer_add(struct gzip_writer *w, struct str bytes);
/* Writes all that is left. -errno; `w` is only to be freed then. */
MUST_USE int gzip_writer_end(struct gzip_writer *w);
/* Accepts NULL. */
void gzip_writer_free(struct gzip_writer *w);

/* Appends `bytes`, compressed quickly rather than small. -ENOMEM. */
MUST_USE int gzip_bytes(struct str bytes, struct buf *out);
