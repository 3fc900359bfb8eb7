/* worker/ipc.c -- Node's own channel to its parent, for apps that say when they are ready */
#include "worker/ipc.h"

#include "io/sock.h"

#include <sys/socket.h>

enum { READS_PER_WAKE = 8 };

u32 ipc_feed(struct ipc_line *l, struct str bytes)
{
    u32 count = 0;

    for (size_t i = 0; i < bytes.len; i++) {
        char c = bytes.ptr[i];

        if (c == '\n') {
            count += str_eq(str_make(l->word, min(l->len, (u32)IPC_WORD_MAX)), STR("\"ready\""));
            l->len = 0;
            continue;
        }
        if (l->len < IPC_WORD_MAX)
            l->word[l->len] = c;
        l->len = min(l->len + 1, (u32)IPC_WORD_MAX); /* full is longer than any word we know */
    }
    return count;
}

static void readable(struct watch *w, u32 events)
{
    struct ipc *ipc = container_of(w, struct ipc, watch);
    char bytes[4096];

    (void)events;
    for (int i = 0; i < READS_PER_WAKE; i++) {
        /* Without room for them, the kernel drops descriptors that come along. */
        ssize_t n = recv(w->fd, bytes, sizeof(bytes), 0);

        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (n <= 0) {
            ipc_close(ipc);
            return;
        }
        if (ipc_feed(&ipc->line, str_make(bytes, (size_t)n))) {
            ipc->ready(ipc);
            return;
        }
    }
}

int ipc_open(struct ipc *ipc, struct loop *loop, ipc_fn *ready, int *child_fd)
{
    int fds[2], r;

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
        return -errno;
    r = sock_nonblock(fds[0]);
    if (r == 0)
        r = loop_watch(loop, &ipc->watch, fds[0], EPOLLIN, readable);
    if (r < 0) {
        close(fds[0]);
        close(fds[1]);
        return r;
    }
    ipc->line = (struct ipc_line){ 0 };
    ipc->ready = ready;
    *child_fd = fds[1];
    return 0;
}

int ipc_send(struct ipc *ipc, const char *word)
{
    char line[64];
    int n = snprintf(line, sizeof(line), "\"%s\"\n", word);

    if (!ipc->watch.loop)
        return -ENOTCONN;
    if (send(ipc->watch.fd, line, (size_t)n, MSG_NOSIGNAL | MSG_DONTWAIT) != n)
        return errno ? -errno : -EAGAIN;
    return 0;
}

void ipc_close(struct ipc *ipc)
{
    int fd = ipc->watch.fd;

    if (!ipc->watch.loop)
        return;
    loop_unwatch(&ipc->watch);
    close(fd);
}
