/* test/bench/hop/relay.c -- the least that a hop can cost: bytes both ways, unread
 *
 * usage: relay PORT PATH
 * For each connection on PORT one to the unix socket PATH, for good. Per request: receive, send,
 * receive, send, and a share of an epoll_wait; nothing is parsed, chosen, counted or timed. What a
 * proxy costs more than this is its own. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { READ_BYTES = 65536, EVENTS = 128 };

struct end {
    int fd;
    struct end *other;
    size_t at, len; /* what `other` has not taken: bytes[at, len) */
    char bytes[READ_BYTES];
};

static int epoll_fd;

/* 0, or -1: it is over. Asks for EPOLLOUT when it is first missed. */
static int flush(struct end *from)
{
    while (from->at < from->len) {
        ssize_t n =
            send(from->other->fd, from->bytes + from->at, from->len - from->at, MSG_NOSIGNAL);

        if (n < 0 && errno == EAGAIN) {
            struct epoll_event e = { .events = EPOLLIN | EPOLLOUT | EPOLLET,
                                     .data.ptr = from->other };

            return epoll_ctl(epoll_fd, EPOLL_CTL_MOD, from->other->fd, &e);
        }
        if (n < 0)
            return -1;
        from->at += (size_t)n;
    }
    return 0;
}

/* A short read has emptied the socket: no second receive finds that out. */
static int move(struct end *from)
{
    ssize_t n = READ_BYTES;

    while (n == READ_BYTES && from->at == from->len) {
        n = recv(from->fd, from->bytes, READ_BYTES, 0);
        if (n <= 0)
            return n < 0 && errno == EAGAIN ? 0 : -1;
        from->at = 0;
        from->len = (size_t)n;
        if (flush(from) < 0)
            return -1;
    }
    return 0;
}

static void pair_new(int client_fd, const char *path)
{
    struct sockaddr_un a = { .sun_family = AF_UNIX };
    struct end *pair = calloc(2, sizeof *pair);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0), one = 1;

    snprintf(a.sun_path, sizeof a.sun_path, "%s", path);
    if (!pair || connect(fd, (struct sockaddr *)&a, sizeof a) < 0)
        exit(1);
    setsockopt(client_fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    for (int i = 0; i < 2; i++) {
        struct epoll_event e = { .events = EPOLLIN | EPOLLET, .data.ptr = &pair[i] };

        pair[i].fd = i ? fd : client_fd;
        pair[i].other = &pair[1 - i];
        epoll_ctl(epoll_fd, EPOLL_CTL_ADD, pair[i].fd, &e);
    }
}

int main(int argc, char **argv)
{
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    struct epoll_event events[EVENTS], e = { .events = EPOLLIN };
    int listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), one = 1;

    a.sin_port = htons((uint16_t)(argc > 1 ? atoi(argv[1]) : 0));
    setsockopt(listen_fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    epoll_fd = epoll_create1(0);
    if (argc != 3 || bind(listen_fd, (struct sockaddr *)&a, sizeof a) < 0 ||
        listen(listen_fd, 4096) < 0) {
        fputs("usage: relay PORT PATH\n", stderr);
        return 1;
    }
    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listen_fd, &e);
    for (;;) {
        int n = epoll_wait(epoll_fd, events, EVENTS, -1);

        for (int i = 0; i < n; i++) {
            struct end *end = events[i].data.ptr;
            int fd = end ? -1 : accept4(listen_fd, NULL, NULL, SOCK_NONBLOCK);

            if (!end) {
                if (fd >= 0)
                    pair_new(fd, argv[2]);
                continue;
            }
            if (end->fd >= 0 && (((events[i].events & EPOLLOUT) &&
                                  (flush(end->other) < 0 || move(end->other) < 0)) ||
                                 ((events[i].events & EPOLLIN) && move(end) < 0))) {
                close(end->fd);
                close(end->other->fd);
                end->fd = end->other->fd = -1;
            }
        }
    }
}
