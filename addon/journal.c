/* addon/journal.c -- this process's records for the monitor */
#include "journal.h"

#include <pthread.h>
#include <time.h>

#include "link.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static struct shm_journal *journal(void)
{
    return link_here.slot ? &link_here.shm->journal[link_here.index] : NULL;
}

void journal_init(void)
{
    if (journal())
        shm_journal_take(journal());
}

static bool put(enum shm_record_type type, const void *payload, uint32_t len, uint64_t unread_max)
{
    struct timespec now;
    bool done;

    if (!journal() || !link_alive())
        return false;
    clock_gettime(CLOCK_MONOTONIC, &now);
    pthread_mutex_lock(&lock);
    done = shm_journal_unread(journal()) <= unread_max &&
           shm_journal_put(journal(), type,
                           (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec, payload, len);
    pthread_mutex_unlock(&lock);
    return done;
}

bool journal_put(enum shm_record_type type, const void *payload, uint32_t len)
{
    return put(type, payload, len, UINT64_MAX);
}

bool journal_put_waiting(enum shm_record_type type, const void *payload, uint32_t len)
{
    return put(type, payload, len, SHM_JOURNAL_BYTES / 2 - shm_record_bytes(len));
}

void journal_dropped(void)
{
    if (journal())
        atomic_fetch_add_explicit(&journal()->dropped, 1, memory_order_relaxed);
}
