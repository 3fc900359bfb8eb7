/* addon/served.c -- the listeners of this process */
#include "served.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "shm/layout.h"

static struct {
    pthread_mutex_t lock;
    pid_t owner;
    uint32_t any; /* listens with port 0 so far */
    struct {
        bool used;
        char path[108];
    } at[SHM_LISTENERS_MAX];
} served = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* Node closes no handles when it exits, so the files would stay. */
static void files_remove(void)
{
    if (served.owner != getpid() || pthread_mutex_trylock(&served.lock) != 0)
        return;
    for (unsigned i = 0; i < SHM_LISTENERS_MAX; i++)
        if (served.at[i].used)
            unlink(served.at[i].path);
    pthread_mutex_unlock(&served.lock);
}

void served_init(void)
{
    served.owner = getpid();
    atexit(files_remove);
}

bool served_add(uint32_t listener, const char *path)
{
    bool free_;

    if (listener >= SHM_LISTENERS_MAX)
        return false;
    pthread_mutex_lock(&served.lock);
    free_ = !served.at[listener].used;
    if (free_) {
        served.at[listener].used = true;
        snprintf(served.at[listener].path, sizeof served.at[listener].path, "%s", path);
    }
    pthread_mutex_unlock(&served.lock);
    return free_;
}

void served_remove(uint32_t listener)
{
    if (listener >= SHM_LISTENERS_MAX)
        return;
    pthread_mutex_lock(&served.lock);
    if (served.at[listener].used)
        unlink(
            served.at[listener].path); /* libuv does so, but not in a thread that is terminated */
    served.at[listener].used = false;
    pthread_mutex_unlock(&served.lock);
}

uint32_t served_any_next(void)
{
    uint32_t n;

    pthread_mutex_lock(&served.lock);
    n = served.any++;
    pthread_mutex_unlock(&served.lock);
    return n;
}
