/* app/heap_file.h -- a snapshot's or a profile's file, wherever it comes from
 *
 * A regular file is read where it is. What cannot be read twice (a pipe, "-") and what is
 * compressed (gzip, zstd, told by its first bytes) is put into a file without a name first, in
 * $TMPDIR or /var/tmp.
 */
#pragma once

#include "app/progress.h"
#include "base/problem.h"
#include "heap/input.h"

struct heap_file {
    int fd;
    struct input in; /* ctx is the file: it must not move */
};

/* `progress` may be NULL. 0; -EINVAL with *p. The owner calls heap_file_close in any case. */
MUST_USE int heap_file_open(struct heap_file *f, const char *path, struct progress *progress,
                            struct problem *p);
/* The same for what has `mark` near its beginning, such as "nodes" in quotes, and is a `kind`: what
 * is compressed and has not does not fill the disk. */
MUST_USE int heap_file_open_as(struct heap_file *f, const char *path, const char *mark,
                               const char *kind, struct progress *progress, struct problem *p);
void heap_file_close(struct heap_file *f);
