/* load/channel.c -- one connection to the target, and the request on it
 *
 * A keep-alive request costs one send, one receive and its share of an
 * epoll_wait: a short receive has emptied the socket, so it is not asked again.
 */
#include "load/channel.h"

#include "base/clock.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>

enum {
    READS_MAX = 16,      /* of one event; then the others have their turn */
    PONGS_MAX = 64 << 10 /* bytes that a server that sends pings may leave unread */
};

void channel_init(struct channel *c, struct channel_shared *shared)
{
    *c = (struct channel){ .shared = shared, .fd = -1 };
    list_init(&c->link);
}

static bool is_websocket(const struct channel *c)
{
    return c->shared->destination->websocket;
}

/* What a WebSocket sends is made in `frames`; what was sent of it makes room. */
static struct buf *frames_begin(struct channel *c)
{
    buf_drop(&c->frames, c->frames.len - c->out.len);
    return &c->frames;
}

/* A server is told that this was no accident, if the socket takes it. */
static void say_bye(struct channel *c)
{
    AUTO(buf_done) struct buf bye = { 0 };

    if (!is_websocket(c) || c->state != CHANNEL_OPEN || c->out.len)
        return;
    echo_bye(&c->shared->random, &bye);
    if (!bye.failed && send(c->fd, bye.ptr, bye.len, MSG_NOSIGNAL) < 0)
        return;
}

void channel_close(struct channel *c)
{
    if (c->fd >= 0) {
        say_bye(c);
        close(c->fd);
    }
    c->fd = -1;
    c->state = CHANNEL_CLOSED;
    c->request = NULL;
    c->out = (struct str){ 0 };
    c->echo = (struct echo){ 0 };
    buf_done(&c->carry);
    buf_done(&c->frames);
}

void channel_done(struct channel *c)
{
    channel_close(c);
    list_del(&c->link);
}

static enum channel_step failed(struct channel *c, enum result_failure why, const char *trouble)
{
    bool busy = c->request || c->state != CHANNEL_OPEN;

    channel_close(c);
    c->failure = why;
    c->trouble = trouble;
    return busy ? CHANNEL_FAILED : CHANNEL_GONE;
}

static enum channel_step failed_errno(struct channel *c, enum result_failure why, int err)
{
    return failed(c, why, strerror(err));
}

/* Sends what is left. WAIT or FAILED. */
static enum channel_step flush(struct channel *c)
{
    while (c->out.len) {
        ssize_t n = send(c->fd, c->out.ptr, c->out.len, MSG_NOSIGNAL);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            break;
        if (n < 0)
            return failed_errno(c, RESULT_RESET, errno);
        c->shared->bytes_out += (u64)n;
        c->out = str_sub(c->out, (size_t)n, c->out.len);
    }
    /* A unix socket says at every read of its peer that there is room: ask only once it matters. */
    if (c->out.len && !(c->events & EPOLLOUT)) {
        struct epoll_event e = { .events = c->events |= EPOLLOUT, .data.ptr = c };

        if (epoll_ctl(c->shared->epoll_fd, EPOLL_CTL_MOD, c->fd, &e) < 0)
            return failed_errno(c, RESULT_RESET, errno);
    }
    return CHANNEL_WAIT;
}

/* Sends what has been added to the frames. */
static enum channel_step frames_send(struct channel *c)
{
    if (c->frames.failed)
        return failed_errno(c, RESULT_RESET, ENOMEM);
    c->out = buf_str(&c->frames);
    return flush(c);
}

static enum channel_step send_request(struct channel *c)
{
    if (is_websocket(c)) {
        echo_send(&c->echo, buf_str(&c->request->bytes), &c->shared->random, frames_begin(c));
        return frames_send(c);
    }
    c->out = buf_str(&c->request->bytes);
    answer_init(&c->answer, c->request->method);
    return flush(c);
}

/* The connection can carry requests. */
static enum channel_step ready(struct channel *c)
{
    c->state = CHANNEL_OPEN;
    return c->request ? send_request(c) : CHANNEL_READY;
}

/* The connection stands. */
static enum channel_step opened(struct channel *c)
{
    const struct destination *d = c->shared->destination;
    const struct mix_kind *k = c->shared->upgrade;

    if (!is_websocket(c))
        return ready(c);
    c->state = CHANNEL_UPGRADING;
    handshake_begin(&c->handshake, &c->shared->random, d->path, d->authority, !k->has_host,
                    buf_str(&k->fields), frames_begin(c));
    return frames_send(c);
}

static enum channel_step connect_now(struct channel *c)
{
    const struct destination *d = c->shared->destination;
    bool is_unix = d->addr.ss_family == AF_UNIX;
    struct epoll_event e = { .data.ptr = c };
    bool stands = false;
    int on = 1;

