/* app/monitor_client.c -- asks the monitor of a fettle that runs for one of its pages */
#include "app/monitor_client.h"

#include "admin/monitor.h"
#include "base/clock.h"
#include "io/sock.h"

#include <poll.h>
#include <sys/socket.h>

#define ANSWER_NS (5 * NS_PER_S)
enum { READ_BYTES = 65536, BYTES_MAX = 64 << 20 };

/* All that comes, until it is closed. */
static int read_all(int fd, struct buf *in)
{
    u64 until_ns = clock_now_ns() + ANSWER_NS;
    struct pollfd ready = { .fd = fd, .events = POLLIN };

    for (;;) {
        u64 now_ns = clock_now_ns();
        ssize_t n;

        if (now_ns >= until_ns)
            return -ETIMEDOUT;
        if (poll(&ready, 1, (int)((until_ns - now_ns) / NS_PER_MS) + 1) <= 0)
            continue;
        if (in->len > BYTES_MAX || !buf_reserve(in, READ_BYTES))
            return -ENOMEM;
        n = read(fd, in->ptr + in->len, READ_BYTES);
        if (n == 0)
            return 0;
        if (n < 0 && errno != EINTR && errno != EAGAIN)
            return -errno;
        in->len += n > 0 ? (size_t)n : 0;
    }
}

/* The body of a response with status 200. */
static bool body_of(struct str response, struct str *body)
{
    const char *end = memmem(response.ptr, response.len, "\r\n\r\n", 4);

    if (!end || response.len < 12 || memcmp(response.ptr + 8, " 200", 4) != 0)
        return false;
    *body = str_sub(response, (size_t)(end - response.ptr) + 4, response.len);
    return true;
}

int monitor_client_get(const char *dir, const char *page, struct json_value **out)
{
    AUTO(buf_done) struct buf request = { 0 };
    AUTO(buf_done) struct buf in = { 0 };
    char path[RUNDIR_PATH_MAX + 16];
    struct problem p;
    struct str body;
    int r;

    snprintf(path, sizeof(path), "%s/" MONITOR_SOCKET, dir);
    AUTO(fd_closep) int fd = sock_connect_unix_now(path, SOCK_STREAM);
    if (fd < 0)
        return fd;
    buf_addf(&request, "GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", page);
    if (request.failed)
        return -ENOMEM;
    if (send(fd, request.ptr, request.len, MSG_NOSIGNAL) != (ssize_t)request.len)
        return -EPIPE; /* so little fits into any socket's buffer */
    r = read_all(fd, &in);
    if (r < 0)
        return r;
    if (!body_of(buf_str(&in), &body))
        return -EPROTO;
    return json_value_parse(out, body, "", &p) ? -EPROTO : 0;
}
