/* proxy/pipe.c -- large bodies from one socket to another without a copy */
#include "proxy/pipe.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/* A new pipe has 16 places, each for a fragment of up to 32 KB; larger ones were no faster. */
enum { FILL_BYTES_MAX = 1 << 20, FLAGS = SPLICE_F_MOVE | SPLICE_F_NONBLOCK };

/* One thread writes it. */
static void bytes_add(struct pipe_pool *pool, i64 n)
{
    u64 bytes = atomic_load_explicit(&pool->bytes, memory_order_relaxed);

    atomic_store_explicit(&pool->bytes, bytes + (u64)n, memory_order_relaxed);
}

static void pipe_free(struct pipe *p)
{
    close(p->read_fd);
    close(p->write_fd);
    free(p);
}

struct pipe *pipe_take(struct pipe_pool *pool)
{
    struct pipe *p = pool->free;
    int fd[2];

    if (pool->taken >= PIPE_TAKEN_MAX)
        return NULL;
    if (p) {
        pool->free = p->next;
        pool->free_count--;
        pool->taken++;
        return p;
    }
    if (pipe2(fd, O_CLOEXEC | O_NONBLOCK) < 0)
        return NULL;
    p = malloc(sizeof(*p));
    if (!p) {
        close(fd[0]);
        close(fd[1]);
        return NULL;
    }
    *p = (struct pipe){ .pool = pool, .read_fd = fd[0], .write_fd = fd[1] };
    pool->taken++;
    return p;
}

void pipe_give(struct pipe_pool *pool, struct pipe **pp)
{
    struct pipe *p = TAKE(*pp, NULL);

    if (!p)
        return;
    pool->taken--;
    bytes_add(pool, -(i64)p->bytes);
    if (p->bytes || pool->free_count >= PIPE_KEEP_MAX) {
        pipe_free(p);
        return;
    }
    p->next = pool->free;
    pool->free = p;
    pool->free_count++;
}

/* What splice says, with its end as -EPIPE. */
static ssize_t splice_bytes(int from, int to, size_t bytes)
{
    ssize_t n;

    do {
        n = splice(from, NULL, to, NULL, bytes, FLAGS);
    } while (n < 0 && errno == EINTR);
    if (n > 0)
        return n;
    return n == 0 ? -EPIPE : -errno;
}

ssize_t pipe_fill(struct pipe *p, int fd, u64 bytes_max)
{
    ssize_t n = splice_bytes(fd, p->write_fd, (size_t)min(bytes_max, (u64)FILL_BYTES_MAX));

    if (n > 0) {
        p->bytes = (u32)n;
        bytes_add(p->pool, n);
    }
    return n == -EAGAIN ? 0 : n;
}

ssize_t pipe_drain(struct pipe *p, int fd)
{
    ssize_t n = splice_bytes(p->read_fd, fd, p->bytes);

    if (n > 0) {
        p->bytes -= (u32)n;
        bytes_add(p->pool, -n);
    }
    return n;
}
