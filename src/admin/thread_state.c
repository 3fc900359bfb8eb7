/* admin/thread_state.c -- whether the main thread of a process had a CPU */
#include "admin/thread_state.h"

#include "base/str.h"

#include <fcntl.h>

/* A small file of /proc. */
static struct str proc_read(u32 pid, const char *name, char *out, size_t room)
{
    char path[64];
    ssize_t n;

    snprintf(path, sizeof(path), "/proc/%u/task/%u/%s", pid, pid, name);
    AUTO(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
    n = fd < 0 ? -1 : read(fd, out, room);
    return str_make(out, n > 0 ? (size_t)n : 0);
}

void thread_schedule_read(struct blocking_view *v, u32 pid)
{
    char text[96];
    struct str rest = proc_read(pid, "schedstat", text, sizeof(text));
    u64 cpu_ns, waited_ns;

    if (str_to_u64(str_cut(rest, ' ', &rest), &cpu_ns) &&
        str_to_u64(str_cut(rest, ' ', &rest), &waited_ns)) {
        v->cpu_ns = cpu_ns;
        v->waited_ns = max(waited_ns, (u64)1);
    }
}

void thread_state_read(struct blocking_view *v, u32 pid)
{
    char text[512];
    struct str stat = proc_read(pid, "stat", text, sizeof(text));
    const char *end = stat.len ? memrchr(stat.ptr, ')', stat.len) : NULL;

    if (!end || end + 2 >= stat.ptr + stat.len)
        return;
    v->stopped = end[2] == 'T' || end[2] == 't';
    v->runnable = end[2] == 'R';
}
