/* io/loop.c -- epoll, a timer wheel, and tasks
 *
 * Events of a turn carry the watch's address. An unwatched one is struck from
 * the events not yet delivered, so a stale pointer is never called.
 */
#include "io/loop.h"

#include <sys/eventfd.h>

enum { EVENTS_MAX = 256, WHEEL = 1024 };

struct loop {
    int epoll_fd;
    struct watch wake;
    bool stopping;
    u64 now_ns;

    struct epoll_event events[EVENTS_MAX];
    int events_at, events_n;

    struct list wheel[WHEEL]; /* by at_ns / TIMER_SLACK_NS % WHEEL */
    u64 maybe[WHEEL / 64];    /* a bit per slot; clear: the slot is empty for sure */
    u64 tick;                 /* the newest tick whose timers have fired */

    struct list tasks;
    struct list graves;
};

static void woken(struct watch *w, u32 events)
{
    u64 count;

    (void)events;
    if (read(w->fd, &count, sizeof(count)) < 0)
        return; /* somebody else's wake has been read already */
}

int loop_new(struct loop **out)
{
    struct loop *l = calloc(1, sizeof(*l));
    int r;

    if (!l)
        return -ENOMEM;
    l->wake.fd = -1;
    l->now_ns = clock_now_ns();
    l->tick = l->now_ns / TIMER_SLACK_NS;
    for (int i = 0; i < WHEEL; i++)
        list_init(&l->wheel[i]);
    list_init(&l->tasks);
    list_init(&l->graves);
    l->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (l->epoll_fd < 0) {
        r = -errno;
        free(l);
        return r;
    }
    int wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    r = wake_fd < 0 ? -errno : loop_watch(l, &l->wake, wake_fd, EPOLLIN, woken);
    if (r < 0) {
        fd_closep(&wake_fd);
        loop_free(l);
        return r;
    }
    *out = l;
    return 0;
}

static void run_list(struct list *from)
{
    struct list now;

    list_init(&now);
    list_move_all(&now, from);
    while (!list_empty(&now)) {
        struct task *t = list_first(&now, struct task, link);

        list_del(&t->link);
        t->fn(t);
    }
}

void loop_free(struct loop *l)
{
    if (!l)
        return;
    run_list(&l->graves);
    if (l->wake.loop) {
        int fd = l->wake.fd;

        loop_unwatch(&l->wake);
        close(fd);
    }
    close(l->epoll_fd);
    free(l);
}

u64 loop_now_ns(const struct loop *l)
{
    return l->now_ns;
}

void loop_stop(struct loop *l)
{
    l->stopping = true;
}

void loop_wake(struct loop *l)
{
    u64 one = 1;

    if (write(l->wake.fd, &one, sizeof(one)) < 0)
        return; /* the counter is full: it will wake anyway */
}

/* epoll_ctl of what is in there already, which on Linux needs no memory: should it ever lack some
 * (epoll_ctl(2)), the second answer counts. */
static int control_again(struct loop *l, int op, int fd, struct epoll_event *e)
{
    int r = epoll_ctl(l->epoll_fd, op, fd, e);

    return r < 0 ? epoll_ctl(l->epoll_fd, op, fd, e) : r;
}

int loop_watch(struct loop *l, struct watch *w, int fd, u32 events, watch_fn *fn)
{
    struct epoll_event e = { .events = events, .data.ptr = w };

    assert(!w->loop);
    if (epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, fd, &e) < 0)
        return -errno;
    *w = (struct watch){ .loop = l, .fd = fd, .events = events, .fn = fn };
    return 0;
}

void loop_watch_set(struct watch *w, u32 events)
{
    struct epoll_event e = { .events = events, .data.ptr = w };

    if (events == w->events)
        return;
    w->events = events;
    int r = control_again(w->loop, EPOLL_CTL_MOD, w->fd, &e);

    assert(r == 0);
}

void loop_unwatch(struct watch *w)
{
    struct loop *l = w->loop;

    if (!l)
        return;
    if (control_again(l, EPOLL_CTL_DEL, w->fd, NULL) < 0) {
        /* its owner has closed it, which ends the watch as well */
    }
    for (int i = l->events_at; i < l->events_n; i++)
        if (l->events[i].data.ptr == w)
            l->events[i].data.ptr = NULL;
    w->loop = NULL;
}

/* The first tick at which a timer may fire; it is kept in that tick's slot. */
static u64 tick_of(u64 at_ns)
{
    return at_ns / TIMER_SLACK_NS + (at_ns % TIMER_SLACK_NS != 0);
}

