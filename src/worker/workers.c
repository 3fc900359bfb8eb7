/* worker/workers.c -- how many workers the app has, while it runs */
#include "worker/workers.h"

#include "worker/crew.h"

/* A number that was in use before begins anew: what is left of its old life belongs to the crew's
 * lists alone. */
static void grow(struct crew *c, u32 n)
{
    u32 first = c->workers + 1;

    c->workers = n;
    for (u32 i = first; i <= n; i++)
        worker_init(&c->worker[i], c, i);
    for (u32 i = first; i <= n; i++)
        worker_start(&c->worker[i]); /* failing, later again */
}

static void shrink(struct crew *c, u32 n)
{
    u32 last = c->workers;

    c->workers = n; /* first: a reload goes no further than this */
    for (u32 i = last; i > n; i--)
        worker_retire(&c->worker[i]);
}

int workers_set(struct crew *c, u32 n)
{
    if (n < 1 || n > LISTENERS_WORKERS_MAX)
        return -ERANGE;
    if (c->draining)
        return -ESHUTDOWN;
    if (n == c->workers)
        return 0;
    if (c->is_cluster)
        return -ENOTSUP;
    c->shm->workers_wanted = n;
    if (n > c->workers)
        grow(c, n);
    else
        shrink(c, n);
    crew_changed(c);
    return 0;
}
