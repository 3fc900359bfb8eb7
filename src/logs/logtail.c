/* logs/logtail.c -- a log file and its older ones, read as one */
#include "logs/logtail.h"

#include "base/clock.h"
#include "io/gzip.h"
#include "logs/archive.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

enum {
    SEGMENTS_MAX = 100000,
    PIECE = 256 * 1024,
    LINE_MAX_BYTES = 8 << 20,
    SEARCH_BYTES = 64 * 1024, /* below this, lines are simply read */
};
#define LINGER_NS (700 * NS_PER_MS) /* a writer may write to a moved file for so long */

struct segment {
    char *path;
    bool is_gzip;
    u64 at_ms; /* no line in it is younger; UINT64_MAX: the file that is written now */
};

struct logtail {
    char *path;
    struct segment *list; /* oldest first; the last one is `path` */
    u32 count, present;

    int fd; /* of a plain file; -1: none */
    struct gzip *gzip;
    dev_t device; /* of the present file */
    ino_t inode;
    struct buf in;
    size_t at;     /* in `in` */
    u64 newest_ms; /* at_ms of the newest of the older files */
    u64 moved_ns, skip_ms;
};

static void segments_free(struct logtail *t)
{
    for (u32 i = 0; i < t->count; i++)
        free(t->list[i].path);
    free(t->list);
    t->list = NULL;
    t->count = t->present = 0;
}

static int segment_add(struct logtail *t, const char *folder, const char *name, bool is_gzip,
                       u64 at_ms)
{
    struct segment *more = t->count & (t->count - 1)
                               ? t->list
                               : realloc(t->list, max(t->count * 2, 1u) * sizeof(*more));
    AUTO(buf_done) struct buf path = { 0 };

    if (!more)
        return -ENOMEM;
    t->list = more;
    buf_addf(&path, "%s/%s", folder, name);
    buf_addc(&path, 0);
    if (path.failed)
        return -ENOMEM;
    t->list[t->count++] = (struct segment){ TAKE(path.ptr, NULL), is_gzip, at_ms };
    path = (struct buf){ 0 };
    return 0;
}

/* "app.log.1", "app.log-20261126.gz": as logrotate names them. */
static bool is_foreign(struct str file, struct str name)
{
    struct str rest = str_sub(name, file.len, name.len);

    return str_starts(name, file) && rest.len >= 2 && (rest.ptr[0] == '.' || rest.ptr[0] == '-') &&
           rest.ptr[1] >= '0' && rest.ptr[1] <= '9' &&
           (str_ends(rest, STR(".gz")) ||
            (rest.ptr[rest.len - 1] >= '0' && rest.ptr[rest.len - 1] <= '9'));
}

static int entry_add(struct logtail *t, DIR *dir, const char *folder, struct str file,
                     const char *name)
{
    struct archive a;
    struct stat st;

    if (archive_parse(file, str_of(name), &a))
        return a.kind == ARCHIVE_PARTIAL
                   ? 0
                   : segment_add(t, folder, name, a.kind == ARCHIVE_GZIP, a.at_ms);
    if (!is_foreign(file, str_of(name)) || fstatat(dirfd(dir), name, &st, 0) < 0 ||
        !S_ISREG(st.st_mode))
        return 0;
    return segment_add(t, folder, name, str_ends(str_of(name), STR(".gz")),
                       (u64)st.st_mtim.tv_sec * 1000 + (u64)st.st_mtim.tv_nsec / NS_PER_MS);
}

static int by_age(const void *a, const void *b)
{
    const struct segment *x = a, *y = b;

    if (x->at_ms != y->at_ms)
        return x->at_ms < y->at_ms ? -1 : 1;
    return strcmp(x->path, y->path);
}

/* Each counts once, one that is there both plain and compressed as the plain one. */
static void twins_remove(struct logtail *t)
{
    u32 n = 0;

    for (u32 i = 0; i < t->count; i++) {
        const char *before = n ? t->list[n - 1].path : "\n", *path = t->list[i].path;
        const char *rest = path + min(strlen(before), strlen(path));

        if (strncmp(before, path, strlen(before)) == 0 && (!*rest || strcmp(rest, ".gz") == 0))
            free(t->list[i].path);
        else
            t->list[n++] = t->list[i];
    }
    t->count = n;
}

