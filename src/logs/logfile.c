/* logs/logfile.c -- a log file: written by a thread of its own, rotated, reopened
 *
 * All but logfile_write and what only reads an atomic runs in the spool's thread.
 */
#include "logs/logfile.h"

#include "io/spool.h"
#include "logs/archive.h"
#include "logs/tidy.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <sys/stat.h>

enum {
    RING_BYTES = 4 * 1024 * 1024,
    OPEN_TRIES = 5,
    NAME_TRIES = 1000,
    LOCK_ROTATES = 0, /* the bytes of the file that locks are on */
    LOCK_WRITES = 1,
};
#define LOOK_NS (500 * NS_PER_MS)
#define ROTATE_AGAIN_NS (10 * NS_PER_S)
#define TIDY_LOOK_NS (10 * NS_PER_S)
#define TIDY_HOUR_NS (3600 * NS_PER_S)
#define TROUBLE_PAUSE_NS (10 * NS_PER_S)

struct logfile {
    struct spool_target target;
    struct spool *spool;
    struct logfile_rules rules;
    char *path;

    /* Of the spool's thread. */
    int fd;          /* -1: not open */
    bool is_regular; /* a file on a disk, not a device or a FIFO */
    bool is_torn;    /* its last line has no end */
    dev_t device;
    ino_t inode;
    u64 size;
    u64 period; /* in which the last line was written */
    u64 looked_ns, rotate_from_ns;
    bool may_be_untidy;
    u64 tidy_looked_ns;

    _Atomic bool reopen;
    _Atomic int error;

    /* Of whoever asks for trouble. */
    u64 lost_told, told_ns;
};

/* A number that changes with the hour or day. */
static u64 period_of(const struct logfile *f, time_t at)
{
    struct tm tm;
    u64 day;

    if (f->rules.period == LOGFILE_PERIOD_OFF)
        return 0;
    localtime_r(&at, &tm);
    day = (u64)tm.tm_year * 400 + (u64)tm.tm_yday;
    return f->rules.period == LOGFILE_PERIOD_DAILY ? day : day * 24 + (u64)tm.tm_hour;
}

static u64 period_now(const struct logfile *f)
{
    return f->rules.period == LOGFILE_PERIOD_OFF ? 0
                                                 : period_of(f, (time_t)(clock_wall_ms() / 1000));
}

/* False: somebody else has it. Where locks do not work, everybody has them. */
static bool lock(int fd, int byte, short type)
{
    struct flock l = { .l_type = type, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1 };

    return fcntl(fd, F_OFD_SETLK, &l) == 0 || (errno != EAGAIN && errno != EACCES);
}

/* Whether somebody else has the file open for writing. */
static bool is_shared(int fd)
{
    struct flock l = {
        .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = LOCK_WRITES, .l_len = 1
    };

    return fcntl(fd, F_OFD_GETLK, &l) == 0 && l.l_type != F_UNLCK;
}

/* Whether its last line has no end, because whoever wrote it died. One that is being written grows
 * piece by piece, and looks the same. */
static bool ends_torn(int fd, const struct stat *st)
{
    char last = '\n';

    return S_ISREG(st->st_mode) && st->st_size > 0 && pread(fd, &last, 1, st->st_size - 1) == 1 &&
           last != '\n' && !is_shared(fd);
}

/* Makes the folders above `path` that are not there. */
static void folders_make(const char *path)
{
    char folder[ARCHIVE_FOLDER_MAX];
    struct str name;

    if (!archive_split(path, folder, &name))
        return;
    for (char *at = folder + 1; *at; at++) {
        if (*at != '/')
            continue;
        *at = 0;
        mkdir(folder, 0750);
        *at = '/';
    }
    mkdir(folder, 0750);
}

static int open_once(const char *path)
{
    int flags = O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
    int fd = open(path, O_RDWR | flags, 0640); /* reading is for locks, and for the last byte */

    if (fd < 0 && errno == ENOENT) {
        folders_make(path);
        fd = open(path, O_RDWR | flags, 0640);
    }
    if (fd < 0 && errno == EACCES)
        fd = open(path, O_WRONLY | flags, 0640);
    return fd < 0 ? -errno : fd;
}

static bool is_at(const char *path, const struct stat *file)
{
    struct stat st;

    return stat(path, &st) == 0 && st.st_dev == file->st_dev && st.st_ino == file->st_ino;
}

