/* admin/excerpt.h -- a few lines of a source file
 *
 * To show what blocked. Only what is a plain file, of at most 8 MB, and without waiting for it.
 */
#pragma once

#include "base/buf.h"

/* Line `line` (from 1) of the file and the count-1 before it, the line itself last, into `lines`:
 * empty where there are none. They are views of `text`, and cut to 400 bytes. -errno: none can be
 * had, and all are empty. */
MUST_USE int excerpt_read(const char *path, u32 line, struct str *lines, u32 count,
                          struct buf *text);
