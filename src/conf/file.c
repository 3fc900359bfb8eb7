/* conf/file.c -- a small file, whole */
#include "conf/file.h"

#include <fcntl.h>

int file_read(const char *path, size_t bytes_max, struct buf *out)
{
    AUTO(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    size_t start = out->len;
    ssize_t n;

    if (fd < 0)
        return -errno;
    do {
        if (!buf_reserve(out, 4096))
            return -ENOMEM;
        n = read(fd, out->ptr + out->len, out->cap - out->len);
        if (n < 0 && errno != EINTR)
            return -errno;
        if (n > 0)
            out->len += (size_t)n;
        if (out->len - start > bytes_max)
            return -EFBIG;
    } while (n != 0);
    return 0;
}
