/* io/spool.c -- text that is written by a thread of its own, so that a stuck reader blocks nobody
 *
 * The ring is a byte queue: `head` and `tail` only grow, their difference is
 * what waits. The writer takes the longest contiguous piece, writes it without
 * the lock, and gives the room back. It may be stuck inside write(); then
 * spool_free cancels it there, the only place where it can be cancelled.
 */
#include "io/spool.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

enum { PIECE_MAX = 64 * 1024, MOVES_BYTES = 200 * 1024 };
#define LOOK_NS (200 * NS_PER_MS)
/* For a target: how long lines are gathered, and when one that took nothing is asked again. */
#define GATHER_NS (5 * NS_PER_MS)
#define AGAIN_NS (200 * NS_PER_MS)

struct spool {
    pthread_mutex_t lock;
    pthread_cond_t filled;  /* there is something to write, or it is time to stop */
    pthread_cond_t drained; /* something was written */
    pthread_t thread;

    char *ring;
    size_t size;
    size_t head, tail; /* bytes put, bytes written: both since the beginning */
    int fd;
    struct spool_target *target; /* instead of fd */
    u64 ticked_ns;
    bool refused;  /* the target took nothing the last time */
    bool hurried;  /* lines are not to be gathered any longer */
    size_t looked; /* spool_congested: `tail` as it was … */
    u64 looked_ns; /* … at this time */
    bool moves;    /* … and whether much was written since */
    bool writer_waits;
    bool stopping;
    bool abandoned; /* …without writing the rest */
    bool broken;    /* the reader is gone: nothing is taken any more */
    _Atomic u64 dropped;
};

/* All that could be written, or -errno. */
static ssize_t piece_write(int fd, const char *ptr, size_t len)
{
    ssize_t n;

    n = write(fd, ptr, len);
    if (n < 0 && errno == EAGAIN) {
        /* Somebody who shares the descriptor has made it non-blocking. */
        poll(&(struct pollfd){ .fd = fd, .events = POLLOUT }, 1, -1);
        n = 0;
    } else if (n < 0) {
        n = errno == EINTR ? 0 : -errno;
    }
    return n;
}

/* With the lock held; leaves it for the time of the write. */
static void ring_write(struct spool *s)
{
    size_t at = s->tail % s->size;
    size_t len = min(s->head - s->tail, s->size - at);
    int fd = s->fd;
    ssize_t n;

    pthread_mutex_unlock(&s->lock);
    n = piece_write(fd, s->ring + at, min(len, (size_t)PIECE_MAX));
    pthread_mutex_lock(&s->lock);
    if (n == -EPIPE || n == -EBADF || n == -EIO) {
        s->broken = true;
        s->tail = s->head;
    } else {
        /* Another error (a full disk, say) loses this piece, not those to come. */
        s->tail += n >= 0 ? (size_t)n : min(len, (size_t)PIECE_MAX);
        if (n < 0)
            atomic_fetch_add(&s->dropped, 1);
    }
    pthread_cond_broadcast(&s->drained);
}

static struct timespec deadline(u64 wait_ns)
{
    u64 at_ns = clock_now_ns() + wait_ns;

    return (struct timespec){ .tv_sec = (time_t)(at_ns / NS_PER_S),
                              .tv_nsec = (long)(at_ns % NS_PER_S) };
}

static void target_take(struct spool *s)
{
    size_t at = s->tail % s->size, len = s->head - s->tail, first = min(len, s->size - at), n;
    struct iovec part[2] = { { s->ring + at, first }, { s->ring, len - first } };

    pthread_mutex_unlock(&s->lock);
    n = s->target->take(s->target, part);
    pthread_mutex_lock(&s->lock);
    s->refused = n == 0;
    s->hurried = n > 0 && n < len;
    s->tail += min(n, len);
    pthread_cond_broadcast(&s->drained);
}

/* With the lock held, which is left for the time of the tick. */
static void target_tick(struct spool *s)
{
    u64 now_ns = clock_now_ns();

    if (now_ns - s->ticked_ns < SPOOL_TICK_NS)
        return;
    s->ticked_ns = now_ns;
    pthread_mutex_unlock(&s->lock);
    s->target->tick(s->target);
    pthread_mutex_lock(&s->lock);
}

