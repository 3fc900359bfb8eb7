/* worker/pidfile.c -- a file that tells which process fettle is */
#include "worker/pidfile.h"

#include "base/log.h"
#include "worker/crew.h"

#include <fcntl.h>
#include <limits.h>

int pidfile_write(const char *path)
{
    char part[PATH_MAX], text[16];
    int n = snprintf(part, sizeof(part), "%s.%d.part", path, (int)getpid());
    int len = snprintf(text, sizeof(text), "%d\n", (int)getpid());
    AUTO(fd_closep) int fd = -1;

    if (n < 0 || (size_t)n >= sizeof(part))
        return -ENAMETOOLONG;
    fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (fd < 0)
        return -errno;
    if (write(fd, text, (size_t)len) == len && rename(part, path) == 0)
        return 0;
    n = errno ? -errno : -EIO;
    unlink(part);
    return n;
}

void pidfile_remove(const char *path)
{
    AUTO(fd_closep) int fd = path && *path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    char text[16];
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text));
    u64 pid;

    if (n > 0 && str_to_u64(str_trim(str_sub(str_make(text, (size_t)n), 0, (size_t)n - 1)), &pid) &&
        pid == (u64)getpid())
        unlink(path);
}

void pidfile_write_all(const struct crew *c)
{
    for (u32 i = 0; i < c->apps; i++) {
        const char *path = c->app[i]->removed ? NULL : c->app[i]->conf->pid_file;
        int r = path && *path ? pidfile_write(path) : 0;

        if (r < 0)
            log_warn("the pid file %s cannot be written: %s", path, strerror(-r));
    }
}

void pidfile_remove_all(const struct crew *c)
{
    for (u32 i = 0; i < c->apps; i++)
        pidfile_remove(c->app[i]->conf->pid_file);
}
