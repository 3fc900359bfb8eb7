/* addon/idle.c -- the agent thread as the writer of slot->loop */
#include "idle.h"

#include <dlfcn.h>
#include <pthread.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "shm/layout.h"

/* What a look every few milliseconds can tell from two turns close together. */
#define LONG_NS 20000000u

static struct {
    pthread_mutex_t lock;
    uint64_t (*idle_time)(const void *loop); /* uv_metrics_idle_time, safe on any thread */
    const void *loop;
    struct shm_slot *slot;
    struct shm *shm;
    int wake_fd;
    uint64_t start_ns, idle_start_ns; /* at the first look */
    uint64_t idle_ns;                 /* at the last one */
    uint64_t since_ns;                /* of the state `waits` */
    bool waits;
} w = { .lock = PTHREAD_MUTEX_INITIALIZER };

static uint64_t clock_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

bool idle_init(struct shm_slot *slot, struct shm *shm, int wake_fd, const void *uv_loop)
{
    void *found = dlsym(RTLD_DEFAULT, "uv_metrics_idle_time");

    if (!found)
        return false;
    memcpy(&w.idle_time, &found, sizeof found);
    w.slot = slot;
    w.shm = shm;
    w.wake_fd = wake_fd;
    w.start_ns = w.since_ns = clock_ns();
    w.idle_ns = w.idle_start_ns = w.idle_time(uv_loop);
    w.loop = uv_loop;
    atomic_store(&slot->loop.busy_since_ns, w.since_ns);
    return true;
}

void idle_done(void)
{
    pthread_mutex_lock(&w.lock);
    w.loop = NULL;
    pthread_mutex_unlock(&w.lock);
}

/* While the loop waits, the idle time runs with the clock, so two looks in a row differ. */
static bool waits_now(uint64_t *idle_ns)
{
    uint64_t first = w.idle_time(w.loop), begin = clock_ns();

    while (clock_ns() - begin < 500)
        ;
    *idle_ns = w.idle_time(w.loop);
    return *idle_ns != first;
}

/* The sums leave out what runs now, as readers add it: now - busy_since or now - waits_since. */
static void publish(uint64_t now_ns, bool waits, uint64_t since_ns)
{
    struct shm_loop *l = &w.slot->loop;
    uint64_t idle_ns = w.idle_ns - w.idle_start_ns, all_ns = now_ns - w.start_ns;
    uint64_t busy_ns = all_ns > idle_ns ? all_ns - idle_ns : 0, now_part_ns = now_ns - since_ns;

    atomic_store(&l->wait_ns, waits && idle_ns > now_part_ns ? idle_ns - now_part_ns
                              : waits                        ? 0
                                                             : idle_ns);
    atomic_store(&l->busy_ns, waits ? busy_ns : busy_ns > now_part_ns ? busy_ns - now_part_ns : 0);
    atomic_store(&l->waits_since_ns, waits ? since_ns : 0);
    atomic_store(&l->busy_since_ns, waits ? 0 : since_ns);
}

static void look(void)
{
    struct shm_loop *l = &w.slot->loop;
    uint64_t given = atomic_load(&w.slot->dispatched), idle_ns, now_ns, idled_ns;
    bool waits = waits_now(&idle_ns), changed;

    now_ns = clock_ns();
    idled_ns = idle_ns > w.idle_ns ? idle_ns - w.idle_ns : 0;
    changed = waits != w.waits || (!waits && idled_ns);
    if (changed && !w.waits) { /* what ran at the last look has ended */
        uint64_t took_ns = now_ns > w.since_ns ? now_ns - w.since_ns : 0;
        atomic_fetch_add(&l->delay_count[shm_delay_bucket(took_ns)], 1);
        if (took_ns >= LONG_NS)
            atomic_fetch_add(&l->long_ns, took_ns);
    }
    if (changed)
        w.since_ns = now_ns;
    w.waits = waits;
    w.idle_ns = idle_ns;
    if (waits)
        atomic_store(&l->seen, given);
    publish(now_ns, waits, w.since_ns);
    if (waits && atomic_load(&w.shm->waiters)) {
        uint64_t one = 1;
        ssize_t n = write(w.wake_fd, &one, sizeof one);
        (void)n;
    }
}

void idle_tick(void)
{
    pthread_mutex_lock(&w.lock);
    if (w.loop)
        look();
    pthread_mutex_unlock(&w.lock);
}