static int segments_find(struct logtail *t)
{
    char folder[ARCHIVE_FOLDER_MAX], name[256];
    struct dirent *entry;
    struct str file;
    int err = 0;
    DIR *dir;

    if (!archive_split(t->path, folder, &file) || file.len >= sizeof(name))
        return -EINVAL;
    str_to_cstr(file, name, sizeof(name));
    /* Twice: the first time may miss a file that gets its compressed name at this moment. */
    dir = opendir(folder);
    for (int round = 0; dir && round < 2; round++, rewinddir(dir))
        while (!err && t->count < SEGMENTS_MAX && (entry = readdir(dir)))
            err = entry_add(t, dir, folder, file, entry->d_name);
    if (dir)
        closedir(dir);
    if (t->count)
        qsort(t->list, t->count, sizeof(*t->list), by_age);
    twins_remove(t);
    t->newest_ms = t->count ? t->list[t->count - 1].at_ms : 0;
    return err ? err : segment_add(t, folder, name, false, UINT64_MAX);
}

static void segment_close(struct logtail *t)
{
    gzip_close(TAKE(t->gzip, NULL));
    fd_closep(&t->fd);
    t->fd = -1;
    buf_clear(&t->in);
    t->at = 0;
}

static bool segment_open_once(struct logtail *t)
{
    if (t->present >= t->count)
        return false; /* there was no memory for the list */
    struct segment *s = &t->list[t->present];
    int fd = open(s->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat st;

    segment_close(t);
    if (fd < 0 && errno == ENOENT && !s->is_gzip && s->at_ms != UINT64_MAX) {
        AUTO(buf_done) struct buf path = { 0 };

        buf_addf(&path, "%s.gz", s->path);
        buf_addc(&path, 0);
        if (!path.failed && (fd = open(path.ptr, O_RDONLY | O_CLOEXEC)) >= 0)
            s->is_gzip = true;
    }
    if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
        fd_closep(&fd);
        return false;
    }
    t->device = st.st_dev;
    t->inode = st.st_ino;
    if (s->is_gzip)
        return gzip_open(&t->gzip, fd) == 0;
    t->fd = fd;
    return true;
}

/* Opens the present one; one that has been compressed meanwhile under its new name. When the file
 * that is written now was rotated just before it could be opened, what it was is read first. */
static bool segment_open(struct logtail *t)
{
    bool done = segment_open_once(t);
    u64 known_ms = t->newest_ms;

    if (t->present + 1 < t->count)
        return done;
    segments_free(t);
    if (segments_find(t) < 0)
        return false;
    while (t->present + 1 < t->count && t->list[t->present].at_ms <= known_ms)
        t->present++;
    return t->present + 1 < t->count ? segment_open_once(t) : done;
}

int logtail_open(struct logtail **out, const char *path)
{
    struct logtail *t = calloc(1, sizeof(*t));
    int err = -ENOMEM;

    if (!t)
        return err;
    t->fd = -1;
    t->path = strdup(path);
    if (t->path)
        err = segments_find(t);
    if (err) {
        logtail_free(t);
        return err;
    }
    segment_open(t);
    *out = t;
    return 0;
}

void logtail_free(struct logtail *t)
{
    if (!t)
        return;
    segment_close(t);
    segments_free(t);
    buf_done(&t->in);
    free(t->path);
    free(t);
}

bool logtail_is_there(const struct logtail *t)
{
    return t->count > 1 || access(t->path, F_OK) == 0;
}

/* More bytes of the present segment. False: none now. */
static bool fill(struct logtail *t)
{
    ssize_t n;

    if (t->fd < 0 && !t->gzip)
        return false;
    buf_drop(&t->in, t->at);
    t->at = 0;
    if (!buf_reserve(&t->in, PIECE))
        return false;
    n = t->gzip ? gzip_read(t->gzip, t->in.ptr + t->in.len, PIECE)
                : read(t->fd, t->in.ptr + t->in.len, PIECE);
    t->in.len += n > 0 ? (size_t)n : 0;
    return n > 0;
}

static bool line_take(struct logtail *t, struct str *line)
{
    size_t looked = t->at;

    for (;;) {
        char *end =
            t->in.len > looked ? memchr(t->in.ptr + looked, '\n', t->in.len - looked) : NULL;
        size_t len;

        if (end || t->in.len - t->at >= LINE_MAX_BYTES) {
            len = end ? (size_t)(end - (t->in.ptr + t->at)) : t->in.len - t->at;
            *line = str_make(t->in.ptr + t->at, len);
            t->at += len + (end != NULL);
            return true;
        }
        looked = t->in.len - t->at;
        if (!fill(t))
            return false;
    }
}

/* A line of this segment or a later one, whatever its time. */
static bool line_any(struct logtail *t, struct str *line)
{
    while (!line_take(t, line)) {
        struct str rest = str_sub(buf_str(&t->in), t->at, t->in.len);

        if (t->present + 1 >= t->count) {
            /* The file that is written now may have come since. */
            if (t->fd < 0 && segment_open(t))
                continue;
            return false;
        }
        if (rest.len) { /* the last line of an older file has no end */
            t->at = t->in.len;
            *line = rest;
            return true;
        }
        t->present++;
        t->moved_ns = 0;
        segment_open(t);
    }
    return true;
}

