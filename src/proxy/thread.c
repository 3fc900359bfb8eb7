/* proxy/thread.c -- one thread of the proxy */
#include "proxy/thread.h"

#include "base/log.h"
#include "io/sched.h"
#include "proxy/access.h"
#include "proxy/ceiling.h"
#include "proxy/client.h"
#include "proxy/exchange.h"
#include "proxy/host.h"
#include "proxy/pressure.h"
#include "proxy/throttle.h"
#include "proxy/tunnel.h"
#include "proxy/upstream.h"

#include <fcntl.h>
#include <malloc.h>
#include <sys/eventfd.h>
#include <sys/random.h>

enum { TIDY_EXCHANGES = 256 };
#define PLAN_EVERY_NS (100 * NS_PER_MS)
#define QUEUE_EVERY_NS (10 * NS_PER_MS)
#define GONE_NS (1 * NS_PER_S)
#define LISTEN_AGAIN_NS (100 * NS_PER_MS)
/* A wake is short work that others wait for: it shall not wait for a worker's time slice. */
#define SLICE_NS 100000ull

struct addr listener_local(const struct listener *l, int fd)
{
    struct sockaddr_storage sa;
    socklen_t len = sizeof(sa);

    if (!l->is_any || getsockname(fd, (struct sockaddr *)&sa, &len) < 0)
        return l->local;
    return addr_of((struct sockaddr *)&sa);
}

/* ---- listeners ---- */

static void accept_event(struct watch *w, u32 events)
{
    (void)events;
    client_accept(container_of(w, struct listener_watch, watch));
}

static void unlisten(struct listener_watch *lw)
{
    int fd = lw->watch.fd;

    if (!lw->watch.loop)
        return;
    loop_unwatch(&lw->watch);
    close(fd);
}

static void listen_again(struct timer *timer)
{
    thread_listen(container_of(timer, struct thread, accept_timer));
}

/* Each thread watches a descriptor of its own, so each can let go when it comes round to it. */
static void listen_to(struct thread *t, struct listener *l, struct listener_watch *lw)
{
    int fd = fcntl(atomic_load(&l->fd), F_DUPFD_CLOEXEC, 0), r;

    *lw = (struct listener_watch){ .thread = t, .listener = l, .opened = atomic_load(&l->opened) };
    /* One thread is woken per connection, not all. */
    r = fd < 0 ? -errno
               : loop_watch(t->loop, &lw->watch, fd, EPOLLIN | EPOLLEXCLUSIVE, accept_event);
    if (r < 0) {
        log_error("a listener cannot be watched for a moment: %s", strerror(-r));
        fd_closep(&fd);
        loop_timer(t->loop, &t->accept_timer, thread_now(t) + LISTEN_AGAIN_NS, listen_again);
    }
}

void thread_listen(struct thread *t)
{
    for (u32 i = 0; i < SHM_LISTENERS_MAX; i++) {
        struct listener *l = &t->proxy->listeners[i];
        struct listener_watch *lw = &t->listeners[i];

        if (lw->opened != atomic_load(&l->opened) || atomic_load(&l->fd) < 0)
            unlisten(lw);
        if (atomic_load(&l->fd) >= 0 && !lw->watch.loop && !atomic_load(&t->proxy->draining))
            listen_to(t, l, lw);
    }
}

void thread_unlisten(struct thread *t)
{
    for (u32 i = 0; i < SHM_LISTENERS_MAX; i++)
        unlisten(&t->listeners[i]);
}

/* ---- what other threads, loops and the supervisor tell ---- */

void thread_poke(struct thread *t)
{
    u64 one = 1;

    if (write(t->mail.fd, &one, sizeof(one)) < 0)
        return; /* it is full: the thread will look anyway */
}

/* Who has connected already is accepted, if nobody else may do it. */
static void thread_drain(struct thread *t)
{
    for (u32 i = 0; i < SHM_LISTENERS_MAX; i++)
        if (t->listeners[i].watch.loop && !atomic_load(&t->proxy->succeeded))
            client_accept(&t->listeners[i]);
    thread_unlisten(t);
    client_drain(t);
    if (!t->drained)
        atomic_fetch_add(&t->proxy->drained, 1);
    t->drained = true;
}

static void changed(struct thread *t)
{
    u32 changes = atomic_load(&t->proxy->changes);

    if (changes == t->changes_seen)
        return;
    t->changes_seen = changes;
    upstream_prune(t);
    host_prune(t);
    if (atomic_load(&t->proxy->draining)) {
        thread_drain(t);
    } else {
        thread_listen(t);
        remote_tier(t);
    }
    queue_serve(t);
}

