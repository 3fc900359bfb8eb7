/* test/redis_server.h -- a real Redis for a unit test: started on a unix socket, asked in turn
 *
 * Ended with the test, also when that crashes. The program is Debian's redis-server or
 * valkey-server.
 */
#pragma once

#include "base/buf.h"
#include "redis/resp.h"
#include "redis/respreader.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct redis_server {
    char folder[64], path[96];
    pid_t pid;
    int fd;
    struct respreader *reader;
};

static inline int redis_server_connect(struct redis_server *s)
{
    struct sockaddr_un sa = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    str_to_cstr(str_of(s->path), sa.sun_path, sizeof(sa.sun_path));
    if (connect(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0)
        return fd;
    close(fd);
    return -1;
}

static inline void redis_server_run(struct redis_server *s)
{
    pid_t parent = getpid();

    s->pid = fork();
    if (s->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent)
            _exit(1);
        if (!freopen("/dev/null", "w", stdout) || !freopen("/dev/null", "w", stderr))
            _exit(1);
        execlp("redis-server", "redis-server", "--port", "0", "--unixsocket", s->path, "--save", "",
               "--appendonly", "no", "--dir", s->folder, NULL);
        execlp("valkey-server", "valkey-server", "--port", "0", "--unixsocket", s->path, "--save",
               "", "--appendonly", "no", "--dir", s->folder, NULL);
        _exit(127);
    }
}

/* False: there is none here. */
static inline bool redis_server_start(struct redis_server *s)
{
    struct problem p = { 0 };

    *s = (struct redis_server){ .fd = -1 };
    snprintf(s->folder, sizeof(s->folder), "/tmp/fettle-redis-XXXXXX");
    if (!mkdtemp(s->folder))
        return false;
    snprintf(s->path, sizeof(s->path), "%s/s", s->folder);
    redis_server_run(s);
    while ((s->fd = redis_server_connect(s)) < 0) {
        struct timespec moment = { .tv_nsec = 5000000 };

        if (waitpid(s->pid, NULL, WNOHANG) == s->pid) {
            s->pid = 0;
            return false;
        }
        nanosleep(&moment, NULL);
    }
    return respreader_new(&s->reader, 64 << 20, &p) == 0;
}

static inline void redis_server_stop(struct redis_server *s)
{
    respreader_free(s->reader);
    if (s->fd >= 0)
        close(s->fd);
    if (s->pid > 0) {
        kill(s->pid, SIGKILL);
        waitpid(s->pid, NULL, 0);
    }
    unlink(s->path);
    rmdir(s->folder);
}

/* The answer to what is in `command`, which is empty then. */
static inline struct reply redis_server_ask(struct redis_server *s, struct buf *command)
{
    char bytes[65536];
    struct reply reply = { 0 };
    int got = 0;

    for (size_t at = 0; at < command->len;) {
        ssize_t n = write(s->fd, command->ptr + at, command->len - at);

        assert(n > 0);
        at += (size_t)n;
    }
    buf_clear(command);
    while ((got = respreader_next(s->reader, &reply)) == 0) {
        ssize_t n = read(s->fd, bytes, sizeof(bytes));

        assert(n > 0 && respreader_feed(s->reader, str_make(bytes, (size_t)n)) == 0);
    }
    assert(got == 1);
    return reply;
}
