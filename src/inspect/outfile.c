/* inspect/outfile.c -- a file that is there when it is complete, or not at all */
#include "inspect/outfile.h"

#include "base/buf.h"
#include "io/gzip.h"
#include "io/zstd.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

struct outfile {
    char *path;      /* NULL: standard output */
    struct buf part; /* the name until then, with its NUL */
    int fd;
    struct gzip_writer *gzip; /* NULL, and so is zstd: as it is */
    struct zstd_writer *zstd;
    u64 bytes;
};

static void outfile_free(struct outfile *f)
{
    gzip_writer_free(f->gzip);
    zstd_writer_free(f->zstd);
    if (f->path)
        fd_closep(&f->fd);
    buf_done(&f->part);
    free(f->path);
    free(f);
}

static int opened(struct outfile *f, const char *path, struct problem *p)
{
    struct stat st;

    f->fd = STDOUT_FILENO;
    if (strcmp(path, "-") == 0)
        return 0;
    /* A device or a pipe has its name already. */
    if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) {
        if (S_ISDIR(st.st_mode))
            return problem_set(p, "%s is a folder; -o takes the name of a file", path);
        f->path = str_dup(str_of(path));
        f->fd = open(path, O_WRONLY | O_CLOEXEC);
    } else {
        f->path = str_dup(str_of(path));
        buf_addf(&f->part, "%s.%d.part", path, (int)getpid());
        buf_addc(&f->part, 0);
        f->fd =
            f->part.failed ? -1 : open(f->part.ptr, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    }
    if (f->fd < 0)
        return problem_set(p, "%s cannot be written: %s", path, strerror(errno));
    return f->path ? 0 : -ENOMEM;
}

int outfile_open(struct outfile **out, const char *path, struct problem *p)
{
    struct outfile *f = calloc(1, sizeof(*f));
    int err;

    if (!f)
        return -ENOMEM;
    err = opened(f, path, p);
    if (!err && str_ends(str_of(path), STR(".gz")))
        err = gzip_writer_new(&f->gzip, f->fd);
    else if (!err && str_ends(str_of(path), STR(".zst")))
        err = zstd_writer_new(&f->zstd, f->fd);
    if (err) {
        outfile_drop(f);
        return err;
    }
    *out = f;
    return 0;
}

int outfile_open_memory(struct outfile **out)
{
    struct outfile *f = calloc(1, sizeof(*f));

    if (!f)
        return -ENOMEM;
    f->path = str_dup(STR("memory"));
    f->fd = f->path ? memfd_create("fettle-profile", MFD_CLOEXEC) : -1;
    if (f->fd < 0) {
        int err = f->path ? -errno : -ENOMEM;

        outfile_free(f);
        return err;
    }
    *out = f;
    return 0;
}

int outfile_take_fd(struct outfile *f)
{
    int fd = TAKE(f->fd, -1);

    outfile_free(f);
    return fd;
}

static int write_all(int fd, struct str bytes)
{
    while (bytes.len) {
        ssize_t n = write(fd, bytes.ptr, bytes.len);

        if (n < 0 && errno == EAGAIN) {
            struct pollfd ready = { .fd = fd, .events = POLLOUT };

            (void)poll(&ready, 1, -1);
        } else if (n < 0 && errno != EINTR) {
            return -errno;
        }
        bytes = str_sub(bytes, n > 0 ? (size_t)n : 0, bytes.len);
    }
    return 0;
}

int outfile_write(struct outfile *f, struct str bytes)
{
    f->bytes += bytes.len;
    return f->gzip   ? gzip_writer_add(f->gzip, bytes)
           : f->zstd ? zstd_writer_add(f->zstd, bytes)
                     : write_all(f->fd, bytes);
}

bool outfile_compresses(const char *path)
{
    return str_ends(str_of(path), STR(".gz")) || str_ends(str_of(path), STR(".zst"));
}

u64 outfile_bytes(const struct outfile *f)
{
    return f->bytes;
}

int outfile_commit(struct outfile *f, struct problem *p)
{
    const char *name = f->path ? f->path : "standard output";
    int err = f->gzip ? gzip_writer_end(f->gzip) : f->zstd ? zstd_writer_end(f->zstd) : 0;

    if (!err && f->path && close(TAKE(f->fd, -1)) < 0)
        err = -errno;
    if (!err && f->part.len && rename(f->part.ptr, f->path) < 0)
        err = -errno;
    if (err) {
        problem_set(p, "%s cannot be written: %s", name, strerror(-err));
        outfile_drop(f);
        return -EINVAL;
    }
    outfile_free(f);
    return 0;
}

void outfile_drop(struct outfile *f)
{
    if (!f)
        return;
    if (f->part.len && !f->part.failed)
        (void)unlink(f->part.ptr);
    outfile_free(f);
}

u64 outfile_free_bytes(const char *path)
{
    const char *slash = strrchr(path, '/');
    AUTO(buf_done) struct buf folder = { 0 };
    struct statvfs st;

    if (strcmp(path, "-") == 0)
        return UINT64_MAX;
    if (slash)
        buf_add(&folder, str_make(path, (size_t)(slash - path) + 1));
    else
        buf_addc(&folder, '.');
    buf_addc(&folder, 0);
    if (folder.failed || statvfs(folder.ptr, &st) < 0)
        return UINT64_MAX;
    return (u64)st.f_bavail * st.f_frsize;
}
