/* logs/archive.h -- the names of log files that were rotated away, and which of them may go
 *
 * app.log becomes app.log.2026-11-26T04-02-26.123Z, in UTC, when it is rotated, and that with .gz
 * when it has been compressed. So names sort by time, nothing is ever renamed twice, and a reader
 * that has one open is not led astray.
 */
#pragma once

#include "base/buf.h"
#include "base/clock.h"

enum archive_kind {
    ARCHIVE_PLAIN,
    ARCHIVE_GZIP,
    ARCHIVE_PARTIAL, /* being compressed, or left over by a compressor that was killed */
};

struct archive {
    u64 at_ms; /* since 1970: when it was rotated away */
    enum archive_kind kind;
    char name[256]; /* without the folder */
};

/* The name for a file without its folder, "app.log". */
void archive_name(struct buf *out, struct str file, u64 at_ms);
/* Whether `name` is one of the archives of `file`; fills *out. */
MUST_USE bool archive_parse(struct str file, struct str name, struct archive *out);

/* The archives of the file at `path`, oldest first; of one that is there both plain and compressed
 * (somebody was killed) the plain one first. The caller frees *out. 0 or -errno. */
MUST_USE int archive_list(const char *path, struct archive **out, u32 *count);

/* How many of the oldest may go, so that `keep` are left (0: all) and none is older than keep_ns
 * (0: any age). The list is sorted and holds each archive once. */
MUST_USE u32 archive_surplus(const struct archive *list, u32 count, u32 keep, u64 keep_ns,
                             u64 now_ms);

/* The folder of a path ("." when there is none) and the name in it, which is a view. False: too
 * long, or there is no name. */
enum { ARCHIVE_FOLDER_MAX = 4096 };
MUST_USE bool archive_split(const char *path, char folder[ARCHIVE_FOLDER_MAX], struct str *name);
