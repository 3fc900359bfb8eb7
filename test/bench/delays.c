/* test/bench/delays.c -- a server whose delays are known: what a load generator must measure
 *
 * delays PORT MIN_US MAX_US
 *
 * Request n (counted from 1) is answered after a delay that depends on n alone,
 * spread evenly over the logarithm between MIN and MAX. The server never sleeps, so that
 * it notices a request and a due answer at once; it needs a CPU of its own. It
 * measures by its own clock how long it really had each request, and tells that:
 *   GET /stats  the exact quantiles of what it gave since the last /stats, as JSON
 */
#include "base/buf.h"
#include "base/clock.h"
#include "base/random.h"
#include "io/sock.h"

#include <math.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>

enum { DUE_MAX = 65536, SERVED_MAX = 4 << 20 };

static struct due {
    u64 at_ns, got_ns;
    int fd;
} due[DUE_MAX]; /* a heap, the earliest first */
static u32 due_n;
static u32 served[SERVED_MAX]; /* ns */
static u32 served_n;
static u64 requests;
static double least_ns, most_ns;

static void due_put(struct due d)
{
    u32 i = due_n++;

    assert(due_n < DUE_MAX);
    for (; i && due[(i - 1) / 2].at_ns > d.at_ns; i = (i - 1) / 2)
        due[i] = due[(i - 1) / 2];
    due[i] = d;
}

static struct due due_take(void)
{
    struct due first = due[0], last = due[--due_n];
    u32 i = 0;

    for (u32 child = 1; child < due_n; child = 2 * i + 1) {
        child += child + 1 < due_n && due[child + 1].at_ns < due[child].at_ns;
        if (due[child].at_ns >= last.at_ns)
            break;
        due[i] = due[child];
        i = child;
    }
    due[i] = last;
    return first;
}

static u64 delay_of(u64 n)
{
    struct random r = { n * 77 };

    return (u64)(least_ns * pow(most_ns / least_ns, random_unit(&r)));
}

static int by_size(const void *a, const void *b)
{
    u32 x = *(const u32 *)a, y = *(const u32 *)b;

    return x < y ? -1 : x > y;
}

static double quantile_us(double q)
{
    u32 rank = (u32)ceil(q * served_n);

    return served_n ? served[rank ? rank - 1 : 0] / 1e3 : 0;
}

static void answer(int fd, const char *body)
{
    char text[512];
    int n = snprintf(text, sizeof(text), "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s",
                     strlen(body), body);

    if (send(fd, text, (size_t)n, MSG_NOSIGNAL) < 0)
        close(fd);
}

static void answer_stats(int fd)
{
    char body[256];
    double sum = 0;

    qsort(served, served_n, sizeof(*served), by_size);
    for (u32 i = 0; i < served_n; i++)
        sum += served[i] / 1e3;
    snprintf(body, sizeof(body),
             "{\"requests\":%u,\"mean\":%.3f,\"p50\":%.3f,\"p90\":%.3f,\"p99\":%.3f,"
             "\"p99_9\":%.3f,\"max\":%.3f}\n",
             served_n, served_n ? sum / served_n : 0, quantile_us(0.5), quantile_us(0.9),
             quantile_us(0.99), quantile_us(0.999), quantile_us(1));
    served_n = 0;
    answer(fd, body);
}

/* A request comes in one piece here. */
static void readable(int fd, u64 now_ns)
{
    char bytes[4096];
    ssize_t n = recv(fd, bytes, sizeof(bytes), 0);

    if (n == 0 || (n < 0 && errno != EAGAIN)) {
        close(fd);
        return;
    }
    if (n < 0)
        return;
    if (str_starts(str_make(bytes, (size_t)n), STR("GET /stats")))
        answer_stats(fd);
    else
        due_put((struct due){ now_ns + delay_of(++requests), now_ns, fd });
}

static void serve_due(void)
{
    while (due_n && due[0].at_ns <= clock_now_ns()) {
        struct due d = due_take();

        assert(served_n < SERVED_MAX);
        served[served_n++] = (u32)(clock_now_ns() - d.got_ns);
        answer(d.fd, "ok");
    }
}

static void accept_all(int epoll_fd, int listen_fd)
{
    int fd, on = 1;

    while ((fd = sock_accept(listen_fd)) >= 0) {
        struct epoll_event e = { .events = EPOLLIN | EPOLLET, .data.fd = fd };

        if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) < 0 ||
            epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &e) < 0)
            close(fd);
    }
}

int main(int argc, char **argv)
{
    struct sock_listen_conf conf = { 0 };
    struct addr a = { 0 };
    struct epoll_event events[16];
    int epoll_fd = epoll_create1(EPOLL_CLOEXEC), listen_fd;

    if (argc != 4 || !addr_parse_ip(STR("127.0.0.1"), &a)) {
        fprintf(stderr, "usage: delays PORT MIN_US MAX_US\n");
        return 2;
    }
    a.port = (u16)atoi(argv[1]);
    least_ns = atof(argv[2]) * 1e3;
    most_ns = atof(argv[3]) * 1e3;
    listen_fd = sock_listen_tcp(&a, &conf);
    if (listen_fd < 0 || epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listen_fd,
                                   &(struct epoll_event){ EPOLLIN, { .fd = listen_fd } }) < 0) {
        fprintf(stderr, "delays: cannot listen on port %s\n", argv[1]);
        return 1;
    }
    for (;;) {
        int n = epoll_wait(epoll_fd, events, ARRAY_LEN(events), 0);
        u64 now_ns = clock_now_ns();

        for (int i = 0; i < n; i++) {
            if (events[i].data.fd == listen_fd)
                accept_all(epoll_fd, listen_fd);
            else
                readable(events[i].data.fd, now_ns);
            serve_due();
        }
        serve_due();
    }
}
