/* inspect/wait.h -- waiting for a descriptor, with an end and a way to be called off
 *
 * The commands that talk to an inspector have nothing else to do meanwhile, so they wait in place.
 */
#pragma once

#include "base/addr.h"
#include "base/clock.h"

/* All zero, but stop_fd: nobody calls it off. */
struct wait {
    int stop_fd; /* readable: it has been called off; -1: that cannot happen */
};

/* Until `fd` is ready for `events` (POLLIN, POLLOUT). 0; -ETIMEDOUT at `until_ns`; -ECANCELED;
 * -errno. fd -1: just until then. */
MUST_USE int wait_for(const struct wait *w, int fd, short events, u64 until_ns);

/* A connection: the descriptor (non-blocking), or -errno and as above. */
MUST_USE int wait_connect(const struct wait *w, const struct addr *a, u64 until_ns);
/* All of it. 0 or -errno and as above. */
MUST_USE int wait_send(const struct wait *w, int fd, struct str bytes, u64 until_ns);
/* What is there: bytes, 0 at the end, or -errno and as above. */
MUST_USE ssize_t wait_read(const struct wait *w, int fd, char *out, size_t room, u64 until_ns);
