/* test/bench/hop/relay-uring.c -- relay.c's work by io_uring: one system call for many requests
 *
 * usage: relay-uring PORT PATH
 * A receive stays armed on each socket (multishot) and takes its bytes into buffers that the kernel
 * picks from a ring; a send goes out of the same buffer, which then returns. Completions run only
 * when this thread asks (DEFER_TASKRUN). Ended connections are shut down, and never freed. */
#include <arpa/inet.h>
#include <errno.h>
#include <liburing.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { BUFFERS = 256, BUFFER_BYTES = 16384, ENTRIES = 1024, COMPLETIONS = 8192 };

struct end {
    int fd;
    struct end *other;
    bool sending;
    unsigned short first, last; /* buffers on their way to `other` */
    unsigned count;
    struct end *next; /* of those that found no buffer */
};

static char buffers[BUFFERS][BUFFER_BYTES] __attribute__((aligned(4096)));
static struct {
    unsigned len;
    unsigned short next;
} filled[BUFFERS];
static struct io_uring ring;
static struct io_uring_buf_ring *free_buffers;
static struct end *starved;

static void fail(const char *what, int error)
{
    fprintf(stderr, "relay-uring: %s: %s\n", what, strerror(error));
    exit(1);
}

/* The user data of an entry is its end; bit 0 says whether it is a send. */
static struct io_uring_sqe *entry(void)
{
    struct io_uring_sqe *s = io_uring_get_sqe(&ring);

    if (!s) {
        io_uring_submit(&ring);
        s = io_uring_get_sqe(&ring);
    }
    if (!s)
        fail("no entry left", EBUSY);
    return s;
}

static void give_back(unsigned short b)
{
    io_uring_buf_ring_add(free_buffers, buffers[b], BUFFER_BYTES, b,
                          io_uring_buf_ring_mask(BUFFERS), 0);
    io_uring_buf_ring_advance(free_buffers, 1);
}

static void receive(struct end *from)
{
    struct io_uring_sqe *s = entry();

    io_uring_prep_recv_multishot(s, from->fd, NULL, 0, 0);
    s->flags |= IOSQE_BUFFER_SELECT;
    s->ioprio |= IORING_RECVSEND_POLL_FIRST; /* nothing is there yet: do not look */
    io_uring_sqe_set_data64(s, (uintptr_t)from);
}

/* One send at a time for each direction keeps the order. */
static void send_first(struct end *from)
{
    struct io_uring_sqe *s = entry();

    io_uring_prep_send(s, from->other->fd, buffers[from->first], filled[from->first].len,
                       MSG_NOSIGNAL | MSG_WAITALL);
    io_uring_sqe_set_data64(s, (uintptr_t)from | 1);
    from->sending = true;
}

static void over(struct end *end)
{
    shutdown(end->fd, SHUT_RDWR);
    shutdown(end->other->fd, SHUT_RDWR);
}

static void on_received(struct end *from, int result, unsigned flags)
{
    unsigned short b = (unsigned short)(flags >> IORING_CQE_BUFFER_SHIFT);

    if (result == -ENOBUFS) {
        from->next = starved;
        starved = from;
        return;
    }
    if (result <= 0) {
        if (flags & IORING_CQE_F_BUFFER)
            give_back(b);
        over(from);
        return;
    }
    filled[b].len = (unsigned)result;
    if (from->count++)
        filled[from->last].next = b;
    else
        from->first = b;
    from->last = b;
    if (!from->sending)
        send_first(from);
    if (!(flags & IORING_CQE_F_MORE))
        receive(from);
}

static void on_sent(struct end *from, int result)
{
    unsigned short b = from->first;

    from->first = filled[b].next;
    from->count--;
    from->sending = false;
    give_back(b);
    if (result < 0)
        over(from);
    if (from->count)
        send_first(from);
    if (starved) {
        receive(starved);
        starved = starved->next;
    }
}

static void pair_new(int client_fd, const char *path)
{
    struct sockaddr_un a = { .sun_family = AF_UNIX };
    struct end *pair = calloc(2, sizeof *pair);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0), one = 1;

    snprintf(a.sun_path, sizeof a.sun_path, "%s", path);
    if (!pair || connect(fd, (struct sockaddr *)&a, sizeof a) < 0)
        fail(path, errno);
    setsockopt(client_fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    for (int i = 0; i < 2; i++) {
        pair[i].fd = i ? fd : client_fd;
        pair[i].other = &pair[1 - i];
        receive(&pair[i]);
    }
}

static void ring_make(void)
{
    struct io_uring_params p = { .flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
                                          IORING_SETUP_CQSIZE,
                                 .cq_entries = COMPLETIONS };
    struct io_uring_buf_reg reg = { .ring_entries = BUFFERS };
    int error = io_uring_queue_init_params(ENTRIES, &ring, &p);

    if (error < 0)
        fail("io_uring", -error);
    free_buffers = aligned_alloc(4096, BUFFERS * sizeof(struct io_uring_buf));
    if (!free_buffers)
        fail("memory", ENOMEM);
    reg.ring_addr = (uintptr_t)free_buffers;
    error = io_uring_register_buf_ring(&ring, &reg, 0);
    if (error < 0)
        fail("the ring of buffers", -error);
    io_uring_register_ring_fd(&ring);
    io_uring_buf_ring_init(free_buffers);
    for (unsigned short i = 0; i < BUFFERS; i++)
        give_back(i);
}

int main(int argc, char **argv)
{
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int listen_fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;
    struct io_uring_sqe *s;

    a.sin_port = htons((uint16_t)(argc > 1 ? atoi(argv[1]) : 0));
    setsockopt(listen_fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (argc != 3 || bind(listen_fd, (struct sockaddr *)&a, sizeof a) < 0 ||
        listen(listen_fd, 4096) < 0)
        fail("usage: relay-uring PORT PATH", errno);
    ring_make();
    s = entry();
    io_uring_prep_multishot_accept(s, listen_fd, NULL, NULL, 0);
    io_uring_sqe_set_data64(s, 0);
    for (;;) {
        struct io_uring_cqe *c;
        unsigned head, n = 0;

        io_uring_submit_and_wait(&ring, 1);
        io_uring_for_each_cqe(&ring, head, c)
        {
            struct end *end = (struct end *)(uintptr_t)(c->user_data & ~1ULL);

            n++;
            if (!end && c->res >= 0)
                pair_new(c->res, argv[2]);
            else if (!end)
                continue;
            else if (c->user_data & 1)
                on_sent(end, c->res);
            else
                on_received(end, c->res, c->flags);
        }
        io_uring_cq_advance(&ring, n);
    }
}
