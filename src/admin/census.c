/* admin/census.c -- what a process has open, by kind */
#include "admin/census.h"

#include <dirent.h>
#include <fcntl.h>

enum { LINKS_MAX = 4096 /* of more, the rest is taken to be alike */ };

static bool is_socket(int dir_fd, const char *name)
{
    static const char prefix[] = "socket:";
    char target[sizeof(prefix)];
    ssize_t len = readlinkat(dir_fd, name, target, sizeof(target));

    return len >= (ssize_t)strlen(prefix) && memcmp(target, prefix, strlen(prefix)) == 0;
}

static int fds_count(struct census *out, u32 pid)
{
    u64 all = 0, looked = 0, sockets = 0;
    struct dirent *entry;
    char path[48];
    DIR *dir;

    snprintf(path, sizeof(path), "/proc/%u/fd", pid);
    dir = opendir(path);
    if (!dir)
        return -errno;
    while ((entry = readdir(dir))) {
        if (entry->d_name[0] == '.')
            continue;
        if (all++ < LINKS_MAX) {
            looked++;
            sockets += is_socket(dirfd(dir), entry->d_name);
        }
    }
    closedir(dir);
    out->sockets = looked ? sockets * all / looked : 0;
    out->files = all - out->sockets;
    return 0;
}

static u64 children_count(u32 pid)
{
    char path[64], text[4096];
    u64 count = 0;
    ssize_t n;

    snprintf(path, sizeof(path), "/proc/%u/task/%u/children", pid, pid);
    AUTO(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    while ((n = read(fd, text, sizeof(text))) > 0)
        for (ssize_t i = 0; i < n; i++)
            count += text[i] == ' '; /* one behind each */
    return count;
}

int census_read(struct census *out, u32 pid)
{
    struct census c = { 0 };
    int r = pid ? fds_count(&c, pid) : -ESRCH;

    if (r < 0)
        return r;
    c.children = children_count(pid);
    *out = c;
    return 0;
}
