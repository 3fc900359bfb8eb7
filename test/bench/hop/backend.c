/* test/bench/hop/backend.c -- a back end that answers at once, so that only the proxy is measured
 *
 * usage: backend PATH           listens on a unix socket, for nginx and HAProxy
 *        fettle run --node build/test/bench/hop/backend ANY.js
 *                               takes Node's place: speaks shm/wire.h as the agent does
 * (addon/link.c itself), and fettle-loop.so, which is preloaded, watches its loop
 *
 * GET /1k, /64k, /1m: a body of that size; anything else with a body is read and answered by 2
 * bytes; a request with Upgrade becomes a WebSocket that echoes (frames below 126 bytes). One epoll
 * loop, edge-triggered; heads must come in one piece, as they do from a proxy. Sizes of socket
 * buffers are the kernel's defaults, as Node's are.
 */
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "link.h"
#include "loop.h"

enum { READ_BYTES = 65536, EVENTS = 128, FRAME_MAX = 125 };

struct conn {
    int fd;
    int websocket;
    const char *out; /* not yet written */
    size_t out_len;
    size_t body_left; /* of a request, still to be read */
    size_t have;      /* bytes of an unfinished frame */
    char frame[FRAME_MAX + 6];
};

static struct answer {
    const char *path;
    size_t body_len, len;
    char *bytes;
} answers[] = { { .path = "/1k ", .body_len = 1024 },
                { .path = "/64k ", .body_len = 65536 },
                { .path = "/1m ", .body_len = 1048576 },
                { .path = "", .body_len = 2 } };
enum { ANSWERS = sizeof answers / sizeof answers[0] };

static const char switching[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                                "Connection: Upgrade\r\n"
                                "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

static char input[READ_BYTES];
static int epoll_fd;

static void fail(const char *what)
{
    fprintf(stderr, "backend: %s: %s\n", what, strerror(errno));
    exit(1);
}

/* What Express says, but for the time. */
static void answers_make(void)
{
    for (int i = 0; i < ANSWERS; i++) {
        struct answer *a = &answers[i];
        int head;

        a->bytes = malloc(a->body_len + 512);
        if (!a->bytes)
            fail("malloc");
        head = snprintf(a->bytes, 512,
                        "HTTP/1.1 200 OK\r\nX-Powered-By: Express\r\n"
                        "Content-Type: text/plain; charset=utf-8\r\nContent-Length: %zu\r\n"
                        "ETag: W/\"1b-kPMoAVsPyPmAuJRSsTYDkvJKSFM\"\r\n"
                        "Date: Tue, 03 Jun 2025 08:00:00 GMT\r\nConnection: keep-alive\r\n"
                        "Keep-Alive: timeout=5\r\n\r\n",
                        a->body_len);
        memset(a->bytes + head, 'x', a->body_len);
        a->len = (size_t)head + a->body_len;
    }
}

/* 0: the connection lives. Asks for EPOLLOUT when it is first missed. */
static int flush(struct conn *c)
{
    while (c->out_len) {
        ssize_t n = send(c->fd, c->out, c->out_len, MSG_NOSIGNAL);

        if (n < 0 && errno == EAGAIN) {
            struct epoll_event e = { .events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = c };

            return epoll_ctl(epoll_fd, EPOLL_CTL_MOD, c->fd, &e);
        }
        if (n < 0)
            return -1;
        c->out += n;
        c->out_len -= (size_t)n;
    }
    return 0;
}

/* The value of a field of the head, or NULL: names are the same in any case (RFC 9110, 5.1). */
static const char *field(const char *head, const char *end, const char *name)
{
    size_t len = strlen(name);

    while ((head = memmem(head, (size_t)(end - head), "\r\n", 2)) != NULL) {
        head += 2;
        if ((size_t)(end - head) > len && head[len] == ':' && strncasecmp(head, name, len) == 0)
            return head + len + 1;
    }
    return NULL;
}

static int request(struct conn *c, const char *bytes, size_t len)
{
    const char *end = memmem(bytes, len, "\r\n\r\n", 4), *path = memchr(bytes, ' ', len), *found;
    struct answer *a = answers;
    size_t head;

    if (!end || !path)
        return -1;
    head = (size_t)(end + 4 - bytes);
    if (field(bytes, bytes + head, "upgrade")) {
        c->websocket = 1;
        c->out = switching;
        c->out_len = sizeof switching - 1;
        return flush(c);
    }
    found = field(bytes, bytes + head, "content-length");
    c->body_left = found ? strtoul(found, NULL, 10) : 0;
    c->body_left -= len - head < c->body_left ? len - head : c->body_left;
    while (strncmp(path + 1, a->path, strlen(a->path)) != 0)
        a++;
    c->out = a->bytes;
    c->out_len = a->len;
    return c->body_left ? 0 : flush(c);
}

/* Every whole frame in `bytes` goes back unmasked, in one write. */
static int echo(struct conn *c, const char *bytes, size_t len)
{
    static char out[READ_BYTES];
    size_t n = 0;

    while (len) {
        size_t want = c->have < 2 ? 2 : 6 + (size_t)(c->frame[1] & 127);
        size_t take = want - c->have < len ? want - c->have : len;

        memcpy(c->frame + c->have, bytes, take);
        c->have += take;
        bytes += take;
        len -= take;
        if (c->have < want || want == 2)
            continue;
        c->have = 0;
        if ((c->frame[0] & 15) == 8) /* close */
            return -1;
        out[n++] = c->frame[0];
        out[n++] = c->frame[1] & 127;
        for (size_t i = 6; i < want; i++)
            out[n++] = c->frame[i] ^ c->frame[2 + (i - 6) % 4];
    }
    return n == 0 || send(c->fd, out, n, MSG_NOSIGNAL) == (ssize_t)n ? 0 : -1;
}

static int readable(struct conn *c)
{
    ssize_t n;

    do {
        n = recv(c->fd, input, sizeof input, 0);
        if (n <= 0)
            return n < 0 && errno == EAGAIN ? 0 : -1;
        if (c->websocket) {
            if (echo(c, input, (size_t)n) < 0)
                return -1;
        } else if (c->body_left) {
            c->body_left -= (size_t)n < c->body_left ? (size_t)n : c->body_left;
            if (c->body_left == 0 && flush(c) < 0)
                return -1;
        } else if (request(c, input, (size_t)n) < 0) {
            return -1;
        }
    } while (n == sizeof input);
    return 0;
}

static void accept_all(int listen_fd)
{
    for (;;) {
        int fd = accept4(listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        struct conn *c = fd < 0 ? NULL : calloc(1, sizeof *c);
        struct epoll_event e = { .events = EPOLLIN | EPOLLET, .data.ptr = c };

        if (!c)
            return;
        c->fd = fd;
        epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &e);
    }
}

static int listen_at(const char *path)
{
    struct sockaddr_un a = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    snprintf(a.sun_path, sizeof a.sun_path, "%s", path);
    unlink(path);
    if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof a) < 0 || listen(fd, 4096) < 0)
        fail(path);
    return fd;
}

