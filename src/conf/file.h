/* conf/file.h -- a small file, whole */
#pragma once

#include "base/buf.h"

/* Adds the file's bytes to `out`. 0, -errno of open and read, -EISDIR for a folder, -EFBIG when
 * there are more than bytes_max, -ENOMEM. Files of /proc and /sys, which claim to be empty, too. */
MUST_USE int file_read(const char *path, size_t bytes_max, struct buf *out);
