/* io/signals.c -- signals as events of a loop */
#include "io/signals.h"

#include <signal.h>

static void arrived(struct watch *w, u32 events)
{
    struct signals *s = container_of(w, struct signals, watch);
    struct signalfd_siginfo info;

    (void)events;
    while (s->watch.loop && read(s->watch.fd, &info, sizeof(info)) == sizeof(info))
        s->fn(s, &info);
}

int signals_init(struct signals *s, struct loop *loop, const int *list, u32 n, signals_fn *fn)
{
    AUTO(fd_closep) int fd = -1;
    sigset_t set;
    int r;

    sigemptyset(&set);
    for (u32 i = 0; i < n; i++)
        sigaddset(&set, list[i]);
    if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
        return -errno;
    fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (fd < 0)
        return -errno;
    r = loop_watch(loop, &s->watch, fd, EPOLLIN, arrived);
    if (r < 0)
        return r;
    s->fn = fn;
    fd = -1; /* now the watch's */
    return 0;
}

void signals_done(struct signals *s)
{
    int fd = s->watch.fd;

    if (!s->watch.loop)
        return;
    loop_unwatch(&s->watch);
    close(fd);
}