/* Into its slot; it is in no list. */
static void timer_place(struct loop *l, struct timer *t, u64 tick)
{
    t->tick = tick;
    list_add(&l->wheel[tick % WHEEL], &t->link);
    l->maybe[tick % WHEEL / 64] |= 1ull << tick % 64;
}

void loop_timer(struct loop *l, struct timer *t, u64 at_ns, timer_fn *fn)
{
    u64 tick = max(tick_of(at_ns), l->tick + 1);

    t->at_ns = at_ns;
    t->fn = fn;
    /* A time-out that each request puts off is moved when its old slot comes round, not before. */
    if (loop_timer_armed(t) && tick >= t->tick)
        return;
    if (t->link.next)
        list_del(&t->link);
    else
        list_init(&t->link);
    timer_place(l, t, tick);
}

void loop_timer_stop(struct timer *t)
{
    if (t->link.next)
        list_del(&t->link);
}

/* Fires what is due in one slot; what has been put off, or is of a later round of the wheel, goes
 * where it belongs. */
static void wheel_slot(struct loop *l, u64 tick)
{
    struct list due;

    list_init(&due);
    list_move_all(&due, &l->wheel[tick % WHEEL]);
    while (!list_empty(&due)) {
        struct timer *t = list_first(&due, struct timer, link);

        list_del(&t->link);
        if (tick_of(t->at_ns) > tick)
            timer_place(l, t, tick_of(t->at_ns));
        else
            t->fn(t);
    }
}

static void timers_run(struct loop *l)
{
    u64 now_tick = l->now_ns / TIMER_SLACK_NS, from = l->tick + 1;

    if (now_tick >= from + WHEEL) /* slept long: each slot once is enough */
        from = now_tick - WHEEL + 1;
    l->tick = max(l->tick, now_tick); /* what is armed from now on fires in a later turn */
    for (u64 tick = from; tick <= now_tick; tick++)
        wheel_slot(l, tick);
}

/* Milliseconds until the next occupied slot, at most a round of the wheel; -1: no timer. */
static int timers_wait_ms(struct loop *l)
{
    for (u64 tick = l->tick + 1; tick <= l->tick + WHEEL; tick++) {
        u32 slot = tick % WHEEL;
        u64 at = tick * TIMER_SLACK_NS, left = l->maybe[slot / 64] >> slot % 64;

        if (left == 0) {
            tick += 63 - slot % 64; /* nothing in the rest of this word */
            continue;
        }
        if (!(left & 1))
            continue;
        if (!list_empty(&l->wheel[slot]))
            return at <= l->now_ns ? 0 : (int)((at - l->now_ns + NS_PER_MS - 1) / NS_PER_MS);
        l->maybe[slot / 64] &= ~(1ull << slot % 64);
    }
    return -1;
}

void loop_task(struct loop *l, struct task *t, task_fn *fn)
{
    if (!t->link.next)
        list_init(&t->link);
    t->fn = fn;
    if (list_empty(&t->link))
        list_add(&l->tasks, &t->link);
}

void loop_task_stop(struct task *t)
{
    if (t->link.next)
        list_del(&t->link);
}

void loop_bury(struct loop *l, struct task *grave, task_fn *fn)
{
    loop_task_stop(grave);
    list_init(&grave->link);
    grave->fn = fn;
    list_add(&l->graves, &grave->link);
}

void loop_turn(struct loop *l, int wait_ms)
{
    int timers_ms = timers_wait_ms(l);

    if (!list_empty(&l->tasks) || !list_empty(&l->graves))
        wait_ms = 0;
    else if (timers_ms >= 0 && (wait_ms < 0 || timers_ms < wait_ms))
        wait_ms = timers_ms;
    l->events_n = max(epoll_wait(l->epoll_fd, l->events, EVENTS_MAX, wait_ms), 0);
    l->now_ns = clock_now_ns();
    for (l->events_at = 0; l->events_at < l->events_n;) {
        struct epoll_event *e = &l->events[l->events_at++];
        struct watch *w = e->data.ptr;

        if (w)
            w->fn(w, e->events);
    }
    l->events_n = 0;
    timers_run(l);
    run_list(&l->tasks);
    run_list(&l->graves);
}

void loop_run(struct loop *l)
{
    l->stopping = false;
    while (!l->stopping)
        loop_turn(l, -1);
}