    c->fd = socket(d->addr.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (c->fd < 0)
        return failed_errno(c, RESULT_CONNECT, errno);
    if (!is_unix && setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) < 0)
        return failed_errno(c, RESULT_CONNECT, errno);
    if (c->shared->stamps && setsockopt(c->fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on)) < 0)
        return failed_errno(c, RESULT_CONNECT, errno);
    c->state = CHANNEL_CONNECTING;
    if (connect(c->fd, (const struct sockaddr *)&d->addr, d->addr_len) == 0)
        stands = true;
    else if (errno == EAGAIN) {
        const struct request *r = c->request;

        channel_close(c);
        c->request = r;
        return CHANNEL_LATER;
    } else if (errno != EINPROGRESS)
        return failed_errno(c, RESULT_CONNECT, errno);
    e.events = c->events = EPOLLIN | EPOLLRDHUP | EPOLLET | (is_unix ? 0 : EPOLLOUT);
    if (epoll_ctl(c->shared->epoll_fd, EPOLL_CTL_ADD, c->fd, &e) < 0)
        return failed_errno(c, RESULT_CONNECT, errno);
    return stands ? opened(c) : CHANNEL_WAIT;
}

enum channel_step channel_open(struct channel *c)
{
    return connect_now(c);
}

enum channel_step channel_begin(struct channel *c, const struct request *r)
{
    c->request = r;
    return c->state == CHANNEL_CLOSED ? connect_now(c) : send_request(c);
}

static enum channel_step connected(struct channel *c)
{
    int err = 0;
    socklen_t len = sizeof(err);

    if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &err, &len) < 0)
        err = errno;
    return err ? failed_errno(c, RESULT_CONNECT, err) : opened(c);
}

/* The answer is complete; `over`: nothing more can come. */
static enum channel_step answered(struct channel *c, u32 status, bool over)
{
    c->status = status;
    c->request = NULL;
    if (over || c->out.len || !c->shared->keep_alive)
        channel_close(c);
    return CHANNEL_DONE;
}

/* Keeps what is not understood yet. */
static enum channel_step keep(struct channel *c, const char *bytes, size_t len)
{
    buf_add(&c->carry, str_make(bytes, len));
    return c->carry.failed ? failed_errno(c, RESULT_RESET, ENOMEM) : CHANNEL_WAIT;
}

static enum channel_step ping_answer(struct channel *c)
{
    if (c->out.len > PONGS_MAX)
        return failed(c, RESULT_PROTOCOL, "more pings than answers are read");
    echo_pong(&c->echo, &c->shared->random, frames_begin(c));
    return frames_send(c);
}

/* Frames of a WebSocket. Behind an echo only control frames can come. */
static enum channel_step frames_received(struct channel *c, const char *bytes, size_t len,
                                         bool over)
{
    bool done = false;

    for (;;) {
        enum echo_step echo;
        enum channel_step step = CHANNEL_WAIT;
        size_t used;

        echo = echo_feed(&c->echo, bytes, len, &used);
        bytes += used;
        len -= used;
        switch (echo) {
        case ECHO_DONE:
            done = true;
            break;
        case ECHO_PING:
            step = ping_answer(c);
            break;
        case ECHO_MORE:
            step = keep(c, bytes, len);
            if (step == CHANNEL_WAIT)
                return done ? answered(c, 101, over) : CHANNEL_WAIT;
            break;
        case ECHO_CLOSED:
            step = failed(c, RESULT_RESET, "the server closed the WebSocket");
            break;
        case ECHO_BAD:
            step = failed(c, RESULT_PROTOCOL, c->echo.bad_text);
            break;
        }
        if (step == CHANNEL_WAIT)
            continue;
        c->status = 101;
        return done ? CHANNEL_DONE : step;
    }
}

static enum channel_step upgrade_received(struct channel *c, const char *bytes, size_t len,
                                          bool over)
{
    enum channel_step step;
    size_t used;

    switch (handshake_feed(&c->handshake, bytes, len, &used)) {
    case ANSWER_MORE:
        return keep(c, bytes, len);
    case ANSWER_BAD:
        return failed(c, RESULT_PROTOCOL, c->handshake.bad_text);
    case ANSWER_DONE:
        break;
    }
    step = ready(c);
    if (step == CHANNEL_FAILED || used == len)
        return step;
    return frames_received(c, bytes + used, len - used, over) == CHANNEL_WAIT ? step
                                                                              : CHANNEL_FAILED;
}