/* The file, locked as one that is written to; or -errno. */
static int open_locked(const char *path, struct stat *st)
{
    for (int tries = 0; tries < OPEN_TRIES; tries++) {
        int fd = open_once(path);

        if (fd < 0)
            return fd;
        if (fstat(fd, st) == 0 &&
            (!S_ISREG(st->st_mode) || (lock(fd, LOCK_WRITES, F_RDLCK) && is_at(path, st))))
            return fd;
        close(fd); /* it was rotated away just now */
    }
    return -EBUSY;
}

static void adopt(struct logfile *f, int fd, const struct stat *st)
{
    fd_closep(&f->fd);
    f->fd = fd;
    atomic_store(&f->error, 0);
    f->is_regular = S_ISREG(st->st_mode);
    f->device = st->st_dev;
    f->inode = st->st_ino;
    f->size = f->is_regular ? (u64)st->st_size : 0;
    f->period = f->size ? period_of(f, st->st_mtime) : period_now(f);
    f->is_torn = ends_torn(fd, st);
    if (!f->is_regular) /* a FIFO's reader may make us wait: this thread has the time */
        fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
}

/* Opens what is at the path now. */
static int open_anew(struct logfile *f)
{
    struct stat st, old;
    int fd = open_locked(f->path, &st);

    if (fd >= 0) {
        adopt(f, fd, &st);
        return 0;
    }
    atomic_store(&f->error, -fd);
    /* Moved away, it still takes lines; deleted, they would be gone with it. */
    if (f->fd >= 0 && fstat(f->fd, &old) == 0 && old.st_nlink == 0)
        close(TAKE(f->fd, -1));
    return fd;
}

/* Is the file still the one at the path, and how large is it? */
static void look(struct logfile *f, u64 now_ns)
{
    bool asked = atomic_exchange(&f->reopen, false);
    struct stat st;

    if (f->fd >= 0 && !asked && now_ns - f->looked_ns < LOOK_NS)
        return;
    f->looked_ns = now_ns;
    if (f->fd >= 0 && !f->is_regular && !asked)
        return;
    if (f->fd < 0 || stat(f->path, &st) < 0 || st.st_dev != f->device || st.st_ino != f->inode) {
        if (open_anew(f) == 0)
            f->may_be_untidy = true;
        return;
    }
    if (f->is_regular)
        f->size = (u64)st.st_size; /* others write, too, or have truncated it */
}

/* Gives the file the name of an archive that is not there yet. */
static int move_away(const struct logfile *f)
{
    u64 at_ms = clock_wall_ms();
    int err = -EEXIST;

    for (int tries = 0; tries < NAME_TRIES && err == -EEXIST; tries++, at_ms++) {
        AUTO(buf_done) struct buf to = { 0 };

        archive_name(&to, str_of(f->path), at_ms);
        buf_addc(&to, 0);
        if (to.failed)
            return -ENOMEM;
        err = renameat2(AT_FDCWD, f->path, AT_FDCWD, to.ptr, RENAME_NOREPLACE) < 0 ? -errno : 0;
        if (err == -EINVAL) /* a file system that cannot do it in one step */
            err = access(to.ptr, F_OK) == 0 ? -EEXIST : rename(f->path, to.ptr) < 0 ? -errno : 0;
    }
    return err;
}

/* False: it is not possible now, and lines go on into the present file. */
static bool rotate(struct logfile *f, u64 now_ns)
{
    struct stat st;
    int err = 0;

    if (now_ns < f->rotate_from_ns)
        return false;
    if (!lock(f->fd, LOCK_ROTATES, F_WRLCK)) {
        f->rotate_from_ns = now_ns + LOOK_NS / 10; /* another writer is at it */
        f->looked_ns = 0;
        return false;
    }
    if (fstat(f->fd, &st) == 0 && is_at(f->path, &st))
        err = move_away(f);
    if (!err)
        err = open_anew(f); /* the locks go with the old descriptor */
    if (err) {
        if (f->fd >= 0)
            lock(f->fd, LOCK_ROTATES, F_UNLCK);
        f->rotate_from_ns = now_ns + ROTATE_AGAIN_NS;
        atomic_store(&f->error, -err);
        return false;
    }
    if (f->is_regular && f->inode != st.st_ino && f->size == 0)
        fchmod(f->fd, st.st_mode & 0777); /* as whoever set up the first one wanted it */
    f->may_be_untidy = true;
    f->tidy_looked_ns = 0;
    return true;
}

