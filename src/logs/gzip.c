/* logs/gzip.c -- gzip (RFC 1952), through zlib */
#include "logs/gzip.h"

#include <fcntl.h>
#include <limits.h>
#include <zlib.h>

enum { PIECE = 128 * 1024 };

struct gzip {
    gzFile file;
};

int gzip_compress(int from, int to)
{
    AUTO(freep) char *piece = malloc(PIECE);
    int copy = fcntl(to, F_DUPFD_CLOEXEC, 0), err = 0;
    gzFile file = piece && copy >= 0 ? gzdopen(copy, "wb6") : NULL;
    ssize_t n;

    if (!file) {
        fd_closep(&copy);
        return -ENOMEM;
    }
    while (!err && (n = read(from, piece, PIECE)) != 0) {
        if (n < 0)
            err = errno == EINTR ? 0 : -errno;
        else if (gzwrite(file, piece, (unsigned)n) != n)
            err = errno ? -errno : -EIO;
    }
    if (gzclose(file) != Z_OK && !err)
        err = errno ? -errno : -EIO;
    return err;
}

int gzip_open(struct gzip **out, int fd)
{
    struct gzip *g = calloc(1, sizeof(*g));

    if (g && (g->file = gzdopen(fd, "rb"))) {
        gzbuffer(g->file, PIECE);
        *out = g;
        return 0;
    }
    free(g);
    close(fd);
    return -ENOMEM;
}

ssize_t gzip_read(struct gzip *g, void *out, size_t room)
{
    int n = gzread(g->file, out, (unsigned)min(room, (size_t)INT_MAX));

    return n < 0 ? -EIO : n;
}

void gzip_close(struct gzip *g)
{
    if (g)
        gzclose_r(g->file);
    free(g);
}
