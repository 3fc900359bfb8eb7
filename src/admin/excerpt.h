/* admin/excerpt.h -- a few lines of a source file
 *
 * To show what blocked. Only what is a plain file, of at most 8 MB, and without waiting for it.
 */
#pragma once

#include "base/buf.h"

/* `count` lines of the file into `lines`, of which lines[above] is line `line` (from 1): empty
 * where there are none. They are views of `text`, and cut to 400 bytes. -errno: none can be had,
 * and all are empty. */
MUST_USE int excerpt_read(const char *path, u32 line, u32 above, struct str *lines, u32 count,
                          struct buf *text);

/* The same of a text that is there already; they are views of it. */
void excerpt_lines(struct str text, u32 line, u32 above, struct str *lines, u32 count);
