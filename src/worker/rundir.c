/* worker/rundir.c -- the folder in which fettle's processes meet */
#include "worker/rundir.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>

#define NAME_START "fettle-"
enum { TRIES = 4, ENTRIES_MAX = 4096, LOOKED_AT_MAX = 65536 };

/* What a folder of another user's sockets is called, "u1000". */
static bool is_users(const char *name)
{
    u64 uid;

    return name[0] == 'u' && str_to_u64(str_of(name + 1), &uid);
}

static void folder_empty(int fd, bool deep);

static void users_remove(int fd, const char *name)
{
    AUTO(fd_closep) int sub = openat(fd, name, O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (sub < 0)
        return;
    folder_empty(sub, false);
    unlinkat(fd, name, AT_REMOVEDIR);
}

/* Everything in a folder is a socket or a link, or a folder of such (`deep`). */
static void folder_empty(int fd, bool deep)
{
    DIR *dir = fdopendir(fcntl(fd, F_DUPFD_CLOEXEC, 0));
    struct dirent *entry;

    if (!dir)
        return;
    rewinddir(dir);
    while ((entry = readdir(dir)))
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            if (unlinkat(fd, entry->d_name, 0) < 0 && deep && is_users(entry->d_name))
                users_remove(fd, entry->d_name);
    closedir(dir);
}

/* The pid in "fettle-<pid>-<8 hex>"; 0: another kind of name. */
static u32 name_pid(const char *name)
{
    struct str rest = str_of(name), pid;
    u64 n, random;

    if (!str_starts(rest, STR(NAME_START)))
        return 0;
    pid = str_cut(str_sub(rest, sizeof(NAME_START) - 1, rest.len), '-', &rest);
    if (!str_to_u64(pid, &n) || n > INT32_MAX)
        return 0;
    return rest.len == 8 && str_hex_to_u64(rest, &random) ? (u32)n : 0;
}

/* Ours, and nobody holds its lock: of a fettle that is gone. Its pid alone would not do: that of a
 * fettle in another pid namespace means nothing here. */
static bool sweep_one(int base_fd, const char *name)
{
    AUTO(fd_closep) int fd = openat(base_fd, name, O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    struct stat st;

    if (fd < 0 || fstat(fd, &st) < 0 || st.st_uid != geteuid())
        return false;
    if (flock(fd, LOCK_EX | LOCK_NB) < 0)
        return false;
    folder_empty(fd, true);
    return unlinkat(base_fd, name, AT_REMOVEDIR) == 0;
}

u32 rundir_sweep(const char *base)
{
    DIR *dir = opendir(base);
    struct dirent *entry;
    u32 swept = 0;

    if (!dir)
        return 0;
    for (int i = 0; i < ENTRIES_MAX && (entry = readdir(dir)); i++) {
        u32 pid = name_pid(entry->d_name);

        if (pid && kill((pid_t)pid, 0) < 0 && errno == ESRCH)
            swept += sweep_one(dirfd(dir), entry->d_name);
    }
    closedir(dir);
    return swept;
}

static int make_in(struct rundir *out, const char *base)
{
    u32 random;
    int n;

    for (int i = 0; i < TRIES; i++) {
        if (getrandom(&random, sizeof(random), 0) != sizeof(random))
            return -errno;
        n = snprintf(out->path, sizeof(out->path), "%s/" NAME_START "%d-%08x", base, (int)getpid(),
                     random);
        if (n < 0 || (size_t)n >= sizeof(out->path))
            return -ENAMETOOLONG;
        if (mkdir(out->path, 0700) == 0) {
            out->fd = open(out->path, O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
            if (out->fd >= 0 && flock(out->fd, LOCK_EX | LOCK_NB) == 0)
                return 0;
            rmdir(out->path);
            return -errno;
        }
        if (errno != EEXIST)
            return -errno;
    }
    return -EEXIST;
}

u32 rundir_bases(const char *out[RUNDIR_BASES])
{
    const char *run = geteuid() == 0 ? "/run" : NULL;
    const char *bases[RUNDIR_BASES] = { getenv("XDG_RUNTIME_DIR"), run, "/tmp", "/dev/shm" };
    u32 n = 0;

    for (u32 i = 0; i < RUNDIR_BASES; i++)
        if (bases[i] && bases[i][0] == '/')
            out[n++] = bases[i];
    return n;
}

/* False: it is no folder, others may look into it, or its path is too long. */
static bool entry_take(DIR *dir, const char *base, const char *name, struct rundir_found *out)
{
    struct stat st;
    int n;

    if (fstatat(dirfd(dir), name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISDIR(st.st_mode))
        return false;
    out->owner = st.st_uid;
    n = snprintf(out->path, sizeof(out->path), "%s/%s", base, name);
    /* Others may make folders of such names in /tmp. */
    return n > 0 && (size_t)n < sizeof(out->path) && (!out->pid || (st.st_mode & 0077) == 0);
}

u32 rundir_find(const char *base, uid_t owner, struct rundir_found *out, u32 room)
{
    DIR *dir = opendir(base);
    struct dirent *entry;
    u32 found = 0;

    if (!dir)
        return 0;
    for (int i = 0; i < LOOKED_AT_MAX && found < room && (entry = readdir(dir)); i++) {
        struct rundir_found *f = &out[found];

        f->pid = name_pid(entry->d_name);
        found += f->pid && entry_take(dir, base, entry->d_name, f) && f->owner == owner;
    }
    closedir(dir);
    return found;
}

u32 rundir_services(const char *run, struct rundir_found *out, u32 room)
{
    DIR *dir = opendir(run);
    struct dirent *entry;
    u32 found = 0;

    if (!dir)
        return 0;
    for (int i = 0; i < LOOKED_AT_MAX && found < room && (entry = readdir(dir)); i++) {
        struct str name = str_of(entry->d_name);

        if (!str_starts(name, STR(NAME_START)) || name_pid(entry->d_name))
            continue;
        out[found].pid = 0;
        found += entry_take(dir, run, entry->d_name, &out[found]);
    }
    closedir(dir);
    return found;
}

int rundir_make(struct rundir *out, const char *base, struct problem *problem)
{
    const char *bases[RUNDIR_BASES];
    u32 bases_n = rundir_bases(bases);
    int r = -ENOENT;

    *out = (struct rundir){ .fd = -1 };
    if (base) {
        rundir_sweep(base);
        r = make_in(out, base);
        if (r == 0)
            return 0;
        return problem_set(problem,
                           "the runtime folder cannot be made in %s: %s; choose a folder that "
                           "this user may write to and whose path is shorter than 60 bytes",
                           base, strerror(-r));
    }
    for (u32 i = 0; i < bases_n; i++) {
        rundir_sweep(bases[i]);
        r = make_in(out, bases[i]);
        if (r == 0)
            return 0;
    }
    return problem_set(problem,
                       "no place for the runtime folder: $XDG_RUNTIME_DIR, /run, /tmp and /dev/shm "
                       "cannot be written to (the last one: %s); name a folder that can",
                       strerror(-r));
}

int rundir_share(const struct rundir *dir, uid_t uid, gid_t gid)
{
    char name[16];

    snprintf(name, sizeof(name), "u%u", (u32)uid);
    if (mkdirat(dir->fd, name, 0700) < 0)
        return errno == EEXIST ? 0 : -errno;
    if (fchownat(dir->fd, name, uid, gid, AT_SYMLINK_NOFOLLOW) < 0 || fchmod(dir->fd, 0711) < 0)
        return -errno;
    return 0;
}

void rundir_remove(struct rundir *dir)
{
    if (dir->fd < 0)
        return;
    folder_empty(dir->fd, true);
    rmdir(dir->path);
    close(TAKE(dir->fd, -1));
}
