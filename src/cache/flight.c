/* cache/flight.c -- who is asking the app for a key just now, and who waits for what comes of it */
#include "cache/flight.h"

#include <pthread.h>

enum { BUCKETS = 1024 };

struct flight {
    struct flight *next; /* of its bucket, or of the free ones */
    struct digest key;
    struct list waiting;
};

struct flights {
    pthread_mutex_t lock;
    struct flight *bucket[BUCKETS], *free;
    u32 waiters;
    struct list landed[FLIGHT_THREADS_MAX];
    struct flight flight[FLIGHTS_MAX];
};

int flights_new(struct flights **out)
{
    struct flights *fs = calloc(1, sizeof(*fs));

    if (!fs)
        return -ENOMEM;
    pthread_mutex_init(&fs->lock, NULL);
    for (u32 i = 0; i < FLIGHT_THREADS_MAX; i++)
        list_init(&fs->landed[i]);
    for (u32 i = 0; i < FLIGHTS_MAX; i++) {
        list_init(&fs->flight[i].waiting);
        fs->flight[i].next = fs->free;
        fs->free = &fs->flight[i];
    }
    *out = fs;
    return 0;
}

void flights_free(struct flights *fs)
{
    if (!fs)
        return;
    pthread_mutex_destroy(&fs->lock);
    free(fs);
}

static struct flight **bucket_of(struct flights *fs, struct digest key)
{
    return &fs->bucket[key.a % BUCKETS];
}

/* With the lock held. */
static enum flight_state join(struct flights *fs, struct flyer *f, struct digest key)
{
    struct flight **bucket = bucket_of(fs, key), *flight = *bucket;

    while (flight && !digest_eq(flight->key, key))
        flight = flight->next;
    if (flight) {
        if (fs->waiters >= FLIGHT_WAITERS_MAX)
            return FLIGHT_NONE;
        fs->waiters++;
        list_add(&flight->waiting, &f->link);
        f->flight = flight;
        return FLIGHT_WAITS;
    }
    flight = fs->free;
    if (!flight)
        return FLIGHT_NONE;
    fs->free = flight->next;
    flight->key = key;
    flight->next = *bucket;
    *bucket = flight;
    f->flight = flight;
    return FLIGHT_LEADS;
}

enum flight_state flight_join(struct flights *fs, struct flyer *f, struct digest key, u32 thread)
{
    enum flight_state state;

    *f = (struct flyer){ .thread = thread };
    list_init(&f->link);
    pthread_mutex_lock(&fs->lock);
    state = f->state = join(fs, f, key);
    pthread_mutex_unlock(&fs->lock);
    return state;
}

/* With the lock held. */
static u64 land(struct flights *fs, struct flight *flight, enum flight_outcome outcome)
{
    struct flight **link = bucket_of(fs, flight->key);
    u64 wake = 0;

    while (*link != flight)
        link = &(*link)->next;
    *link = flight->next;
    list_each_safe (at, &flight->waiting) {
        struct flyer *f = container_of(at, struct flyer, link);

        list_del(&f->link);
        f->flight = NULL;
        f->state = FLIGHT_LANDED;
        f->outcome = outcome;
        list_add(&fs->landed[f->thread], &f->link);
        wake |= 1ull << f->thread;
    }
    flight->next = fs->free;
    fs->free = flight;
    return wake;
}

u64 flight_land(struct flights *fs, struct flyer *f, enum flight_outcome outcome)
{
    u64 wake;

    if (f->state != FLIGHT_LEADS)
        return 0;
    pthread_mutex_lock(&fs->lock);
    wake = land(fs, f->flight, outcome);
    f->state = FLIGHT_NONE;
    f->flight = NULL;
    pthread_mutex_unlock(&fs->lock);
    return wake;
}

u64 flight_leave(struct flights *fs, struct flyer *f)
{
    u64 wake = 0;

    if (!fs) /* nothing has ever flown */
        return 0;
    pthread_mutex_lock(&fs->lock); /* it may land this moment */
    if (f->state == FLIGHT_LEADS) {
        wake = land(fs, f->flight, FLIGHT_FAILED);
    } else if (f->state != FLIGHT_NONE) {
        list_del(&f->link);
        fs->waiters--;
    }
    f->state = FLIGHT_NONE;
    f->flight = NULL;
    pthread_mutex_unlock(&fs->lock);
    return wake;
}

struct flyer *flight_take(struct flights *fs, u32 thread, enum flight_outcome *outcome)
{
    struct flyer *f = NULL;

    pthread_mutex_lock(&fs->lock);
    if (!list_empty(&fs->landed[thread])) {
        f = list_first(&fs->landed[thread], struct flyer, link);
        list_del(&f->link);
        fs->waiters--;
        f->state = FLIGHT_NONE;
        *outcome = f->outcome;
    }
    pthread_mutex_unlock(&fs->lock);
    return f;
}

bool flight_is_awaited(struct flights *fs, const struct flyer *f)
{
    bool awaited;

    if (f->state != FLIGHT_LEADS)
        return false;
    pthread_mutex_lock(&fs->lock);
    awaited = !list_empty(&f->flight->waiting);
    pthread_mutex_unlock(&fs->lock);
    return awaited;
}

u32 flight_waiters(struct flights *fs)
{
    u32 n;

    pthread_mutex_lock(&fs->lock);
    n = fs->waiters;
    pthread_mutex_unlock(&fs->lock);
    return n;
}
