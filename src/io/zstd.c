/* io/zstd.c -- frames of zstd, one after the other */
#include "io/zstd.h"

#include <zstd.h>

struct unpacking {
    ZSTD_DStream *stream;
    char *in, *out;
    size_t in_size, out_size;
    u64 written;
    size_t left; /* what libzstd still expects of the frame; 0: a frame has ended */
};

static int write_all(int fd, const char *ptr, size_t len)
{
    while (len) {
        ssize_t n = write(fd, ptr, len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        ptr += n;
        len -= (size_t)n;
    }
    return 0;
}

static int piece(struct unpacking *u, const void *ptr, size_t len, int to)
{
    ZSTD_inBuffer in = { ptr, len, 0 };

    while (in.pos < in.size) {
        ZSTD_outBuffer out = { u->out, u->out_size, 0 };
        int r;

        u->left = ZSTD_decompressStream(u->stream, &out, &in);
        if (ZSTD_isError(u->left))
            return -EBADMSG;
        r = write_all(to, u->out, out.pos);
        if (r)
            return r;
        u->written += out.pos;
    }
    return 0;
}

static int unpack(struct unpacking *u, int from, int to, void (*step)(void *ctx, u64 bytes),
                  void *ctx)
{
    for (;;) {
        ssize_t n = read(from, u->in, u->in_size);
        int r;

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            return u->left ? -ENODATA : 0;
        r = piece(u, u->in, (size_t)n, to);
        if (r)
            return r;
        if (step)
            step(ctx, u->written);
    }
}

int zstd_unpack(int from, const void *begin, size_t len, int to, void (*step)(void *ctx, u64 bytes),
                void *ctx)
{
    struct unpacking u = { .stream = ZSTD_createDStream(),
                           .in_size = ZSTD_DStreamInSize(),
                           .out_size = ZSTD_DStreamOutSize() };
    int r = -ENOMEM;

    u.in = malloc(u.in_size);
    u.out = malloc(u.out_size);
    if (u.stream && u.in && u.out)
        r = len ? piece(&u, begin, len, to) : 0;
    if (!r)
        r = unpack(&u, from, to, step, ctx);
    ZSTD_freeDStream(u.stream);
    free(u.in);
    free(u.out);
    return r;
}

struct zstd_writer {
    ZSTD_CStream *stream;
    char *out;
    size_t out_size;
    int fd;
};

int zstd_writer_new(struct zstd_writer **out, int fd)
{
    struct zstd_writer *w = calloc(1, sizeof(*w));

    if (w) {
        w->fd = fd;
        w->stream = ZSTD_createCStream();
        w->out_size = ZSTD_CStreamOutSize();
        w->out = malloc(w->out_size);
    }
    if (!w || !w->stream || !w->out || ZSTD_isError(ZSTD_initCStream(w->stream, 1))) {
        zstd_writer_free(w);
        return -ENOMEM;
    }
    *out = w;
    return 0;
}

static int written(struct zstd_writer *w, struct str bytes, ZSTD_EndDirective how)
{
    ZSTD_inBuffer in = { bytes.ptr, bytes.len, 0 };
    size_t left;
    int r;

    do {
        ZSTD_outBuffer out = { w->out, w->out_size, 0 };

        left = ZSTD_compressStream2(w->stream, &out, &in, how);
        if (ZSTD_isError(left))
            return -EIO;
        r = write_all(w->fd, w->out, out.pos);
    } while (!r && (how == ZSTD_e_end ? left > 0 : in.pos < in.size));
    return r;
}

int zstd_writer_add(struct zstd_writer *w, struct str bytes)
{
    return written(w, bytes, ZSTD_e_continue);
}

int zstd_writer_end(struct zstd_writer *w)
{
    return written(w, (struct str){ 0 }, ZSTD_e_end);
}

void zstd_writer_free(struct zstd_writer *w)
{
    if (!w)
        return;
    ZSTD_freeCStream(w->stream);
    free(w->out);
    free(w);
}
