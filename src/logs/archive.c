/* logs/archive.c -- the names of log files that were rotated away, and which of them may go */
#include "logs/archive.h"

#include <dirent.h>

enum { STAMP_LEN = 24, ARCHIVES_MAX = 100000 };

void archive_name(struct buf *out, struct str file, u64 at_ms)
{
    time_t s = (time_t)(at_ms / 1000);
    struct tm tm;
    char when[32];

    gmtime_r(&s, &tm);
    strftime(when, sizeof(when), "%Y-%m-%dT%H-%M-%S", &tm);
    buf_addf(out, "%.*s.%s.%03uZ", STR_ARG(file), when, (u32)(at_ms % 1000));
}

static bool number(struct str stamp, size_t at, size_t len, int least, int most, int *out)
{
    u64 n;

    if (!str_to_u64(str_sub(stamp, at, len), &n) || n < (u64)least || n > (u64)most)
        return false;
    *out = (int)n;
    return true;
}

/* "2026-11-26T04-02-26.123Z" */
static bool stamp_parse(struct str s, u64 *at_ms)
{
    static const char form[] = "____-__-__T__-__-__.___Z";
    struct tm tm = { 0 };
    int ms;

    for (size_t i = 0; i < STAMP_LEN; i++)
        if (form[i] != '_' && s.ptr[i] != form[i])
            return false;
    if (!number(s, 0, 4, 1970, 9999, &tm.tm_year) || !number(s, 5, 2, 1, 12, &tm.tm_mon) ||
        !number(s, 8, 2, 1, 31, &tm.tm_mday) || !number(s, 11, 2, 0, 23, &tm.tm_hour) ||
        !number(s, 14, 2, 0, 59, &tm.tm_min) || !number(s, 17, 2, 0, 60, &tm.tm_sec) ||
        !number(s, 20, 3, 0, 999, &ms))
        return false;
    tm.tm_year -= 1900;
    tm.tm_mon--;
    *at_ms = (u64)timegm(&tm) * 1000 + (u64)ms;
    return true;
}

bool archive_parse(struct str file, struct str name, struct archive *out)
{
    struct str stamp = str_sub(name, file.len + 1, STAMP_LEN), rest;

    if (!str_starts(name, file) || stamp.len != STAMP_LEN || name.ptr[file.len] != '.' ||
        name.len >= sizeof(out->name) || !stamp_parse(stamp, &out->at_ms))
        return false;
    rest = str_sub(name, file.len + 1 + STAMP_LEN, name.len);
    if (rest.len == 0)
        out->kind = ARCHIVE_PLAIN;
    else if (str_eq(rest, STR(".gz")))
        out->kind = ARCHIVE_GZIP;
    else if (str_eq(rest, STR(".gz.part")))
        out->kind = ARCHIVE_PARTIAL;
    else
        return false;
    str_to_cstr(name, out->name, sizeof(out->name));
    return true;
}

bool archive_split(const char *path, char folder[ARCHIVE_FOLDER_MAX], struct str *name)
{
    const char *slash = strrchr(path, '/');
    size_t len = slash ? (size_t)(slash - path) : 0;

    *name = str_of(slash ? slash + 1 : path);
    if (name->len == 0 || len >= ARCHIVE_FOLDER_MAX)
        return false;
    str_to_cstr(slash == path ? STR("/")
                : slash       ? str_make(path, len)
                              : STR("."),
                folder, ARCHIVE_FOLDER_MAX);
    return true;
}

static int by_age(const void *a, const void *b)
{
    const struct archive *x = a, *y = b;

    if (x->at_ms != y->at_ms)
        return x->at_ms < y->at_ms ? -1 : 1;
    return (int)x->kind - (int)y->kind;
}

int archive_list(const char *path, struct archive **out, u32 *count)
{
    char folder[ARCHIVE_FOLDER_MAX];
    struct archive *list = NULL, *more, one;
    struct dirent *entry;
    u32 n = 0, room = 0;
    struct str name;
    DIR *dir;

    if (!archive_split(path, folder, &name))
        return -EINVAL;
    dir = opendir(folder);
    if (!dir)
        return -errno;
    while (n < ARCHIVES_MAX && (entry = readdir(dir))) {
        if (!archive_parse(name, str_of(entry->d_name), &one))
            continue;
        if (n == room) {
            room = room ? room * 2 : 16;
            more = realloc(list, room * sizeof(*list));
            if (!more) {
                free(list);
                closedir(dir);
                return -ENOMEM;
            }
            list = more;
        }
        list[n++] = one;
    }
    closedir(dir);
    if (n)
        qsort(list, n, sizeof(*list), by_age);
    *out = list;
    *count = n;
    return 0;
}

u32 archive_surplus(const struct archive *list, u32 count, u32 keep, u64 keep_ns, u64 now_ms)
{
    u32 n = keep && count > keep ? count - keep : 0;

    while (keep_ns && n < count && list[n].at_ms + keep_ns / NS_PER_MS < now_ms)
        n++;
    return n;
}