static size_t length(const struct iovec part[2])
{
    return part[0].iov_len + part[1].iov_len;
}

/* The length of the longest run of whole lines that is not longer than `most`. */
static size_t lines_within(const struct iovec part[2], size_t most)
{
    size_t first = part[0].iov_len;
    const char *at;

    if (most >= length(part))
        return length(part);
    if (most > first) {
        at = memrchr(part[1].iov_base, '\n', most - first);
        if (at)
            return first + (size_t)(at + 1 - (char *)part[1].iov_base);
        most = first;
    }
    at = memrchr(part[0].iov_base, '\n', most);
    return at ? (size_t)(at + 1 - (char *)part[0].iov_base) : 0;
}

static size_t first_line(const struct iovec part[2])
{
    const char *at = memchr(part[0].iov_base, '\n', part[0].iov_len);

    if (at)
        return (size_t)(at + 1 - (char *)part[0].iov_base);
    at = part[1].iov_len ? memchr(part[1].iov_base, '\n', part[1].iov_len) : NULL;
    return at ? part[0].iov_len + (size_t)(at + 1 - (char *)part[1].iov_base) : length(part);
}

static void trim(struct iovec part[2], size_t len)
{
    part[0].iov_len = min(part[0].iov_len, len);
    part[1].iov_len = len - part[0].iov_len;
}

static void skip(struct iovec part[2], size_t len)
{
    size_t first = min(len, part[0].iov_len);

    part[0].iov_base = (char *)part[0].iov_base + first;
    part[0].iov_len -= first;
    part[1].iov_base = (char *)part[1].iov_base + (len - first);
    part[1].iov_len -= len - first;
    if (part[0].iov_len == 0) {
        part[0] = part[1];
        part[1].iov_len = 0;
    }
}

/* The disk had room for `wrote` bytes: takes back what is no whole line. Returns what is. */
static size_t torn_repair(struct logfile *f, const struct iovec part[2], size_t wrote)
{
    size_t whole = lines_within(part, wrote), rest = wrote - whole;
    off_t end = lseek(f->fd, 0, SEEK_CUR);
    struct stat st;

    if (rest && !(f->is_regular && fstat(f->fd, &st) == 0 && st.st_size == end &&
                  ftruncate(f->fd, end - (off_t)rest) == 0))
        f->is_torn = true;
    return whole;
}

/* Writes all of `part`, or as much as is taken; whole lines. */
static size_t lines_write(struct logfile *f, const struct iovec part[2])
{
    size_t len = length(part);
    ssize_t n;

    if (f->is_torn && write(f->fd, "\n", 1) == 1)
        f->is_torn = false;
    n = f->is_torn ? -1 : writev(f->fd, part, 2);
    if (n < 0) {
        atomic_store(&f->error, errno);
        return 0;
    }
    if ((size_t)n < len) {
        len = torn_repair(f, part, (size_t)n);
        if (f->is_regular)
            atomic_store(&f->error, ENOSPC);
    }
    f->size += len;
    if ((size_t)n >= len && len)
        f->period = period_now(f);
    return len;
}

/* What may still go into the file; rotates it when that is nothing. */
static size_t room_make(struct logfile *f, const struct iovec part[2], u64 now_ns)
{
    u64 most = f->rules.rotate_bytes;
    size_t fits;

    if (!f->is_regular)
        return length(part);
    if (f->rules.period != LOGFILE_PERIOD_OFF && f->size && f->period != period_now(f))
        rotate(f, now_ns);
    if (most == 0 || f->fd < 0)
        return length(part);
    fits = f->size < most ? lines_within(part, most - f->size) : 0;
    if (fits || (f->size && !rotate(f, now_ns)))
        return fits ? fits : length(part);
    fits = lines_within(part, most);
    return fits ? fits : first_line(part); /* longer than a file may be */
}

