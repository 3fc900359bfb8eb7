/* app/heap_file.c -- opening, spooling, unpacking */
#include "app/heap_file.h"

#include "io/gzip.h"
#include "io/zstd.h"

#include <fcntl.h>
#include <sys/stat.h>

enum { PIECE = 1 << 20 };

static ssize_t read_at(void *ctx, u64 offset, void *out, size_t len)
{
    const struct heap_file *f = ctx;
    ssize_t n;

    do
        n = pread(f->fd, out, len, (off_t)offset);
    while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : n;
}

/* What is being put into the file without a name. */
struct spool {
    int fd;
    u64 bytes;
    struct progress *progress;
    const char *what;
    const char *mark, *kind; /* of heap_file_open_as */
};

static void step(void *ctx, u64 bytes)
{
    struct spool *s = ctx;

    if (s->progress)
        progress_show(s->progress, s->what, 0, 0, bytes);
}

static int spool_open(struct spool *s, struct problem *p)
{
    const char *folders[] = { getenv("TMPDIR"), "/var/tmp", "/tmp" };

    for (u32 i = 0; i < ARRAY_LEN(folders); i++) {
        if (!folders[i] || !*folders[i])
            continue;
        s->fd = open(folders[i], O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
        if (s->fd >= 0)
            return 0;
    }
    return problem_set(p,
                       "a temporary file is needed to unpack it, and cannot be made in $TMPDIR, "
                       "/var/tmp or /tmp: %s",
                       strerror(errno));
}

static int failed(int err, struct problem *p)
{
    return problem_set(p, "cannot be unpacked into a temporary file: %s%s", strerror(-err),
                       err == -ENOSPC ? "; set TMPDIR to a folder with more room" : "");
}

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

/* All that `read` gives, to the spool. What does not begin as a snapshot does not fill the disk. */
static int spool_fill(struct spool *s, ssize_t (*read_more)(void *ctx, void *out, size_t len),
                      void *ctx, bool packed, struct problem *p)
{
    AUTO(freep) char *buf = malloc(PIECE);

    if (!buf)
        return -ENOMEM;
    for (;;) {
        ssize_t n = read_more(ctx, buf, PIECE);
        int r;

        if (n == 0)
            return 0;
        if (n < 0)
            return problem_set(p, "cannot be read: %s", strerror((int)-n));
        if (packed && !s->bytes && !memmem(buf, (size_t)n, s->mark, strlen(s->mark)))
            return problem_set(p, "what is compressed in it does not begin as a %s", s->kind);
        r = write_all(s->fd, buf, (size_t)n);
        if (r)
            return failed(r, p);
        s->bytes += (u64)n;
        step(s, s->bytes);
    }
}

static ssize_t read_plain(void *ctx, void *out, size_t len)
{
    ssize_t n;

    do
        n = read(*(int *)ctx, out, len);
    while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : n;
}

static ssize_t read_gzip(void *ctx, void *out, size_t len)
{
    return gzip_read(ctx, out, len);
}

static int gunzip(int fd, struct spool *s, struct problem *p)
{
    struct gzip *g;
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0), r;

    if (copy < 0 || gzip_open(&g, copy))
        return -ENOMEM;
    r = spool_fill(s, read_gzip, g, true, p);
    gzip_close(g);
    return r;
}

static int unzstd(int fd, struct spool *s, struct problem *p)
{
    int r = zstd_unpack(fd, NULL, 0, s->fd, step, s);

    if (r == -EBADMSG)
        return problem_set(p, "is broken: its zstd frames cannot be read");
    if (r == -ENODATA)
        return problem_set(p, "is cut off: its last zstd frame does not end");
    return r && r != -ENOMEM ? failed(r, p) : r;
}

/* Replaces f->fd by the file that the spool has become. */
static int replace(struct heap_file *f, struct spool *s, int r)
{
    if (r) {
        fd_closep(&s->fd);
        return r;
    }
    close(f->fd);
    f->fd = s->fd;
    return 0;
}

static int unpack(struct heap_file *f, const struct spool *how, struct problem *p)
{
    struct spool s = *how;
    u8 magic[4] = { 0 };
    int r;

    if (pread(f->fd, magic, sizeof(magic), 0) != sizeof(magic))
        return 0;
    if (magic[0] == 0x1f && magic[1] == 0x8b) {
        r = spool_open(&s, p);
        return replace(f, &s, r ? r : gunzip(f->fd, &s, p));
    }
    if (memcmp(magic, "\x28\xb5\x2f\xfd", 4) == 0) {
        r = spool_open(&s, p);
        return replace(f, &s, r ? r : unzstd(f->fd, &s, p));
    }
    return 0;
}

static int open_it(struct heap_file *f, const char *path, const struct spool *how,
                   struct problem *p)
{
    struct spool s = *how;
    struct stat st;
    int r = 0;

    f->fd = strcmp(path, "-") == 0 ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0)
                                   : open(path, O_RDONLY | O_CLOEXEC);
    if (f->fd < 0 || fstat(f->fd, &st))
        return problem_set(p, "cannot be opened: %s", strerror(errno));
    if (S_ISDIR(st.st_mode))
        return problem_set(p, "is a folder; a file is needed");
    if (!S_ISREG(st.st_mode)) {
        r = spool_open(&s, p);
        r = replace(f, &s, r ? r : spool_fill(&s, read_plain, &f->fd, false, p));
    }
    if (!r)
        r = lseek(f->fd, 0, SEEK_SET) < 0 ? -errno : unpack(f, how, p);
    if (r)
        return r;
    if (fstat(f->fd, &st))
        return -errno;
    f->in = (struct input){ .read_at = read_at, .ctx = f, .size = (u64)st.st_size };
    return 0;
}

int heap_file_open_as(struct heap_file *f, const char *path, const char *mark, const char *kind,
                      struct progress *progress, struct problem *p)
{
    struct spool how = {
        .fd = -1, .progress = progress, .what = "unpacking", .mark = mark, .kind = kind
    };
    int r;

    *f = (struct heap_file){ .fd = -1 };
    r = open_it(f, path, &how, p);
    if (r == -EINVAL)
        str_to_cstr(str_of(strcmp(path, "-") == 0 ? "standard input" : path), p->file,
                    sizeof(p->file));
    return r;
}

int heap_file_open(struct heap_file *f, const char *path, struct progress *progress,
                   struct problem *p)
{
    return heap_file_open_as(f, path, "\"snapshot\"", "V8 heap snapshot", progress, p);
}

void heap_file_close(struct heap_file *f)
{
    fd_closep(&f->fd);
    *f = (struct heap_file){ .fd = -1 };
}
