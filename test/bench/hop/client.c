/* test/bench/hop/client.c -- a closed loop that sends an exact number of requests or messages
 *
 * usage: client PORT PATH CONNECTIONS COUNT [MAX_SECONDS]
 *
 * PATH: GET of it. "ws": WebSocket messages of 125 bytes, echoed. "idle": opens the connections,
 * sends one GET /1k on each, and keeps them until its stdin ends. "put:N": POST of N bytes. COUNT
 * answers in all, or until MAX_SECONDS are over, with one request at a time on each connection;
 * prints how many there were. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { READ_BYTES = 262144, EVENTS = 128, HEAD_MAX = 1024, MESSAGE = 125 };

struct conn {
    int fd;
    bool upgraded;
    size_t left; /* of the answer; 0: its head is still to come */
    size_t sent;
};

static char request[HEAD_MAX + (4 << 20)], frame[MESSAGE + 6], input[READ_BYTES];
static const char upgrade[] = "Upgrade: websocket\r\nConnection: Upgrade\r\n"
                              "Sec-WebSocket-Version: 13\r\n"
                              "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
static size_t request_len;
static bool websocket;
static long begun, done, count;

static void fail(const char *what)
{
    fprintf(stderr, "client: %s: %s\n", what, errno ? strerror(errno) : "not what was expected");
    exit(1);
}

static void send_some(struct conn *c, const char *bytes, size_t len)
{
    while (c->sent < len) {
        ssize_t n = send(c->fd, bytes + c->sent, len - c->sent, MSG_NOSIGNAL);

        if (n < 0 && errno == EAGAIN)
            return;
        if (n < 0)
            fail("send");
        c->sent += (size_t)n;
    }
}

static void send_next(struct conn *c)
{
    if (begun >= count)
        return;
    begun++;
    c->sent = 0;
    if (c->upgraded)
        send_some(c, frame, sizeof frame);
    else
        send_some(c, request, request_len);
}

static size_t head_take(struct conn *c, size_t len)
{
    char *end = memmem(input, len, "\r\n\r\n", 4), *length;

    errno = 0;
    if (!end || strncmp(input, websocket ? "HTTP/1.1 101" : "HTTP/1.1 200", 12) != 0)
        fail("answer");
    if (websocket) {
        c->upgraded = true;
        return len;
    }
    *end = 0;
    length = strcasestr(input, "content-length: ");
    c->left = length ? strtoul(length + 16, NULL, 10) : 0;
    return (size_t)(end + 4 - input);
}

static void take(struct conn *c)
{
    ssize_t n;

    do {
        size_t at = 0;

        n = recv(c->fd, input, sizeof input, 0);
        if (n < 0 && errno == EAGAIN)
            return;
        if (n <= 0)
            fail("the connection was closed");
        if (websocket && !c->upgraded) { /* the 101 is not counted */
            head_take(c, (size_t)n);
            begun--;
            send_next(c);
            continue;
        }
        if (c->left == 0) {
            if (c->upgraded)
                c->left = MESSAGE + 2;
            else
                at = head_take(c, (size_t)n);
        }
        c->left -= (size_t)n - at;
        if (c->left == 0) {
            done++;
            send_next(c);
        }
    } while (n == sizeof input);
}

static int dial(int port)
{
    struct sockaddr_in a = { .sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;

    if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof a) < 0)
        fail("connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    return fd;
}

static void request_make(const char *path)
{
    size_t body = strncmp(path, "put:", 4) == 0 ? strtoul(path + 4, NULL, 10) : 0;
    int n;

    websocket = strcmp(path, "ws") == 0;
    if (body > 4 << 20)
        fail("PATH");
    if (body)
        n = snprintf(request, HEAD_MAX,
                     "POST /upload HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %zu\r\n\r\n",
                     body);
    else
        n = snprintf(request, HEAD_MAX, "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\n%s\r\n",
                     *path == '/' ? path : "/1k", websocket ? upgrade : "");
    memset(request + n, 'x', body);
    request_len = (size_t)n + body;
    frame[0] = (char)0x82;
    frame[1] = (char)(0x80 | MESSAGE);
    memset(frame + 2, 'm', sizeof frame - 2);
}

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
    int connections = argc > 3 ? atoi(argv[3]) : 0, epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    bool idle = argc > 2 && strcmp(argv[2], "idle") == 0;
    struct epoll_event events[EVENTS];
    struct conn *conns = calloc((size_t)connections + 1, sizeof *conns);
    double end = argc > 5 ? now() + atof(argv[5]) : 0;

    if (connections <= 0 || argc < 5 || !conns)
        fail("usage: client PORT PATH CONNECTIONS COUNT [MAX_SECONDS]");
    request_make(argv[2]);
    count = idle ? connections : atol(argv[4]);
    for (int i = 0; i < connections; i++) {
        struct epoll_event e = { .events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = &conns[i] };

        conns[i].fd = dial(atoi(argv[1]));
        if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, conns[i].fd, &e) < 0)
            fail("epoll_ctl");
    }
    for (int i = 0; i < connections; i++)
        send_next(&conns[i]);
    while (done < count && (end == 0 || now() < end)) {
        int n = epoll_wait(epoll_fd, events, EVENTS, 1000);

        for (int i = 0; i < n; i++) {
            struct conn *c = events[i].data.ptr;

            if (events[i].events & EPOLLOUT && c->sent && !c->upgraded)
                send_some(c, request, request_len);
            if (events[i].events & EPOLLIN)
                take(c);
        }
    }
    printf("%ld\n", done);
    fflush(stdout);
    while (idle && read(0, input, sizeof input) > 0)
        ;
    return 0;
}