bool logtail_next(struct logtail *t, struct str *line)
{
    struct logline parsed;

    while (line_any(t, line)) {
        logline_parse(&parsed, *line);
        if (!t->skip_ms || parsed.at_ms >= t->skip_ms) {
            t->skip_ms = 0;
            return true;
        }
    }
    return false;
}

/* Goes to the first line that begins at `offset` or later. */
static void seek_line(struct logtail *t, u64 offset)
{
    struct str line;

    buf_clear(&t->in);
    t->at = 0;
    lseek(t->fd, offset ? (off_t)offset - 1 : 0, SEEK_SET);
    if (offset)
        (void)line_take(t, &line); /* ends at offset - 1, or is cut */
}

/* The time of the first line from `offset` on, before `end`, that has one; 0: none. */
static u64 time_after(struct logtail *t, u64 offset, u64 end)
{
    struct logline parsed;
    u64 read = 0;
    struct str line;

    seek_line(t, offset);
    while (offset + read < end && line_take(t, &line)) {
        logline_parse(&parsed, line);
        if (parsed.at_ms)
            return parsed.at_ms;
        read += line.len + 1;
    }
    return 0;
}

static void seek_time(struct logtail *t, u64 at_ms)
{
    struct stat st;
    u64 low = 0, high = fstat(t->fd, &st) == 0 ? (u64)st.st_size : 0;

    while (high - low > SEARCH_BYTES) {
        u64 middle = low + (high - low) / 2, found = time_after(t, middle, high);

        if (found && found < at_ms)
            low = middle;
        else
            high = middle;
    }
    seek_line(t, low);
}

void logtail_from_time(struct logtail *t, u64 at_ms)
{
    t->present = 0;
    while (t->present + 1 < t->count && t->list[t->present].at_ms < at_ms)
        t->present++;
    if (segment_open(t) && t->fd >= 0)
        seek_time(t, at_ms);
    t->skip_ms = at_ms;
}

/* How many lines of the present segment, from where it stands, are wanted. */
static u64 wanted_count(struct logtail *t, struct logtail_filter *filter)
{
    struct logline parsed;
    struct str line;
    u64 n = 0;

    while (line_take(t, &line)) {
        logline_parse(&parsed, line);
        n += filter->wants(filter, line, &parsed);
    }
    return n;
}

/* Goes back in a plain file as far as `n` wanted lines need; how many there are from there on. */
static u64 seek_back(struct logtail *t, u64 n, struct logtail_filter *filter)
{
    struct stat st;
    u64 size = fstat(t->fd, &st) == 0 ? (u64)st.st_size : 0, back = SEARCH_BYTES, found, from;

    for (;; back *= 4) {
        from = back < size ? size - back : 0;
        seek_line(t, from);
        found = wanted_count(t, filter);
        if (found >= n || from == 0)
            break;
    }
    seek_line(t, from);
    return found;
}

void logtail_from_last(struct logtail *t, u64 n, struct logtail_filter *filter)
{
    for (t->present = t->count ? t->count - 1 : 0;; t->present--) {
        u64 found = 0;

        if (segment_open(t))
            found = t->fd >= 0 ? seek_back(t, n, filter) : wanted_count(t, filter);
        if (found >= n || t->present == 0)
            break;
        n -= found;
    }
    if (t->gzip)
        segment_open(t); /* from its beginning */
}

/* The file that was read until now has been moved away: goes on with what came after it. */
static void segments_renew(struct logtail *t)
{
    dev_t device = t->device;
    ino_t inode = t->inode;
    u64 known_ms = t->newest_ms;
    u32 first = 0;
    struct stat st;

    t->moved_ns = 0;
    segments_free(t);
    if (segments_find(t) < 0)
        return;
    while (first + 1 < t->count && t->list[first].at_ms <= known_ms)
        first++;
    if (first + 1 < t->count)
        first++; /* the first new one is what was read, perhaps compressed already … */
    for (u32 i = 0; i + 1 < t->count; i++)
        if (stat(t->list[i].path, &st) == 0 && st.st_dev == device && st.st_ino == inode)
            first = i + 1; /* … and here it is for sure */
    t->present = first;
    segment_open(t);
}

void logtail_look(struct logtail *t, u64 now_ns)
{
    struct stat st;

    if (t->fd < 0 || t->present + 1 < t->count)
        return;
    if (stat(t->path, &st) == 0 && st.st_dev == t->device && st.st_ino == t->inode) {
        t->moved_ns = 0;
        if (st.st_size < lseek(t->fd, 0, SEEK_CUR))
            seek_line(t, 0);
        return;
    }
    if (!t->moved_ns)
        t->moved_ns = now_ns;
    if (now_ns - t->moved_ns >= LINGER_NS)
        segments_renew(t);
}
