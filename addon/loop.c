/* addon/loop.c -- fettle-loop.so: whether Node's event loop waits, or since when it runs
 *
 * libuv runs I/O callbacks inside its poll phase, so its prepare and check hooks call a
 * busy loop idle; the system call itself is exact. Node sets UV_METRICS_IDLE_TIME, and with
 * it libuv (1.39 and later) polls with timeout 0 first and with the real timeout only when
 * that gave nothing. So a call with timeout 0 never means that the loop waits.
 *
 * A turn reads the clock twice: when the wait ends, and when the next one begins. A loop
 * that never waits reads it once a turn, after the poll.
 *
 * Everything here runs on the main thread only. It allocates nothing and takes no lock.
 */
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "loop.h"

typedef int wait_fn(int, struct epoll_event *, int, int);
typedef int pwait_fn(int, struct epoll_event *, int, int, const sigset_t *);
typedef int pwait2_fn(int, struct epoll_event *, int, const struct timespec *, const sigset_t *);

#define EXPORT __attribute__((visibility("default")))

static wait_fn *real_wait;
static pwait_fn *real_pwait;
static pwait2_fn *real_pwait2;

static struct {
    int epoll_fd; /* -1: not attached, or in a forked child */
    int wake_fd;
    struct shm_slot *slot;
    struct shm *shm;
    uint64_t began_ns; /* this turn */
    uint64_t waits_ns; /* this wait */
    uint64_t given;    /* slot->dispatched before the call that is running */
    bool empty;        /* the call before polled with timeout 0 and got nothing */
} loop = { .epoll_fd = -1, .wake_fd = -1 };

static uint64_t clock_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* This process is the only writer: no read-modify-write is needed. */
static void add(_Atomic uint64_t *sum, uint64_t n)
{
    atomic_store_explicit(sum, atomic_load_explicit(sum, memory_order_relaxed) + n,
                          memory_order_relaxed);
}

static void set(_Atomic uint64_t *word, uint64_t value)
{
    atomic_store_explicit(word, value, memory_order_release);
}

static void turn_end(struct shm_loop *l, uint64_t now_ns)
{
    uint64_t took_ns = now_ns - loop.began_ns;

    add(&l->delay_count[shm_delay_bucket(took_ns)], 1);
    add(&l->busy_ns, took_ns);
    if (shm_turn_is_long(took_ns, atomic_load_explicit(&l->seen, memory_order_relaxed) -
                                      atomic_load_explicit(&l->seen_before, memory_order_relaxed)))
        add(&l->long_ns, took_ns);
}

/* Says that the loop waits, and only then looks whether anybody waits for that; the proxy
 * counts a waiter and only then looks at the loops. Both orders are seq_cst, so one of the
 * two sees the other. */
static void wait_begin(void)
{
    struct shm_loop *l = &loop.slot->loop;

    loop.waits_ns = clock_ns();
    turn_end(l, loop.waits_ns);
    set(&l->seen_before, atomic_load_explicit(&l->seen, memory_order_relaxed));
    set(&l->seen, loop.given);
    set(&l->waits_since_ns, loop.waits_ns);
    atomic_store_explicit(&l->busy_since_ns, 0, memory_order_seq_cst);
    if (atomic_load_explicit(&loop.shm->waiters, memory_order_seq_cst)) {
        uint64_t one = 1;
        ssize_t n = write(loop.wake_fd, &one, sizeof one);
        (void)n; /* a full eventfd wakes as well */
    }
}

static void turn_begin(int events, bool waited)
{
    struct shm_loop *l = &loop.slot->loop;
    uint64_t turn;

    /* The poll with timeout 0 that comes before each wait: the wait reads the clock. Two such
     * polls in a row are a loop that spins (setImmediate): it has looked, so it is not stuck. */
    if (!waited && events <= 0 && !loop.empty) {
        loop.empty = true;
        return;
    }
    loop.empty = !waited && events <= 0;

    uint64_t now_ns = clock_ns();
    if (waited)
        add(&l->wait_ns, now_ns - loop.waits_ns);
    else
        turn_end(l, now_ns);
    loop.began_ns = now_ns;
    if (events > 0) {
        set(&l->seen_before, atomic_load_explicit(&l->seen, memory_order_relaxed));
        set(&l->seen, loop.given);
        turn = atomic_load_explicit(&l->turns, memory_order_relaxed);
        atomic_store_explicit(&l->turn_at_ns[turn % SHM_TURNS_MAX], now_ns, memory_order_relaxed);
        set(&l->turns, turn + 1);
    }
    set(&l->busy_since_ns, now_ns);
    set(&l->waits_since_ns, 0);
}

static void before(bool waits)
{
    loop.given = atomic_load_explicit(&loop.slot->dispatched, memory_order_acquire);
    if (waits)
        wait_begin();
}

static int after(int events, bool waited)
{
    int saved = errno;

    turn_begin(events, waited);
    errno = saved;
    return events;
}

static void child(void)
{
    loop.epoll_fd = -1;
}

/* Other libraries' constructors may poll before ours has run, so each wrapper checks. */
__attribute__((constructor)) static void resolve(void)
{
    real_wait = (wait_fn *)dlsym(RTLD_NEXT, "epoll_wait");
    real_pwait = (pwait_fn *)dlsym(RTLD_NEXT, "epoll_pwait");
    real_pwait2 = (pwait2_fn *)dlsym(RTLD_NEXT, "epoll_pwait2");
}

EXPORT void fettle_loop_attach(struct shm_slot *slot, struct shm *shm, int wake_fd, int loop_fd)
{
    loop.slot = slot;
    loop.shm = shm;
    loop.wake_fd = wake_fd;
    loop.began_ns = clock_ns();
    set(&slot->loop.seen, atomic_load_explicit(&slot->dispatched, memory_order_acquire));
    set(&slot->loop.waits_since_ns, 0);
    set(&slot->loop.busy_since_ns, loop.began_ns);
    pthread_atfork(NULL, NULL, child);
    loop.epoll_fd = loop_fd;
}

EXPORT int epoll_pwait(int fd, struct epoll_event *events, int max, int timeout,
                       const sigset_t *mask)
{
    if (__builtin_expect(!real_pwait, 0))
        resolve();
    if (fd != loop.epoll_fd || fd < 0)
        return real_pwait(fd, events, max, timeout, mask);
    before(timeout != 0);
    return after(real_pwait(fd, events, max, timeout, mask), timeout != 0);
}

EXPORT int epoll_wait(int fd, struct epoll_event *events, int max, int timeout)
{
    if (__builtin_expect(!real_wait, 0))
        resolve();
    if (fd != loop.epoll_fd || fd < 0)
        return real_wait(fd, events, max, timeout);
    before(timeout != 0);
    return after(real_wait(fd, events, max, timeout), timeout != 0);
}

/* glibc has it since 2.35; the system call since Linux 5.11. No libuv uses it today. */
EXPORT int epoll_pwait2(int fd, struct epoll_event *events, int max, const struct timespec *timeout,
                        const sigset_t *mask)
{
    bool waits = !timeout || timeout->tv_sec || timeout->tv_nsec;

    if (!real_pwait2 && !real_wait)
        resolve();
    if (!real_pwait2) {
        errno = ENOSYS;
        return -1;
    }
    if (fd != loop.epoll_fd || fd < 0)
        return real_pwait2(fd, events, max, timeout, mask);
    before(waits);
    return after(real_pwait2(fd, events, max, timeout, mask), waits);
}
