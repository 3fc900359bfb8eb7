/* io/gzip.c -- gzip (RFC 1952), through zlib */
#include "io/gzip.h"

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

struct gzip_writer {
    gzFile file; /* NULL: has been closed */
};

int gzip_writer_new(struct gzip_writer **out, int fd)
{
    struct gzip_writer *w = calloc(1, sizeof(*w));
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);

    if (w && copy >= 0 && (w->file = gzdopen(copy, "wb3"))) {
        gzbuffer(w->file, PIECE);
        *out = w;
        return 0;
    }
    fd_closep(&copy);
    free(w);
    return -ENOMEM;
}

int gzip_writer_add(struct gzip_writer *w, struct str bytes)
{
    while (bytes.len) {
        unsigned n = (unsigned)min(bytes.len, (size_t)INT_MAX);

        if (gzwrite(w->file, bytes.ptr, n) != (int)n)
            return errno ? -errno : -EIO;
        bytes = str_sub(bytes, n, bytes.len);
    }
    return 0;
}

int gzip_writer_end(struct gzip_writer *w)
{
    return gzclose(TAKE(w->file, NULL)) == Z_OK ? 0 : errno ? -errno : -EIO;
}

void gzip_writer_free(struct gzip_writer *w)
{
    if (w && w->file)
        (void)gzclose(w->file);
    free(w);
}

int gzip_bytes(struct str bytes, struct buf *out)
{
    enum { GZIP = 16, FAST = 1 };
    z_stream z = { 0 };
    size_t bound;
    int r;

    if (bytes.len > UINT_MAX ||
        deflateInit2(&z, FAST, Z_DEFLATED, MAX_WBITS + GZIP, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        return -ENOMEM;
    bound = deflateBound(&z, bytes.len);
    if (!buf_reserve(out, bound)) {
        deflateEnd(&z);
        return -ENOMEM;
    }
    z.next_in = (Bytef *)(uintptr_t)bytes.ptr;
    z.avail_in = (uInt)bytes.len;
    z.next_out = (Bytef *)out->ptr + out->len;
    z.avail_out = (uInt)bound;
    r = deflate(&z, Z_FINISH);
    out->len += bound - z.avail_out;
    deflateEnd(&z);
    return r == Z_STREAM_END ? 0 : -EIO;
}