static enum channel_step answer_received(struct channel *c, const char *bytes, size_t len,
                                         bool over)
{
    size_t used;

    if (!c->request)
        return failed(c, RESULT_PROTOCOL, "bytes came that nobody had asked for");
    switch (answer_feed(&c->answer, bytes, len, &used)) {
    case ANSWER_MORE:
        return used < len ? keep(c, bytes + used, len - used) : CHANNEL_WAIT;
    case ANSWER_DONE:
        return answered(c, c->answer.status, over || used < len || !c->answer.keep_alive);
    case ANSWER_BAD:
        break;
    }
    return failed(c, RESULT_PROTOCOL, c->answer.bad_text);
}

/* What came, `len` bytes; `over`: the server has closed its side. */
static enum channel_step received(struct channel *c, const char *bytes, size_t len, bool over)
{
    if (c->state == CHANNEL_UPGRADING)
        return upgrade_received(c, bytes, len, over);
    return is_websocket(c) ? frames_received(c, bytes, len, over)
                           : answer_received(c, bytes, len, over);
}

static enum channel_step ended(struct channel *c)
{
    if (c->request && !is_websocket(c) && answer_eof(&c->answer))
        return answered(c, c->answer.status, true);
    return failed(c, RESULT_RESET, "the server closed the connection without an answer");
}

/* The kernel's time stamp is that of the last packet read, taken when it came: whatever keeps this
 * thread from running after that is not the server's. */
static ssize_t receive_stamped(struct channel *c, char *to, size_t room)
{
    union {
        char bytes[CMSG_SPACE(sizeof(struct timespec))];
        struct cmsghdr align;
    } control;
    struct iovec iov = { .iov_base = to, .iov_len = room };
    struct msghdr m = { .msg_iov = &iov,
                        .msg_iovlen = 1,
                        .msg_control = control.bytes,
                        .msg_controllen = sizeof(control.bytes) };
    ssize_t n = recvmsg(c->fd, &m, 0);
    struct timespec t;

    c->came_ns = 0;
    for (struct cmsghdr *h = n > 0 ? CMSG_FIRSTHDR(&m) : NULL; h; h = CMSG_NXTHDR(&m, h)) {
        if (h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_TIMESTAMPNS)
            continue;
        memcpy(&t, CMSG_DATA(h), sizeof(t));
        c->came_ns = (u64)t.tv_sec * NS_PER_S + (u64)t.tv_nsec;
    }
    return n;
}

/* Puts what was kept in front, and receives behind it. */
static ssize_t receive(struct channel *c, size_t *kept, size_t *room)
{
    ssize_t n;

    *kept = c->carry.len;
    *room = CHANNEL_RX_BYTES - *kept;
    if (*kept)
        memcpy(c->shared->rx, c->carry.ptr, *kept);
    do
        n = c->shared->stamps ? receive_stamped(c, c->shared->rx + *kept, *room)
                              : recv(c->fd, c->shared->rx + *kept, *room, 0);
    while (n < 0 && errno == EINTR);
    if (n > 0) {
        c->shared->bytes_in += (u64)n;
        c->carry.len = 0;
    }
    return n;
}

static enum channel_step readable(struct channel *c, bool over)
{
    struct epoll_event e = { .events = c->events, .data.ptr = c };

    for (u32 i = 0; i < READS_MAX; i++) {
        enum channel_step step;
        size_t kept, room;
        ssize_t n = receive(c, &kept, &room);

        if (n < 0 && errno == EAGAIN)
            return CHANNEL_WAIT;
        if (n < 0)
            return failed_errno(c, RESULT_RESET, errno);
        if (n == 0)
            return ended(c);
        step = received(c, c->shared->rx, kept + (size_t)n, over);
        if (step != CHANNEL_WAIT || ((size_t)n < room && !over))
            return step;
    }
    /* There is more: the same watch once more says so again. */
    if (epoll_ctl(c->shared->epoll_fd, EPOLL_CTL_MOD, c->fd, &e) < 0)
        return failed_errno(c, RESULT_RESET, errno);
    return CHANNEL_WAIT;
}

enum channel_step channel_event(struct channel *c, u32 events)
{
    bool over = events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR);
    enum channel_step step = CHANNEL_WAIT;

    if (c->state == CHANNEL_CLOSED)
        return CHANNEL_WAIT; /* closed in the same turn, before its event came up */
    if (c->state == CHANNEL_CONNECTING) {
        if (!(events & (EPOLLOUT | EPOLLERR | EPOLLHUP)))
            return CHANNEL_WAIT;
        step = connected(c);
        if (step != CHANNEL_WAIT)
            return step;
    } else if (events & EPOLLOUT && c->out.len) {
        step = flush(c);
    }
    if (step != CHANNEL_WAIT || !(events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)))
        return step;
    return readable(c, over);
}
