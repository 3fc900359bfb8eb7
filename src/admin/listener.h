/* admin/listener.h -- a listening socket whose connections become a server's (admin/conn.h) */
#pragma once

#include "admin/conn.h"

/* All zero: not listening. */
struct listener {
    struct watch watch;
    struct timer timer; /* to accept again */
    struct conns *conns;
};

/* Takes `fd` over when it returns 0. -errno. */
MUST_USE int listener_start(struct listener *l, struct conns *conns, int fd);
/* Closes the socket; the connections stay. */
void listener_stop(struct listener *l);

static inline bool listener_listens(const struct listener *l)
{
    return l->watch.loop != NULL;
}
