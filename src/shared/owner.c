/* shared/owner.c -- whether a process that left its mark in shared memory still lives */
#include "shared/owner.h"

#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>

#define ENDED UINT64_MAX

/* 0: it cannot be told. ENDED: it only waits to be reaped. */
static u64 started_read(u32 pid)
{
    char path[32], text[512];
    const char *at;
    ssize_t n;

    snprintf(path, sizeof(path), "/proc/%u/stat", pid);
    AUTO(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    n = read(fd, text, sizeof(text) - 1);
    text[max(n, (ssize_t)0)] = 0;
    /* The name in parentheses may have anything in it; the third field follows it. */
    at = strrchr(text, ')');
    if (at && (strncmp(at, ") Z", 3) == 0 || strncmp(at, ") X", 3) == 0))
        return ENDED;
    for (int field = 2; at && field < 22; field++)
        at = strchr(at + 1, ' ');
    return at ? strtoull(at, NULL, 10) : 0;
}

struct owner owner_self(u32 thread)
{
    static _Atomic u64 started;
    static _Atomic u32 started_of; /* a forked child is another process */
    u32 pid = (u32)getpid();

    if (started_of != pid) {
        started = started_read(pid);
        started_of = pid;
    }
    return (struct owner){ .pid = pid, .thread = thread, .started = started };
}

bool owner_same(const struct owner *a, const struct owner *b)
{
    return a->pid == b->pid && a->thread == b->thread && a->started == b->started;
}

bool owner_lives(const struct owner *o)
{
    u64 started;

    if (!o->pid || (kill((pid_t)o->pid, 0) < 0 && errno == ESRCH))
        return false;
    started = started_read(o->pid);
    return started != ENDED && (!started || !o->started || started == o->started);
}
