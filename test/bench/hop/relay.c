/* test/bench/hop/relay.c -- the least that a hop can cost: bytes both ways, unread
 *
 * usage: relay PORT PATH [batch|splice]
 * For each connection on PORT one to the unix socket PATH, for good. Per request: receive, send,
 * receive, send, and a share of an epoll_wait; nothing is parsed, chosen, counted or timed. What a
 * proxy costs more than this is its own.
 *
 * batch: all that an epoll_wait named is received, 16 KB at most of each, then all of it is sent,
 * to back ends first. splice: where a receive of 16 KB does not empty the socket, the rest goes
 * through a pipe, uncopied.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum {
    READ_BYTES = 65536,
    FIRST_BYTES = 16384,
    SPLICE_BYTES = 1 << 20, /* a pipe holds 16 fragments, of 32 KB as a rule */
    EVENTS = 128,
    CACHE_LINE = 64
};

struct end {
    int fd;
    int pipe[2]; /* made for the first splice, kept for good */
    bool from_client;
    bool splicing; /* what comes belongs to a large message; until the other end speaks */
    struct end *other;
    const char *bytes; /* what `other` has not taken: in `room`, or in `kept` once it must wait */
    char *kept;
    size_t len, in_pipe;
};

/* One room for all connections stays in the CPU's cache; one for each would not. */
static char room[(EVENTS + 1) * READ_BYTES];
static size_t room_used;
static struct {
    struct end *from;
    bool more; /* the receive was full: the socket may hold more */
} received[EVENTS];
static int received_count, epoll_fd;
static bool batch, by_splice;
static size_t first_bytes = READ_BYTES; /* at a time, as long as others wait to be received */

/* The other end takes no more now: 0 when EPOLLOUT will tell, -1 when it is over. */
static int wait_for_room(struct end *from)
{
    struct epoll_event e = { .events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = from->other };

    if (errno != EAGAIN)
        return -1;
    if (from->len && from->bytes >= room && from->bytes < room + sizeof room) {
        if (!from->kept && !(from->kept = malloc(READ_BYTES)))
            return -1;
        memcpy(from->kept, from->bytes, from->len);
        from->bytes = from->kept;
    }
    return epoll_ctl(epoll_fd, EPOLL_CTL_MOD, from->other->fd, &e);
}

/* 0, or -1: it is over. */
static int flush(struct end *from)
{
    while (from->len) {
        ssize_t n = send(from->other->fd, from->bytes, from->len, MSG_NOSIGNAL);

        if (n < 0)
            return wait_for_room(from);
        from->bytes += n;
        from->len -= (size_t)n;
    }
    while (from->in_pipe) {
        ssize_t n = splice(from->pipe[0], NULL, from->other->fd, NULL, from->in_pipe,
                           SPLICE_F_MOVE | SPLICE_F_NONBLOCK);

        if (n < 0)
            return wait_for_room(from);
        from->in_pipe -= (size_t)n;
    }
    return 0;
}

/* Moves what the socket still holds; 0, or -1: it is over. */
static int move(struct end *from)
{
    char *at = room + room_used;
    ssize_t n = READ_BYTES;

    if (by_splice && !from->pipe[1] && pipe2(from->pipe, O_NONBLOCK) < 0)
        return -1;
    /* A short receive has emptied the socket, a short splice has not: it ends with a fragment. */
    while (!from->len && !from->in_pipe && (by_splice || n == READ_BYTES)) {
        if (by_splice)
            n = splice(from->fd, NULL, from->pipe[1], NULL, SPLICE_BYTES,
                       SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
        else
            n = recv(from->fd, at, READ_BYTES, 0);
        if (n <= 0)
            return n < 0 && errno == EAGAIN ? 0 : -1;
        from->bytes = at;
        *(by_splice ? &from->in_pipe : &from->len) = (size_t)n;
        if (flush(from) < 0)
            return -1;
    }
    return 0;
}

/* The first receive after a wake-up; send_all() does the rest. */
static int receive(struct end *from)
{
    char *at = room + room_used;
    ssize_t n;

    if (from->splicing)
        return move(from);
    if (from->len || from->in_pipe)
        return 0;
    from->other->splicing = false;
    n = recv(from->fd, at, first_bytes, 0);
    if (n <= 0)
        return n < 0 && errno == EAGAIN ? 0 : -1;
    from->bytes = at;
    from->len = (size_t)n;
    received[received_count].from = from;
    received[received_count++].more = n == (ssize_t)first_bytes;
    room_used += ((size_t)n + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE;
    return 0;
}

static void over(struct end *end)
{
    if (end->fd < 0)
        return;
    close(end->fd);
    close(end->other->fd);
    end->fd = end->other->fd = -1;
}

static void send_all(void)
{
    for (int i = 0; i < 2 * received_count; i++) {
        int at = i % received_count;
        struct end *from = received[at].from;

        if (from->fd < 0 || from->from_client != (i < received_count))
            continue;
        from->splicing = by_splice && received[at].more;
        if (flush(from) < 0 || (received[at].more && move(from) < 0))
            over(from);
    }
    received_count = 0;
    room_used = 0;
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
        pair[i].from_client = i == 0;
        pair[i].other = &pair[1 - i];
        epoll_ctl(epoll_fd, EPOLL_CTL_ADD, pair[i].fd, &e);
    }
}

static void event(struct end *end, uint32_t events)
{
    if (end->fd >= 0 && (events & EPOLLOUT) && (flush(end->other) < 0 || move(end->other) < 0))
        over(end);
    if (end->fd >= 0 && (events & EPOLLIN) && receive(end) < 0)
        over(end);
    if (!batch)
        send_all();
}

static int listen_on(int port)
{
    struct sockaddr_in a = { .sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), one = 1;

    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(fd, (struct sockaddr *)&a, sizeof a) < 0 || listen(fd, 4096) < 0)
        exit(1);
    return fd;
}

int main(int argc, char **argv)
{
    struct epoll_event events[EVENTS], e = { .events = EPOLLIN };
    const char *mode = argc == 4 ? argv[3] : "";
    int listen_fd;

    batch = strcmp(mode, "batch") == 0;
    by_splice = strcmp(mode, "splice") == 0;
    if (argc < 3 || argc > 4 || (argc == 4 && !batch && !by_splice)) {
        fputs("usage: relay PORT PATH [batch|splice]\n", stderr);
        return 1;
    }
    if (batch || by_splice)
        first_bytes = FIRST_BYTES;
    signal(SIGPIPE, SIG_IGN); /* splice has no MSG_NOSIGNAL */
    epoll_fd = epoll_create1(0);
    listen_fd = listen_on(atoi(argv[1]));
    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listen_fd, &e);
    for (;;) {
        int n = epoll_wait(epoll_fd, events, EVENTS, -1);

        for (int i = 0; i < n; i++) {
            int fd = events[i].data.ptr ? -1 : accept4(listen_fd, NULL, NULL, SOCK_NONBLOCK);

            if (events[i].data.ptr)
                event(events[i].data.ptr, events[i].events);
            else if (fd >= 0)
                pair_new(fd, argv[2]);
        }
        send_all();
    }
}