/* Until there is something to write. */
static void work_wait(struct spool *s)
{
    struct timespec at;

    while (s->head == s->tail && !s->stopping) {
        at = deadline(SPOOL_TICK_NS);
        s->writer_waits = true;
        if (!s->target)
            pthread_cond_wait(&s->filled, &s->lock);
        else if (pthread_cond_timedwait(&s->filled, &s->lock, &at) == ETIMEDOUT)
            target_tick(s);
        s->writer_waits = false;
    }
    if (!s->target || s->abandoned)
        return;
    /* Not at the first line: those that follow come along. */
    at = deadline(s->refused ? AGAIN_NS : GATHER_NS);
    while (!s->hurried && !s->abandoned && !(s->stopping && !s->refused) &&
           pthread_cond_timedwait(&s->filled, &s->lock, &at) == 0)
        ;
    s->hurried = false;
}

static void *writer(void *arg)
{
    struct spool *s = arg;

    pthread_mutex_lock(&s->lock);
    for (;;) {
        work_wait(s);
        if (s->head == s->tail || s->abandoned)
            break;
        if (!s->target) {
            ring_write(s);
            continue;
        }
        target_take(s);
        target_tick(s);
    }
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

static void interrupted(int signal)
{
    (void)signal; /* it is there to end a write() with EINTR */
}

/* The thread takes no signal but SIGURG, with which spool_free ends a write that is stuck: the
 * others are for the loop, and SIGPIPE is an error code here. */
static int thread_start(struct spool *s)
{
    struct sigaction urgent = { .sa_handler = interrupted };
    sigset_t all, before;
    int r;

    sigaction(SIGURG, &urgent, NULL);
    sigfillset(&all);
    sigdelset(&all, SIGURG);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    r = pthread_create(&s->thread, NULL, writer, s);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return -r;
}

static void memory_free(struct spool *s)
{
    pthread_mutex_destroy(&s->lock);
    pthread_cond_destroy(&s->filled);
    pthread_cond_destroy(&s->drained);
    free(s->ring);
    free(s);
}

static int spool_make(struct spool **out, int fd, struct spool_target *target, size_t bytes_max)
{
    struct spool *s = calloc(1, sizeof(*s));
    pthread_condattr_t attr;
    int r;

    if (!s)
        return -ENOMEM;
    s->fd = fd;
    s->target = target;
    s->size = (max(bytes_max, (size_t)1) + 4095) / 4096 * 4096;
    s->ring = malloc(s->size);
    pthread_mutex_init(&s->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&s->filled, &attr);
    pthread_cond_init(&s->drained, &attr);
    pthread_condattr_destroy(&attr);
    r = s->ring ? thread_start(s) : -ENOMEM;
    if (r < 0) {
        memory_free(s);
        return r;
    }
    *out = s;
    return 0;
}

int spool_new(struct spool **out, int fd, size_t bytes_max)
{
    return spool_make(out, fd, NULL, bytes_max);
}

int spool_new_to(struct spool **out, struct spool_target *target, size_t bytes_max)
{
    return spool_make(out, -1, target, bytes_max);
}

static void ring_put(struct spool *s, struct str text)
{
    size_t at = s->head % s->size, first = min(text.len, s->size - at);

    if (text.len == 0)
        return;
    memcpy(s->ring + at, text.ptr, first);
    memcpy(s->ring, text.ptr + first, text.len - first);
    s->head += text.len;
}

/* With the lock held. */
static void hurry(struct spool *s)
{
    s->hurried = true;
    pthread_cond_signal(&s->filled);
}

static u64 lines_of(struct str text)
{
    u64 n = 0;

    for (size_t i = 0; i < text.len; i++)
        n += text.ptr[i] == '\n';
    return n;
}

static bool put(struct spool *s, struct str head, struct str tail, bool counts)
{
    size_t len = head.len + tail.len;
    bool fits;

    if (len == 0)
        return true;
    pthread_mutex_lock(&s->lock);
    fits = !s->broken && len <= s->size - (s->head - s->tail);
    if (fits) {
        ring_put(s, head);
        ring_put(s, tail);
        if (s->writer_waits)
            pthread_cond_signal(&s->filled);
        else if (s->target && !s->hurried && !s->refused && s->head - s->tail > s->size / 2)
            hurry(s);
    } else if (counts) {
        atomic_fetch_add(&s->dropped, s->target ? lines_of(head) + lines_of(tail) : 1);
    }
    pthread_mutex_unlock(&s->lock);
    return fits;
}

bool spool_write2(struct spool *s, struct str head, struct str tail)
{
    return put(s, head, tail, true);
}

bool spool_write(struct spool *s, struct str line)
{
    return put(s, line, (struct str){ 0 }, true);
}

bool spool_write_whole(struct spool *s, struct str lines)
{
    return put(s, lines, (struct str){ 0 }, false);
}

bool spool_congested(struct spool *s, u64 now_ns)
{
    bool nearly_full;

    pthread_mutex_lock(&s->lock);
    nearly_full = !s->broken && s->head - s->tail > s->size / 4 * 3;
    if (nearly_full && now_ns - s->looked_ns >= LOOK_NS) {
        /* After a long time without a look the benefit of the doubt. */
        s->moves = s->tail - s->looked >= MOVES_BYTES || now_ns - s->looked_ns >= 5 * LOOK_NS;
        s->looked = s->tail;
        s->looked_ns = now_ns;
    }
    nearly_full = nearly_full && s->moves;
    pthread_mutex_unlock(&s->lock);
    return nearly_full;
}

u64 spool_dropped(const struct spool *s)
{
    return atomic_load(&((struct spool *)(uintptr_t)s)->dropped);
}

/* With the lock held: until what was put before now is written. */
static bool drained_wait(struct spool *s, u64 wait_ns)
{
    struct timespec at = deadline(wait_ns);
    size_t until = s->head;

    while ((ptrdiff_t)(until - s->tail) > 0)
        if (pthread_cond_timedwait(&s->drained, &s->lock, &at) == ETIMEDOUT)
            return (ptrdiff_t)(until - s->tail) <= 0;
    return true;
}

bool spool_flush(struct spool *s, u64 wait_ns)
{
    bool done;

    if (!s)
        return true;
    pthread_mutex_lock(&s->lock);
    hurry(s);
    done = drained_wait(s, wait_ns);
    pthread_mutex_unlock(&s->lock);
    return done;
}

int spool_redirect(struct spool *s, int fd, u64 wait_ns)
{
    bool done;

    pthread_mutex_lock(&s->lock);
    done = drained_wait(s, wait_ns);
    /* Lines put while we waited go to the new one; a piece being written holds the old number, so
     * the ring must be empty before the caller may close it. */
    while (done && s->head != s->tail)
        done = drained_wait(s, wait_ns);
    if (done) {
        s->fd = fd;
        s->broken = false;
    }
    pthread_mutex_unlock(&s->lock);
    return done ? 0 : -ETIMEDOUT;
}

bool spool_free(struct spool *s, u64 wait_ns)
{
    struct timespec at;

    if (!s)
        return true;
    pthread_mutex_lock(&s->lock);
    s->stopping = true;
    pthread_cond_signal(&s->filled);
    s->abandoned = !drained_wait(s, wait_ns);
    pthread_cond_signal(&s->filled);
    pthread_mutex_unlock(&s->lock);
    for (int tries = 0; tries < 100; tries++) { /* a signal may come just before the write */
        if (s->abandoned)
            pthread_kill(s->thread, SIGURG);
        clock_gettime(CLOCK_REALTIME, &at);
        at.tv_nsec += 10 * NS_PER_MS;
        at.tv_sec += at.tv_nsec / (long)NS_PER_S;
        at.tv_nsec %= (long)NS_PER_S;
        if (pthread_timedjoin_np(s->thread, NULL, &at) == 0) {
            memory_free(s);
            return true;
        }
    }
    pthread_detach(s->thread); /* it goes with the process */
    return false;
}