static void mail_event(struct watch *w, u32 events)
{
    struct thread *t = container_of(w, struct thread, mail);
    u64 count;

    (void)events;
    if (read(w->fd, &count, sizeof(count)) < 0)
        return;
    changed(t);
    pressure_look(t);
    queue_take_given(t);
    if (atomic_load(&t->proxy->store))
        cached_take_landed(t);
}

/* A worker's loop begins to wait while somebody waits for it. */
static void wake_event(struct watch *w, u32 events)
{
    struct thread *t = container_of(w, struct thread, wake);
    u64 count;

    (void)events;
    if (read(w->fd, &count, sizeof(count)) < 0)
        return; /* another thread was first */
    queue_serve(t);
}

/* ---- time ---- */

static void queue_again(struct timer *timer)
{
    struct thread *t = container_of(timer, struct thread, queue_timer);

    queue_serve(t);
    if (queue_length(&t->proxy->queue))
        thread_queue_watch(t);
}

void thread_queue_watch(struct thread *t)
{
    if (!loop_timer_armed(&t->queue_timer))
        loop_timer(t->loop, &t->queue_timer, thread_now(t) + QUEUE_EVERY_NS, queue_again);
}

/* What a wave of requests took and has given back to malloc goes back to the kernel. */
static void memory_tidy(struct thread *t)
{
    u32 now = atomic_load(&t->proxy->exchanges);

    t->exchanges_peak = max(t->exchanges_peak, now);
    if (thread_now(t) - t->tidied_ns < NS_PER_S)
        return;
    t->tidied_ns = thread_now(t);
    if (t->exchanges_peak >= TIDY_EXCHANGES && now < t->exchanges_peak / 4)
        malloc_trim(0);
    t->exchanges_peak = now;
}

void thread_worker_gone(struct thread *t, const struct claim *claim)
{
    u32 slot = (u32)(claim->slot - t->proxy->shm->slot);

    atomic_store(&t->proxy->gone_ns[slot], clock_now_ns());
    atomic_store(&t->proxy->gone[slot], claim->generation);
}

static void gone_doubt(struct proxy *p, u64 now_ns)
{
    for (u32 i = 0; i < shm_slots_used(p->shm); i++)
        if (atomic_load(&p->gone[i]) && now_ns > atomic_load(&p->gone_ns[i]) + GONE_NS)
            atomic_store(&p->gone[i], 0);
}

static void plan_again(struct timer *timer)
{
    struct thread *t = container_of(timer, struct thread, plan_timer);

    memory_tidy(t);
    access_tick(t->proxy, clock_now_ns());
    throttle_tick(t->proxy);
    remote_tick(t->proxy);
    gone_doubt(t->proxy, clock_now_ns());
    plan_look(t->plan, clock_now_ns());
    hosts_look(t->proxy, clock_now_ns());
    ceiling_tick(t->proxy, clock_now_ns());
    cached_show(t->proxy);
    pressure_show(t->proxy);
    pressure_look(t);
    loop_timer(t->loop, timer, thread_now(t) + PLAN_EVERY_NS, plan_again);
}

int thread_setup(struct thread *t, struct proxy *p, u32 index)
{
    u64 random[2];
    int r, fd;

    *t = (struct thread){ .proxy = p, .index = index };
    t->client_slab.size = sizeof(struct client);
    pressure_setup(t);
    list_init(&t->clients);
    list_init(&t->tunnels);
    for (u32 i = 0; i < SHM_SLOTS_MAX; i++)
        list_init(&t->pool[i]);
    t->blocks.block_bytes = max(32768u, (u32)p->host.max_head_bytes + 16384);
    if (getrandom(random, sizeof(random), 0) != sizeof(random) ||
        getrandom(&t->trace_ids, sizeof(t->trace_ids), 0) != sizeof(t->trace_ids))
        return -EIO;
    t->id_key = random[0] | 1;
    t->id_next = random[1];
    r = seats_init(&t->seats, p->peers, index, p->threads_n);
    if (r == 0)
        r = loop_new(&t->loop);
    if (r < 0)
        return r;
    fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (fd < 0)
        return -errno;
    r = loop_watch(t->loop, &t->mail, fd, EPOLLIN, mail_event);
    if (r == 0)
        r = loop_watch(t->loop, &t->wake, p->wake_fd, EPOLLIN | EPOLLEXCLUSIVE, wake_event);
    if (r == 0 && index == 0) {
        r = plan_new(&t->plan, p);
        if (r < 0)
            return r;
        loop_timer(t->loop, &t->plan_timer, thread_now(t) + PLAN_EVERY_NS, plan_again);
    }
    if (r == 0)
        remote_setup(t);
    return r;
}

void thread_run(struct thread *t)
{
    if (sched_set_slice(0, SLICE_NS) < 0) {
        /* it waits its turn then */
    }
    loop_run(t->loop);
}