static size_t take(struct spool_target *target, const struct iovec lines[2])
{
    struct logfile *f = container_of(target, struct logfile, target);
    struct iovec part[2] = { lines[0], lines[1] }, now[2];
    u64 now_ns = clock_now_ns();
    size_t done = 0, n, wrote;

    look(f, now_ns);
    while (f->fd >= 0 && length(part)) {
        n = room_make(f, part, now_ns);
        if (f->fd < 0)
            break;
        now[0] = part[0];
        now[1] = part[1];
        trim(now, n);
        wrote = lines_write(f, now);
        done += wrote;
        skip(part, wrote);
        if (wrote < n)
            return done;
    }
    if (f->fd >= 0 && now_ns >= f->rotate_from_ns)
        atomic_store(&f->error, 0);
    return done;
}

static void tidy_look(struct logfile *f, u64 now_ns)
{
    u64 pause_ns = f->may_be_untidy ? TIDY_LOOK_NS : TIDY_HOUR_NS;

    if (!f->rules.tidy_program || !f->is_regular ||
        (f->tidy_looked_ns && now_ns - f->tidy_looked_ns < pause_ns))
        return;
    f->tidy_looked_ns = now_ns;
    f->may_be_untidy = tidy_due(f->path, &f->rules, clock_wall_ms());
    if (f->may_be_untidy)
        tidy_start(f->path, &f->rules);
}

static void tick(struct spool_target *target)
{
    struct logfile *f = container_of(target, struct logfile, target);
    u64 now_ns = clock_now_ns();

    look(f, now_ns);
    if (f->fd >= 0 && f->is_regular && f->size && f->period != period_now(f))
        rotate(f, now_ns);
    tidy_look(f, now_ns);
}

int logfile_new(struct logfile **out, const char *path, const struct logfile_rules *rules)
{
    struct logfile *f = calloc(1, sizeof(*f));
    int err;

    if (!f)
        return -ENOMEM;
    f->target = (struct spool_target){ take, tick };
    f->rules = *rules;
    f->fd = -1;
    f->path = strdup(path);
    if (!f->path) {
        free(f);
        return -ENOMEM;
    }
    look(f, clock_now_ns());
    err = spool_new_to(&f->spool, &f->target, RING_BYTES);
    if (err) {
        fd_closep(&f->fd);
        free(f->path);
        free(f);
        return err;
    }
    *out = f;
    return 0;
}

void logfile_free(struct logfile *f, u64 wait_ns)
{
    if (!f)
        return;
    if (!spool_free(f->spool, wait_ns))
        return; /* its thread is stuck in a write: what it uses stays */
    fd_closep(&f->fd);
    free(f->path);
    free(f);
}

u64 logfile_write(struct logfile *f, struct str lines)
{
    u64 lost = 0;

    if (lines.len == 0 || spool_write_whole(f->spool, lines))
        return 0;
    while (lines.len) { /* as many of them as there is room for */
        ptrdiff_t end = str_index(lines, '\n');
        size_t len = end < 0 ? lines.len : (size_t)end + 1;

        lost += !spool_write(f->spool, str_sub(lines, 0, len));
        lines = str_sub(lines, len, lines.len);
    }
    return lost;
}

bool logfile_flush(struct logfile *f, u64 wait_ns)
{
    return !f || spool_flush(f->spool, wait_ns);
}

void logfile_reopen(struct logfile *f)
{
    atomic_store(&f->reopen, true);
}

bool logfile_congested(struct logfile *f, u64 now_ns)
{
    return spool_congested(f->spool, now_ns);
}

const char *logfile_path(const struct logfile *f)
{
    return f->path;
}

u64 logfile_lost(const struct logfile *f)
{
    return spool_dropped(f->spool);
}

int logfile_error(const struct logfile *f)
{
    return atomic_load(&((struct logfile *)(uintptr_t)f)->error);
}

bool logfile_trouble(struct logfile *f, u64 now_ns, struct buf *text)
{
    u64 lost = logfile_lost(f);
    int error = logfile_error(f);

    if ((lost == f->lost_told && !error) || (f->told_ns && now_ns - f->told_ns < TROUBLE_PAUSE_NS))
        return false;
    f->told_ns = now_ns;
    buf_addf(text, "the log %s", f->path);
    if (error)
        buf_addf(text, " cannot be written or rotated: %s", strerror(error));
    if (lost > f->lost_told)
        buf_addf(text, "%s %llu lines of it were lost", error ? ";" : ":",
                 (unsigned long long)(lost - f->lost_told));
    else
        buf_add(text, STR("; its lines wait"));
    f->lost_told = lost;
    return !text->failed;
}