/* addon/link.c asks for these when the supervisor wants the stack of a blocked loop, or the monitor
 * a record of it. */
void stack_record(void);
void stack_record(void)
{
}

void stack_answer(void);
void stack_answer(void)
{
}

/* Node's place under fettle: the path to listen on comes from the supervisor. */
static int listen_as_worker(void)
{
    const char *worker = getenv("FETTLE_WORKER"), *port = getenv("PORT");
    void *found = dlsym(RTLD_DEFAULT, "fettle_loop_attach");
    struct wire_listen ask = { .type = WIRE_LISTEN, .family = AF_INET, .host = "127.0.0.1" };
    struct wire_listening a;
    fettle_loop_attach_fn *attach;
    int fd;

    ask.port = port ? (uint32_t)atoi(port) : 0;
    if (!worker || !found ||
        link_hello(getenv("FETTLE_DIR"), (uint32_t)atoi(worker), WIRE_MAIN, "v20.0.0") < 0 ||
        link_welcome() < 0 || link_start(0, NULL) < 0 || link_ask(&ask) < 0 ||
        link_answer(&a) < 0 || a.error)
        fail("the supervisor");
    memcpy(&attach, &found, sizeof found);
    attach(link_here.slot, link_here.shm, link_here.wake_fd, epoll_fd);
    fd = listen_at(a.path);
    link_note(WIRE_READY, a.listener, WIRE_HTTP, 0);
    return fd;
}

int main(int argc, char **argv)
{
    struct epoll_event events[EVENTS], e = { .events = EPOLLIN };
    int listen_fd;

    if (argc > 1 && strcmp(argv[1], "--version") == 0) { /* fettle asks which Node this is */
        puts("v20.0.0");
        return 0;
    }
    answers_make();
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (getenv("FETTLE_DIR"))
        listen_fd = listen_as_worker();
    else
        listen_fd = listen_at(argc > 1 ? argv[1] : "");
    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listen_fd, &e);
    for (;;) {
        int n = epoll_wait(epoll_fd, events, EVENTS, -1);

        for (int i = 0; i < n; i++) {
            struct conn *c = events[i].data.ptr;

            if (!c) {
                accept_all(listen_fd);
            } else if ((events[i].events & EPOLLOUT && !c->body_left && flush(c) < 0) ||
                       (events[i].events & ~(uint32_t)EPOLLOUT && readable(c) < 0)) {
                close(c->fd);
                free(c);
            }
        }
    }
}
