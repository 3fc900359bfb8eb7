/* admin/excerpt.c -- a few lines of a source file */
#include "admin/excerpt.h"

#include <fcntl.h>
#include <sys/stat.h>

enum { FILE_BYTES_MAX = 8 << 20, LINE_BYTES_MAX = 400, BLOCK_BYTES = 65536 };

static int all_read(int fd, size_t bytes, struct buf *text)
{
    buf_clear(text);
    while (text->len < bytes) {
        ssize_t n;

        if (!buf_reserve(text, min(bytes - text->len, (size_t)BLOCK_BYTES)))
            return -ENOMEM;
        n = read(fd, text->ptr + text->len, min(bytes - text->len, (size_t)BLOCK_BYTES));
        if (n < 0 && errno != EINTR)
            return -errno;
        if (n == 0)
            break;
        text->len += n > 0 ? (size_t)n : 0;
    }
    return 0;
}

void excerpt_lines(struct str text, u32 line, u32 above, struct str *lines, u32 count)
{
    for (u32 i = 0; i < count; i++)
        lines[i] = (struct str){ 0 };
    for (u64 n = 1; text.ptr && n + above < (u64)line + count; n++) {
        struct str s = str_cut(text, '\n', &text);

        if (n + above >= line)
            lines[n + above - line] = str_sub(s, 0, LINE_BYTES_MAX);
    }
}

int excerpt_read(const char *path, u32 line, u32 above, struct str *lines, u32 count,
                 struct buf *text)
{
    AUTO(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat st;
    int r;

    for (u32 i = 0; i < count; i++)
        lines[i] = (struct str){ 0 };
    if (fd < 0 || fstat(fd, &st) < 0)
        return -errno;
    if (!S_ISREG(st.st_mode) || st.st_size > FILE_BYTES_MAX)
        return -EFBIG;
    r = all_read(fd, (size_t)st.st_size, text);
    if (r < 0)
        return r;
    excerpt_lines(buf_str(text), line, above, lines, count);
    return 0;
}
