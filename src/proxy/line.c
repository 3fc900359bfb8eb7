/* proxy/line.c -- the lines of the queue, and what is counted of them */
#include "proxy/line.h"

#include "proxy/ceiling.h"
#include "proxy/thread.h"

void line_init(struct line *l)
{
    *l = (struct line){ .n = 0 };
    list_init(&l->tickets);
}

_Atomic u32 *line_gauge(struct queue *q, const struct ticket *t)
{
    if (t->state == TICKET_DOUBTFUL)
        return &q->doubtful_count;
    if (t->state == TICKET_PARKED)
        return &q->parked;
    return t->slow ? &q->slow_count[t->app] : &q->count[t->app];
}

/* With the lock held: tells loops and people how many wait. */
static void counted(struct queue *q, struct shm *shm, const struct ticket *t)
{
    u32 all = queue_length(q);
    struct shm_waiting *shown = &shm->concurrency.app[t->app];

    atomic_store(&shm->waiters, all);
    shm->proxy.queued = all;
    shown->waiting[t->priority] = atomic_load(&q->ranks[t->app][t->priority]);
}

struct line *line_of(struct queue *q, const struct ticket *t)
{
    if (t->state == TICKET_PARKED)
        return &t->ceiling->line[t->priority];
    return &q->at[t->listener].line[t->slow ? QUEUE_SLOW : QUEUE_FAST][t->priority];
}

void line_add(struct queue *q, struct shm *shm, struct ticket *t, struct list *at)
{
    list_add(at, &t->link);
    if (t->state != TICKET_DOUBTFUL) {
        line_of(q, t)->n++;
        atomic_fetch_add(&q->ranks[t->app][t->priority], 1);
    }
    if (t->state == TICKET_PARKED)
        COUNT(t->ceiling->shm->parked, 1);
    else
        q->at[t->listener].n++;
    atomic_fetch_add(line_gauge(q, t), 1);
    atomic_fetch_add(&q->all, 1);
    COUNT(shm->lanes[t->app].queued, 1);
    counted(q, shm, t);
}

void line_del(struct queue *q, struct shm *shm, struct ticket *t)
{
    list_del(&t->link);
    if (t->state != TICKET_DOUBTFUL) {
        line_of(q, t)->n--;
        atomic_fetch_sub(&q->ranks[t->app][t->priority], 1);
    }
    if (t->state == TICKET_PARKED)
        UNCOUNT(t->ceiling->shm->parked, 1);
    else
        q->at[t->listener].n--;
    atomic_fetch_sub(line_gauge(q, t), 1);
    atomic_fetch_sub(&q->all, 1);
    UNCOUNT(shm->lanes[t->app].queued, 1);
    counted(q, shm, t);
}

/* Before which of them it goes: the older come first. */
static struct list *place_of(struct line *l, const struct ticket *t)
{
    if (l->n == 0 || list_last(&l->tickets, struct ticket, link)->queued_ns <= t->queued_ns)
        return &l->tickets;
    list_each (link, &l->tickets)
        if (container_of(link, struct ticket, link)->queued_ns > t->queued_ns)
            return link;
    return &l->tickets;
}

void line_move(struct queue *q, struct shm *shm, struct ticket *t, enum ticket_state state)
{
    line_del(q, shm, t);
    t->state = state;
    line_add(q, shm, t,
             state == TICKET_DOUBTFUL ? &q->at[t->listener].doubtful : place_of(line_of(q, t), t));
}
