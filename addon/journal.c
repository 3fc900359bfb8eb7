/* addon/journal.c -- this process's records for the monitor */
#include "journal.h"

#include <pthread.h>
#include <string.h>
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

static uint64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

bool journal_put(enum shm_record_type type, const void *payload, uint32_t len)
{
    bool put;

    if (!journal() || !link_alive())
        return false;
    pthread_mutex_lock(&lock);
    put = shm_journal_put(journal(), type, now_ns(), payload, len);
    pthread_mutex_unlock(&lock);
    return put;
}

uint32_t journal_put_many(enum shm_record_type type, const char *records, uint32_t bytes)
{
    uint32_t at = 0, len;
    uint64_t ns;

    if (!journal() || !link_alive())
        return 0;
    ns = now_ns();
    pthread_mutex_lock(&lock);
    while (bytes - at > sizeof len) {
        memcpy(&len, records + at, sizeof len);
        if (len > bytes - at - sizeof len ||
            shm_journal_unread(journal()) + shm_record_bytes(len) > SHM_JOURNAL_BYTES / 2 ||
            !shm_journal_put(journal(), type, ns, records + at + sizeof len, len))
            break;
        at += (uint32_t)sizeof len + len;
    }
    pthread_mutex_unlock(&lock);
    return at;
}

void journal_dropped(void)
{
    if (journal())
        atomic_fetch_add_explicit(&journal()->dropped, 1, memory_order_relaxed);
}
