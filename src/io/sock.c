/* io/sock.c -- sockets: listening ones, pairs, and messages that carry descriptors */
#include "io/sock.h"

#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/stat.h>

int sock_nonblock(int fd)
{
    int flags = fcntl(fd, F_GETFL);

    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
        return -errno;
    return 0;
}

static int option_set(int fd, int level, int name, int value)
{
    return setsockopt(fd, level, name, &value, sizeof(value)) < 0 ? -errno : 0;
}

int sock_listen_tcp(const struct addr *a, const struct sock_listen_conf *conf)
{
    AUTO(fd_closep) int fd = -1;
    struct sockaddr_storage sa;
    socklen_t sa_len = addr_sockaddr(a, &sa);
    int r;

    if (sa_len == 0)
        return -EAFNOSUPPORT;
    fd = socket(a->family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    r = option_set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (r == 0 && conf->reuseport)
        r = option_set(fd, SOL_SOCKET, SO_REUSEPORT, 1);
    if (r == 0 && a->family == AF_INET6)
        r = option_set(fd, IPPROTO_IPV6, IPV6_V6ONLY, conf->v6only);
    if (r < 0)
        return r;
    if (bind(fd, (struct sockaddr *)&sa, sa_len) < 0)
        return -errno;
    if (listen(fd, conf->backlog ? (int)min(conf->backlog, (u32)INT32_MAX) : SOMAXCONN) < 0)
        return -errno;
    return TAKE(fd, -1);
}

static int unix_address(const char *path, struct sockaddr_un *out)
{
    *out = (struct sockaddr_un){ .sun_family = AF_UNIX };
    if (strlen(path) >= sizeof(out->sun_path))
        return -ENAMETOOLONG;
    str_to_cstr(str_of(path), out->sun_path, sizeof(out->sun_path));
    return 0;
}

int sock_listen_unix(const char *path, int type, u32 backlog, u32 mode)
{
    AUTO(fd_closep) int fd = -1;
    struct sockaddr_un sa;
    int r = unix_address(path, &sa);

    if (r < 0)
        return r;
    fd = socket(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    if (bind(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0)
        return -errno;
    /* Nobody can connect before listen, so the mode is right in time. */
    if (chmod(path, mode) < 0 ||
        listen(fd, backlog ? (int)min(backlog, (u32)INT32_MAX) : SOMAXCONN) < 0) {
        r = -errno;
        unlink(path);
        return r;
    }
    return TAKE(fd, -1);
}

static int connect_unix(const char *path, int type)
{
    AUTO(fd_closep) int fd = -1;
    struct sockaddr_un sa;
    int r = unix_address(path, &sa);

    if (r < 0)
        return r;
    fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    if (connect(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0)
        return -errno;
    return TAKE(fd, -1);
}

int sock_connect_unix(const char *path, int type)
{
    AUTO(fd_closep) int fd = connect_unix(path, type);
    int r = fd < 0 ? fd : sock_nonblock(fd);

    return r < 0 ? r : TAKE(fd, -1);
}

int sock_connect_unix_now(const char *path, int type)
{
    return connect_unix(path, type | SOCK_NONBLOCK);
}

int sock_pair(int fds[2])
{
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) < 0)
        return -errno;
    return 0;
}

int sock_accept(int fd)
{
    for (;;) {
        int conn = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (conn >= 0)
            return conn;
        if (errno == EINTR || errno == ECONNABORTED)
            continue; /* that one is gone; is there another? */
        return -errno;
    }
}

int sock_local(int fd, struct addr *out)
{
    struct sockaddr_storage sa = { 0 };
    socklen_t len = sizeof(sa);

    if (getsockname(fd, (struct sockaddr *)&sa, &len) < 0)
        return -errno;
    *out = addr_of((struct sockaddr *)&sa);
    return 0;
}

int sock_peer(int fd, struct sock_peer *out)
{
    struct ucred cred;
    socklen_t len = sizeof(cred);

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0)
        return -errno;
    *out = (struct sock_peer){ .pid = (u32)cred.pid, .uid = cred.uid };
    return 0;
}

union control {
    char bytes[CMSG_SPACE(sizeof(int) * SOCK_FDS_MAX)];
    struct cmsghdr align;
};

int sock_send_msg(int fd, const void *msg, size_t len, const int *fds, u32 fds_n)
{
    union control control = { 0 };
    struct iovec iov = { .iov_base = (void *)(uintptr_t)msg, .iov_len = len };
    struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
    ssize_t n;

    assert(fds_n <= SOCK_FDS_MAX);
    if (fds_n > 0) {
        m.msg_control = control.bytes;
        m.msg_controllen = CMSG_SPACE(sizeof(int) * fds_n);
        struct cmsghdr *c = CMSG_FIRSTHDR(&m);

        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof(int) * fds_n);
        memcpy(CMSG_DATA(c), fds, sizeof(int) * fds_n);
    }
    do
        n = sendmsg(fd, &m, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : 0;
}

/* Hands over what fits of the descriptors that came, and closes the others. */
static void fds_take(struct msghdr *m, int *fds, u32 fds_room, u32 *fds_n)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        u32 n = (u32)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));

        for (u32 i = 0; i < n; i++) {
            int fd;

            memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(fd));
            if (*fds_n < fds_room)
                fds[(*fds_n)++] = fd;
            else
                close(fd);
        }
    }
}

ssize_t sock_recv_msg(int fd, void *msg, size_t room, int *fds, u32 fds_room, u32 *fds_n)
{
    union control control;
    struct iovec iov = { .iov_base = msg, .iov_len = room };
    struct msghdr m = { .msg_iov = &iov,
                        .msg_iovlen = 1,
                        .msg_control = control.bytes,
                        .msg_controllen = sizeof(control.bytes) };
    ssize_t n;

    *fds_n = 0;
    do
        n = recvmsg(fd, &m, MSG_CMSG_CLOEXEC);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return errno == ENOMEM || errno == ENOBUFS ? -EAGAIN : -errno;
    fds_take(&m, fds, fds_room, fds_n);
    if (m.msg_flags & MSG_TRUNC) {
        while (*fds_n > 0)
            close(fds[--*fds_n]);
        return -EMSGSIZE;
    }
    return n;
}
