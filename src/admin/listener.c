/* admin/listener.c -- accepts connections */
#include "admin/listener.h"

#include "io/sock.h"

#define PAUSE_NS (100 * NS_PER_MS)
enum { ACCEPTS_MAX = 16 };

/* Out of descriptors: waiting connections would wake the loop again and again. */
static void resume(struct timer *t)
{
    struct listener *l = container_of(t, struct listener, timer);

    loop_watch_set(&l->watch, EPOLLIN);
}

static void event(struct watch *w, u32 events)
{
    struct listener *l = container_of(w, struct listener, watch);

    (void)events;
    for (int i = 0; i < ACCEPTS_MAX; i++) {
        int fd = sock_accept(w->fd);

        if (fd == -EAGAIN)
            return;
        if (fd < 0) {
            loop_watch_set(w, 0);
            loop_timer(w->loop, &l->timer, loop_now_ns(w->loop) + PAUSE_NS, resume);
            return;
        }
        conns_add(l->conns, fd);
    }
}

int listener_start(struct listener *l, struct conns *conns, int fd)
{
    l->conns = conns;
    return loop_watch(conns->loop, &l->watch, fd, EPOLLIN, event);
}

void listener_stop(struct listener *l)
{
    int fd = l->watch.fd;

    loop_timer_stop(&l->timer);
    if (!listener_listens(l))
        return;
    loop_unwatch(&l->watch);
    close(fd);
}
