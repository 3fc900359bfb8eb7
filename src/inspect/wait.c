/* inspect/wait.c -- waiting for a descriptor, with an end and a way to be called off */
#include "inspect/wait.h"

#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

int wait_for(const struct wait *w, int fd, short events, u64 until_ns)
{
    struct pollfd fds[] = { { .fd = fd, .events = events },
                            { .fd = w->stop_fd, .events = POLLIN } };

    for (;;) {
        u64 now_ns = clock_now_ns();
        u64 left_ms = until_ns > now_ns ? (until_ns - now_ns) / NS_PER_MS + 1 : 0;
        int n = poll(fds, 2, (int)min(left_ms, (u64)INT32_MAX));

        if (n < 0 && errno != EINTR)
            return -errno;
        if (n > 0 && fds[1].revents)
            return -ECANCELED;
        if (n > 0 && fds[0].revents)
            return 0;
        if (left_ms == 0)
            return -ETIMEDOUT;
    }
}

int wait_connect(const struct wait *w, const struct addr *a, u64 until_ns)
{
    struct sockaddr_storage sa;
    socklen_t len = addr_sockaddr(a, &sa);
    AUTO(fd_closep) int fd = socket(a->family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int err = 0;

    if (fd < 0)
        return -errno;
    if (connect(fd, (struct sockaddr *)&sa, len) < 0) {
        socklen_t room = sizeof(err);

        if (errno != EINPROGRESS)
            return -errno;
        err = wait_for(w, fd, POLLOUT, until_ns);
        if (err)
            return err;
        if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &room) < 0 || err)
            return err ? -err : -errno;
    }
    return TAKE(fd, -1);
}

int wait_send(const struct wait *w, int fd, struct str bytes, u64 until_ns)
{
    while (bytes.len) {
        ssize_t n = send(fd, bytes.ptr, bytes.len, MSG_NOSIGNAL);
        int err;

        if (n >= 0) {
            bytes = str_sub(bytes, (size_t)n, bytes.len);
            continue;
        }
        if (errno != EAGAIN && errno != EINTR)
            return -errno;
        err = wait_for(w, fd, POLLOUT, until_ns);
        if (err)
            return err;
    }
    return 0;
}

ssize_t wait_read(const struct wait *w, int fd, char *out, size_t room, u64 until_ns)
{
    int one = 1;

    for (;;) {
        ssize_t n;
        int err;

        /* Node sends small pieces, each when the one before it has been acknowledged (Nagle's
         * algorithm): an acknowledgement that is put off costs 40 ms. The kernel forgets it. */
        (void)setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &one, sizeof(one));
        err = wait_for(w, fd, POLLIN, until_ns);

        if (err)
            return err;
        n = read(fd, out, room);
        if (n >= 0)
            return n;
        if (errno != EAGAIN && errno != EINTR)
            return -errno;
    }
}
