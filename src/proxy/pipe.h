/* proxy/pipe.h -- large bodies from one socket to another without a copy
 *
 * A pipe between two sockets holds references to pages: splice(2) moves them from a unix socket
 * to TCP, or back, and the bytes are copied once less on each side. It costs a system call more
 * for what fits one read, so it is for what is known to be large. Free pipes are kept by each
 * thread; a pipe belongs to a connection only while bytes are in it.
 */
#pragma once

#include "base/base.h"

#include <stdatomic.h>

#include <sys/types.h>

struct pipe_pool;

struct pipe {
    struct pipe *next;
    struct pipe_pool *pool;
    int read_fd, write_fd;
    u32 bytes; /* in it */
};

struct pipe_pool {
    struct pipe *free;
    u32 free_count;
    u32 taken;
    _Atomic u64 bytes; /* in those that are taken; others may look */
};

enum {
    PIPE_KEEP_MAX = 16,
    PIPE_TAKEN_MAX = 128, /* each has two descriptors, and up to 512 KB for a client that is slow */
    PIPE_BODY_MIN = 16384, /* fewer bytes to come than this are copied */
    /* What one receive takes at most where a body may follow: a head, and so little that the rest
     * of a large body can go through a pipe. */
    PIPE_READ_MAX = 16384,
};

/* An empty pipe, or NULL: PIPE_TAKEN_MAX are taken, or no descriptors are left; copy then. */
MUST_USE struct pipe *pipe_take(struct pipe_pool *pool);
/* Gives *p back, with all that is still in it, and sets it to NULL; accepts NULL. */
void pipe_give(struct pipe_pool *pool, struct pipe **p);

/* Moves up to bytes_max bytes from the socket into an empty pipe: bytes > 0; 0 for none yet; -EPIPE
 * at the end; else -errno. */
MUST_USE ssize_t pipe_fill(struct pipe *p, int fd, u64 bytes_max);
/* Moves what is in it to the socket, as much as that takes: bytes > 0, else -EAGAIN, -EPIPE or
 * -errno. */
MUST_USE ssize_t pipe_drain(struct pipe *p, int fd);
