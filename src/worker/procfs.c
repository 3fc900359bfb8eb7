/* worker/procfs.c -- what the kernel knows about a process (proc(5)) */
#include "worker/procfs.h"

#include "base/clock.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>

enum { ANCESTORS_MAX = 32, FDS_COUNTED_MAX = 65536 };

/* Fields of /proc/PID/stat, counted from 1. */
enum {
    STAT_PARENT = 4,
    STAT_GROUP = 5,
    STAT_USER = 14,
    STAT_SYSTEM = 15,
    STAT_THREADS = 20,
    STAT_VM = 23,
    STAT_RSS = 24,
};

static ssize_t file_read(const char *path, char *out, size_t room)
{
    AUTO(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n;

    if (fd < 0)
        return -errno;
    n = read(fd, out, room);
    return n < 0 ? -errno : n;
}

static void field_take(struct procfs_sample *out, int field, u64 n)
{
    u64 tick_ns = NS_PER_S / (u64)sysconf(_SC_CLK_TCK);

    if (field == STAT_PARENT)
        out->parent = (u32)n;
    else if (field == STAT_GROUP)
        out->group = (u32)n;
    else if (field == STAT_USER)
        out->cpu_user_ns = n * tick_ns;
    else if (field == STAT_SYSTEM)
        out->cpu_system_ns = n * tick_ns;
    else if (field == STAT_THREADS)
        out->threads = (u32)n;
    else if (field == STAT_VM)
        out->vm_bytes = n;
    else if (field == STAT_RSS)
        out->rss_bytes = n * (u64)sysconf(_SC_PAGESIZE);
}

int procfs_parse(struct str stat, struct procfs_sample *out)
{
    struct procfs_sample sample = { 0 };
    const char *name_end = stat.len ? memrchr(stat.ptr, ')', stat.len) : NULL;
    struct str rest;
    int field = 3;

    if (!name_end) /* the name may hold anything, even ") (" */
        return -EPROTO;
    rest = str_trim(str_sub(stat, (size_t)(name_end - stat.ptr) + 1, stat.len));
    for (; rest.ptr && field <= STAT_RSS; field++) {
        u64 n;

        if (str_to_u64(str_cut(rest, ' ', &rest), &n))
            field_take(&sample, field, n);
    }
    if (field <= STAT_RSS)
        return -EPROTO;
    *out = sample;
    return 0;
}

int procfs_sample(u32 pid, struct procfs_sample *out)
{
    char path[64], text[1024];
    ssize_t n;

    snprintf(path, sizeof(path), "/proc/%u/stat", pid);
    n = file_read(path, text, sizeof(text));
    return n < 0 ? (int)n : procfs_parse(str_make(text, (size_t)n), out);
}

int procfs_fds(u32 pid, u32 *open_out, u32 *most)
{
    struct rlimit limit;
    struct stat st;
    char path[64];
    u32 n = 0;

    if (prlimit((pid_t)pid, RLIMIT_NOFILE, NULL, &limit) == 0)
        *most = (u32)min(limit.rlim_cur, (rlim_t)UINT32_MAX);
    snprintf(path, sizeof(path), "/proc/%u/fd", pid);
    if (stat(path, &st) < 0)
        return -errno;
    if (st.st_size > 0) { /* Linux 6.2 and later count for us */
        *open_out = (u32)st.st_size;
        return 0;
    }
    DIR *dir = opendir(path);

    if (!dir)
        return -errno;
    while (n < FDS_COUNTED_MAX + 2 && readdir(dir))
        n++;
    closedir(dir);
    *open_out = n > 2 ? n - 2 : 0; /* "." and ".." */
    return 0;
}

bool procfs_descends(u32 pid, u32 ancestor)
{
    struct procfs_sample sample;

    for (int i = 0; i < ANCESTORS_MAX && pid > 1; i++) {
        if (pid == ancestor)
            return true;
        if (procfs_sample(pid, &sample) < 0)
            return false;
        pid = sample.parent;
    }
    return false;
}

u32 procfs_children(u32 *pids, u32 room)
{
    char path[64], text[4096];
    struct str rest;
    u32 found = 0;
    ssize_t n;

    snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)gettid());
    n = file_read(path, text, sizeof(text));
    if (n <= 0)
        return 0;
    rest = str_make(text, (size_t)n);
    while (rest.ptr && found < room) {
        u64 pid;

        if (str_to_u64(str_cut(rest, ' ', &rest), &pid))
            pids[found++] = (u32)pid;
    }
    return found;
}
