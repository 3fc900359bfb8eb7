/* io/errand.c -- work that takes too long for a loop */
#include "io/errand.h"

#include "io/sched.h"

#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { NICE = 10 };

struct line {
    struct errand *first, *last;
};

struct errands {
    pthread_mutex_t lock;
    pthread_cond_t came;
    pthread_t thread;
    bool has_thread, stopping;
    struct line waiting, finished; /* under the lock */
    u32 count;                     /* that wait */
    struct watch watch;            /* something has finished */
    int fd;
    struct errand *idle;
    u64 idle_ns;
};

static void put(struct line *l, struct errand *e)
{
    e->next = NULL;
    if (l->first)
        l->last->next = e;
    else
        l->first = e;
    l->last = e;
}

static struct errand *take(struct line *l)
{
    struct errand *e = l->first;

    if (e)
        l->first = e->next;
    return e;
}

/* Under the lock: the next one; NULL: it is time to stop. */
static struct errand *next_wait(struct errands *es)
{
    u64 until_ns = clock_now_ns() + es->idle_ns;
    struct timespec until = { .tv_sec = (time_t)(until_ns / NS_PER_S),
                              .tv_nsec = (long)(until_ns % NS_PER_S) };
    bool was_idle = !es->idle;

    while (!es->stopping && !es->waiting.first) {
        if (was_idle) {
            pthread_cond_wait(&es->came, &es->lock);
        } else if (pthread_cond_timedwait(&es->came, &es->lock, &until) == ETIMEDOUT) {
            was_idle = true;
            pthread_mutex_unlock(&es->lock);
            es->idle->work(es->idle);
            pthread_mutex_lock(&es->lock);
        }
    }
    if (es->stopping)
        return NULL;
    es->count--;
    return take(&es->waiting);
}

static void *run(void *arg)
{
    struct errands *es = arg;
    struct errand *e;

    (void)!sched_set_nice((u32)gettid(), NICE);
    pthread_mutex_lock(&es->lock);
    while ((e = next_wait(es))) {
        pthread_mutex_unlock(&es->lock);
        e->work(e);
        pthread_mutex_lock(&es->lock);
        put(&es->finished, e);
        (void)!eventfd_write(es->fd, 1);
    }
    pthread_mutex_unlock(&es->lock);
    if (es->idle)
        es->idle->work(es->idle);
    return NULL;
}

static void finished(struct watch *w, u32 events)
{
    struct errands *es = container_of(w, struct errands, watch);
    struct line done;
    eventfd_t n;

    (void)events;
    (void)!eventfd_read(es->fd, &n);
    pthread_mutex_lock(&es->lock);
    done = es->finished;
    es->finished = (struct line){ 0 };
    pthread_mutex_unlock(&es->lock);
    for (struct errand *e; (e = take(&done));)
        e->done(e, true);
}

int errands_new(struct errands **out, struct loop *loop, struct errand *idle, u64 idle_ns)
{
    struct errands *es = calloc(1, sizeof(*es));
    pthread_condattr_t clock;
    int r;

    if (!es)
        return -ENOMEM;
    es->idle = idle;
    es->idle_ns = idle_ns;
    es->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    r = es->fd < 0 ? -errno : loop_watch(loop, &es->watch, es->fd, EPOLLIN, finished);
    if (r < 0) {
        if (es->fd >= 0)
            close(es->fd);
        free(es);
        return r;
    }
    pthread_mutex_init(&es->lock, NULL);
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_cond_init(&es->came, &clock);
    pthread_condattr_destroy(&clock);
    *out = es;
    return 0;
}

void errands_free(struct errands *es)
{
    if (!es)
        return;
    pthread_mutex_lock(&es->lock);
    es->stopping = true;
    pthread_cond_signal(&es->came);
    pthread_mutex_unlock(&es->lock);
    if (es->has_thread)
        pthread_join(es->thread, NULL);
    loop_unwatch(&es->watch);
    close(es->fd);
    for (struct errand *e; (e = take(&es->finished));)
        e->done(e, false);
    for (struct errand *e; (e = take(&es->waiting));)
        e->done(e, false);
    pthread_cond_destroy(&es->came);
    pthread_mutex_destroy(&es->lock);
    free(es);
}

/* Signals are for the thread of the loop. */
static bool thread_start(struct errands *es)
{
    sigset_t all, before;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    es->has_thread = pthread_create(&es->thread, NULL, run, es) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return es->has_thread;
}

bool errands_add(struct errands *es, struct errand *e)
{
    bool fine;

    if (!es->has_thread && !thread_start(es))
        return false;
    pthread_mutex_lock(&es->lock);
    fine = es->count < ERRANDS_MAX;
    if (fine) {
        put(&es->waiting, e);
        es->count++;
        pthread_cond_signal(&es->came);
    }
    pthread_mutex_unlock(&es->lock);
    return fine;
}
