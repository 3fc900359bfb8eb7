/* addon/native.c -- where the main thread is while it runs no JavaScript */
#include "native.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "link.h"

/* The first line of a file of the main thread's in /proc, without the newline. */
static void proc_read(const char *name, char *out, size_t max)
{
    char path[64];
    ssize_t n;
    int fd;

    out[0] = 0;
    snprintf(path, sizeof path, "/proc/self/task/%d/%s", link_here.main_tid, name);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    n = read(fd, out, max - 1);
    close(fd);
    out[n > 0 ? n : 0] = 0;
    out[strcspn(out, "\n")] = 0;
}

/* The system calls in which a Node process is usually stuck, x86-64 and arm64 share no numbers. */
static const char *call_name(long number)
{
#if defined(__x86_64__)
    static const struct {
        int number;
        const char *name;
    } calls[] = {
        { 0, "read" },
        { 1, "write" },
        { 7, "poll" },
        { 17, "pread64" },
        { 18, "pwrite64" },
        { 20, "writev" },
        { 35, "nanosleep" },
        { 43, "accept" },
        { 42, "connect" },
        { 45, "recvfrom" },
        { 47, "recvmsg" },
        { 44, "sendto" },
        { 61, "wait4" },
        { 73, "flock" },
        { 72, "fcntl" },
        { 74, "fsync" },
        { 75, "fdatasync" },
        { 202, "futex" },
        { 230, "clock_nanosleep" },
        { 232, "epoll_wait" },
        { 247, "waitid" },
        { 257, "openat" },
        { 262, "newfstatat" },
        { 281, "epoll_pwait" },
        { 332, "statx" },
        { 271, "ppoll" },
        { 217, "getdents64" },
    };
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
        if (calls[i].number == number)
            return calls[i].name;
#else
    (void)number;
#endif
    return NULL;
}

void native_look(struct native *out)
{
    char call[128], *end;
    const char *name;
    long number;

    *out = (struct native){ .call = NATIVE_UNKNOWN };
    proc_read("syscall", call, sizeof call);
    proc_read("wchan", out->channel, sizeof out->channel);
    if (strcmp(out->channel, "0") == 0)
        out->channel[0] = 0;
    number = strtol(call, &end, 10);
    if (end == call) {
        if (strncmp(call, "running", 7) == 0)
            out->call = NATIVE_RUNS;
        return;
    }
    out->call = (int)number;
    name = call_name(number);
    snprintf(out->call_name, sizeof out->call_name, "%s", name ? name : "");
}

int native_text(const struct native *n, char *out, size_t max)
{
    if (n->call == NATIVE_UNKNOWN)
        return snprintf(out, max, "    what the main thread does cannot be told\n");
    if (n->call == NATIVE_RUNS)
        return snprintf(out, max,
                        "    the main thread is running on a CPU, outside of any system call\n");
    return snprintf(out, max, "    the main thread sits in system call %d%s%s%s%s%s\n", n->call,
                    n->call_name[0] ? " (" : "", n->call_name, n->call_name[0] ? ")" : "",
                    n->channel[0] ? ", kernel function " : "", n->channel);
}
