/* proxy/queue.c -- the one central queue
 *
 * Lost wake-ups: a ticket is put in and shm->waiters set before the workers are
 * looked at once more; a loop publishes «waits» before it looks at waiters. So
 * one of the two sees the other (both are sequentially consistent). The queue
 * timer of thread.c is the net below that, for policies that time changes.
 */
#include "proxy/queue.h"

#include "balance/lane.h"
#include "proxy/ceiling.h"
#include "proxy/chooser.h"
#include "proxy/line.h"
#include "proxy/thread.h"

void queue_init(struct queue *q)
{
    pthread_mutex_init(&q->lock, NULL);
    for (u32 i = 0; i < SHM_LISTENERS_MAX; i++) {
        for (u32 k = 0; k < QUEUE_LANES * PRIORITIES; k++)
            line_init(&q->at[i].line[k / PRIORITIES][k % PRIORITIES]);
        list_init(&q->at[i].doubtful);
    }
    for (u32 i = 0; i < SHM_THREADS_MAX; i++)
        list_init(&q->given[i]);
}

u32 queue_length(const struct queue *q)
{
    return atomic_load(&q->all);
}

/* ---- serving ---- */

/* Who stick to workers of their own do not hold up each other: so many are looked at. */
enum { SERVE_OTHERS_MAX = 64 };

static void count_wait(struct thread *t, const struct ticket *ticket)
{
    u64 now_ns = clock_now_ns();
    u64 waited_ns = now_ns > ticket->queued_ns ? now_ns - ticket->queued_ns : 0;

    COUNT(t->proxy->shm->proxy.queue_wait_ns, waited_ns);
    COUNT(t->proxy->shm->lanes[ticket->app].queue_wait_ns, waited_ns);
}

enum turn { TURN_AGED, TURN_FAST, TURN_SLOW, TURN_DOUBTFUL };

/* False: it is not this ticket's turn. */
static bool lane_of(const struct thread *t, const struct ticket *ticket, enum turn turn, u64 now_ns,
                    enum pick_lane *lane)
{
    u64 waited_ns = now_ns > ticket->queued_ns ? now_ns - ticket->queued_ns : 0;
    u64 slow_ns = t->proxy->shm->lanes[ticket->app].slow_ns;
    bool aged = ticket->slow && lane_is_aged(waited_ns, max(ticket->block_ns, slow_ns));

    if (!chooser_has_lanes(t, ticket))
        *lane = PICK_NO_LANE;
    else if (!ticket->slow)
        *lane = PICK_FAST;
    else
        *lane = aged && turn != TURN_AGED ? PICK_AGED : PICK_SLOW;
    return turn != TURN_AGED || aged;
}

/* With the lock held: its owner is to hear of it. */
static void give(struct thread *t, struct ticket *ticket, u64 *given)
{
    struct queue *q = &t->proxy->queue;

    line_del(q, t->proxy->shm, ticket);
    count_wait(t, ticket);
    ticket->state = TICKET_GIVEN;
    list_add(&q->given[ticket->owner->index], &ticket->link);
    *given |= 1ull << ticket->owner->index;
}

/* Who is next in a line: the oldest, in an overload the newest. */
static struct ticket *next_of(const struct line *l)
{
    return l->codel.overloaded_ns ? list_last(&l->tickets, struct ticket, link)
                                  : list_first(&l->tickets, struct ticket, link);
}

/* With the lock held: aside, until its ceiling has a place. */
static void park(struct thread *t, struct ticket *ticket)
{
    line_move(&t->proxy->queue, t->proxy->shm, ticket, TICKET_PARKED);
    COUNT(ticket->ceiling->shm->parked_total, 1);
}

/* With the lock held: those that stick to workers that are not full, behind the first. */
static bool serve_others(struct thread *t, struct line *l, const struct ticket *first, u64 *given)
{
    u32 looked = 0;

    list_each_safe (link, &l->tickets) {
        struct ticket *ticket = container_of(link, struct ticket, link);

        if (++looked > SERVE_OTHERS_MAX)
            break;
        if (ticket != first && chooser_sticks(ticket) &&
            chooser_claim(t, ticket, PICK_NO_LANE) == CHOOSER_CLAIMED) {
            give(t, ticket, given);
            return true;
        }
    }
    return false;
}

/* With the lock held: the tickets of one line, while workers can take them. Bit i of *given: thread
 * i was given some. True: a worker was given. */
static bool serve_line(struct thread *t, struct line *l, enum turn turn, u64 now_ns, u64 *given)
{
    bool served = false;

    while (l->n) {
        struct ticket *ticket = next_of(l);
        enum pick_lane lane;

        if (!lane_of(t, ticket, turn, now_ns, &lane))
            break;
        switch (chooser_claim(t, ticket, lane)) {
        case CHOOSER_CLAIMED:
            codel_drained(&t->proxy->queue.drain[ticket->app], now_ns);
            give(t, ticket, given);
            served = true;
            continue;
        case CHOOSER_CEILING:
            park(t, ticket);
            continue;
        case CHOOSER_ITS_FULL:
            if (serve_others(t, l, ticket, given))
                continue;
            break;
        case CHOOSER_NONE:
            break;
        }
        break;
    }
    return served;
}

static bool serve_doubtful(struct thread *t, struct list *line, u64 now_ns, u64 *given)
{
    bool served = false;

    while (!list_empty(line)) {
        struct ticket *ticket = list_first(line, struct ticket, link);
        enum pick_lane lane;

        if (!lane_of(t, ticket, TURN_DOUBTFUL, now_ns, &lane) ||
            chooser_claim(t, ticket, lane) != CHOOSER_CLAIMED)
            break;
        give(t, ticket, given);
        served = true;
    }
    return served;
}

/* ---- overload ---- */

static u32 workers_at(const struct proxy *p, u32 listener)
{
    u32 n = 0;

    for (u32 i = 0; i < shm_slots_used(p->shm); i++)
        n += p->shm->slot[i].state == SHM_READY && p->shm->slot[i].listening & BIT(listener);
    return n;
}

static u64 waited_ns(const struct ticket *t, u64 now_ns)
{
    return now_ns > t->queued_ns ? now_ns - t->queued_ns : 0;
}

/* With the lock held: whether a line has become too long, after somebody was served. */
static void look_at(struct thread *t, struct line *l, u32 workers, u64 now_ns)
{
    struct ticket *oldest = l->n ? list_first(&l->tickets, struct ticket, link) : NULL;
    struct codel_rules rules = { .few = codel_few(workers) };
    bool before = l->codel.overloaded_ns;
    struct shm_waiting *shown;

    if (!oldest) {
        l->codel = (struct codel){ 0 };
        return;
    }
    rules.target_ns = oldest->is->queue_target_ns;
    rules.interval_ns = oldest->is->queue_interval_ns;
    codel_look(&l->codel, &rules, l->n, waited_ns(oldest, now_ns), now_ns);
    shown = &t->proxy->shm->concurrency.app[oldest->app];
    if (!before && l->codel.overloaded_ns)
        COUNT(shown->overloads, 1);
    shown->gap_ns = t->proxy->queue.drain[oldest->app].gap_ns;
}

/* With the lock held: those of an overloaded line that have waited too long. */
static void shed(struct thread *t, struct line *l, u64 now_ns, u64 *given)
{
    while (l->n && l->codel.overloaded_ns) {
        struct ticket *oldest = list_first(&l->tickets, struct ticket, link);
        struct shm_waiting *shown = &t->proxy->shm->concurrency.app[oldest->app];

        if (!codel_sheds(&l->codel, oldest->is->queue_target_ns, waited_ns(oldest, now_ns)))
            break;
        COUNT(shown->shed[oldest->priority], 1);
        if (oldest->state == TICKET_PARKED)
            COUNT(oldest->ceiling->shm->shed, 1);
        oldest->shed = true;
        give(t, oldest, given);
    }
}

/* With the lock held: those that wait on one listener. */
static void serve_listener(struct thread *t, u32 i, u64 now_ns, u64 *given)
{
    struct queue_listener *at = &t->proxy->queue.at[i];
    struct line *fast = at->line[QUEUE_FAST], *slow = at->line[QUEUE_SLOW];
    bool served = false;
    u32 waiting = 0;

    for (u32 p = 0; p < PRIORITIES; p++) {
        served |= serve_line(t, &slow[p], TURN_AGED, now_ns, given);
        served |= serve_line(t, &fast[p], TURN_FAST, now_ns, given);
        served |= serve_line(t, &slow[p], TURN_SLOW, now_ns, given);
        waiting += fast[p].n + slow[p].n;
        /* Nobody passes one of a higher priority, but the fast pass the slow. */
        if (fast[p].n)
            break;
    }
    if (waiting == 0)
        served |= serve_doubtful(t, &at->doubtful, now_ns, given);
    if (served)
        waiting = workers_at(t->proxy, i);
    for (u32 k = 0; k < QUEUE_LANES * PRIORITIES; k++) {
        struct line *l = &at->line[k / PRIORITIES][k % PRIORITIES];

        if (served)
            look_at(t, l, waiting, now_ns);
        shed(t, l, now_ns, given);
    }
}

/* With the lock held: back into their lines go as many as a ceiling has places for. */
static void unpark(struct thread *t, struct ceiling *c, u64 now_ns, u64 *given)
{
    struct proxy *p = t->proxy;

    for (u32 k = 0; k < PRIORITIES; k++) {
        struct line *l = &c->line[k];
        u32 room = l->n ? ceiling_room(c, next_of(l)->is, k == PRIORITY_HIGH) : 0;

        for (u32 i = 0; l->n && i < room; i++)
            line_move(&p->queue, p->shm, next_of(l), TICKET_QUEUED);
        if (room)
            look_at(t, l, 0, now_ns);
        shed(t, l, now_ns, given);
    }
}

/* With the lock held: whether somebody whose ceiling had been reached may go on. */
static bool unpark_all(struct thread *t, u64 now_ns, u64 *given)
{
    struct proxy *p = t->proxy;
    u32 before = atomic_load(&p->queue.parked);

    for (u32 i = 0; before && i < SHM_CEILINGS_MAX; i++)
        if (p->ceilings[i].shm && atomic_load(&p->ceilings[i].shm->parked))
            unpark(t, &p->ceilings[i], now_ns, given);
    return atomic_load(&p->queue.parked) < before;
}

/* With the lock held. Who was put aside while a place in his ceiling came free is asked once more,
 * since nobody else will: who gave it may not have seen him. */
static u64 serve_all(struct thread *t)
{
    struct queue *q = &t->proxy->queue;
    u64 given = 0, now_ns = clock_now_ns();

    do {
        unpark_all(t, now_ns, &given);
        for (u32 i = 0; i < SHM_LISTENERS_MAX; i++)
            if (q->at[i].n)
                serve_listener(t, i, now_ns, &given);
    } while (atomic_load(&q->parked) && unpark_all(t, now_ns, &given));
    return given;
}

static void own_given(struct task *task)
{
    queue_take_given(container_of(task, struct thread, given_task));
}

void queue_serve(struct thread *t)
{
    struct proxy *p = t->proxy;
    u64 given;

    if (queue_length(&p->queue) == 0)
        return;
    pthread_mutex_lock(&p->queue.lock);
    given = serve_all(t);
    pthread_mutex_unlock(&p->queue.lock);
    for (u32 i = 0; i < p->threads_n; i++) {
        if (!(given >> i & 1))
            continue;
        if (i == t->index)
            loop_task(t->loop, &t->given_task, own_given);
        else
            thread_poke(&p->threads[i]);
    }
}

void queue_room(struct thread *t)
{
    if (atomic_load(&t->proxy->queue.parked))
        queue_serve(t);
}

void queue_take_given(struct thread *t)
{
    struct queue *q = &t->proxy->queue;

    for (;;) {
        struct ticket *ticket = NULL;

        pthread_mutex_lock(&q->lock);
        if (!list_empty(&q->given[t->index])) {
            ticket = list_first(&q->given[t->index], struct ticket, link);
            list_del(&ticket->link);
            ticket->state = TICKET_NONE;
        }
        pthread_mutex_unlock(&q->lock);
        if (!ticket)
            return;
        ticket->fn(ticket);
    }
}

static bool is_slow(const struct thread *t, const struct ticket *ticket)
{
    if (!chooser_has_lanes(t, ticket))
        return false;
    switch (ticket->is->lane) {
    case SETTINGS_LANE_AUTO:
        return ticket->block_ns >= t->proxy->shm->lanes[ticket->app].slow_ns;
    case SETTINGS_LANE_FAST:
        return false;
    case SETTINGS_LANE_SLOW:
        return true;
    }
    return false;
}

/* With the lock held: how important it is. Asked only of those that have to wait. */
static enum priority priority_of(struct queue *q, const struct queue_want *want, u64 now_ns)
{
    switch (want->is->priority) {
    case SETTINGS_PRIORITY_AUTO:
        break;
    case SETTINGS_PRIORITY_HIGH:
        return PRIORITY_HIGH;
    case SETTINGS_PRIORITY_NORMAL:
        return PRIORITY_NORMAL;
    case SETTINGS_PRIORITY_LOW:
        return PRIORITY_LOW;
    }
    return priority_is_health_check(want->check) &&
                   priority_check_take(&q->checks[want->app], now_ns)
               ? PRIORITY_HIGH
               : PRIORITY_NORMAL;
}

/* How many of the app wait that are as important or more. */
static u32 waiting_before(const struct queue *q, u32 app, enum priority priority)
{
    u32 n = 0;

    for (u32 k = 0; k <= priority; k++)
        n += atomic_load(&q->ranks[app][k]);
    return n;
}

/* To the end of its line. False: there are too many. */
static bool enqueue(struct queue *q, struct shm *shm, struct ticket *t,
                    const struct queue_want *want)
{
    bool room;

    t->queued_ns = clock_now_ns();
    t->state = TICKET_QUEUED;
    pthread_mutex_lock(&q->lock);
    t->priority = priority_of(q, want, t->queued_ns);
    room = waiting_before(q, t->app, t->priority) < t->is->queue_max;
    if (waiting_before(q, t->app, PRIORITY_LOW) == 0)
        q->drain[t->app].last_ns = 0;
    if (room)
        line_add(q, shm, t, &line_of(q, t)->tickets);
    pthread_mutex_unlock(&q->lock);
    COUNT(shm->proxy.queued_total, room);
    if (!room)
        t->state = TICKET_NONE;
    return room;
}

enum queue_verdict queue_ask(struct thread *owner, struct ticket *t, const struct queue_want *want,
                             ticket_fn *fn)
{
    struct proxy *p = owner->proxy;
    struct queue *q = &p->queue;
    struct ceiling *c = want->ceiling;
    enum pick_lane lane;

    *t =
        (struct ticket){ .owner = owner,
                         .listener = want->listener,
                         .app = want->app,
                         .is = want->is,
                         .key = want->key,
                         .block_ns = want->block_ns,
                         .loop_ns = want->loop_ns,
                         .avoid = want->avoid,
                         .priority = want->is->priority == SETTINGS_PRIORITY_HIGH ? PRIORITY_HIGH
                                                                                  : PRIORITY_NORMAL,
                         .ceiling = c,
                         .fn = fn };
    list_init(&t->link);
    t->slow = is_slow(owner, t);
    lane = !chooser_has_lanes(owner, t) ? PICK_NO_LANE : t->slow ? PICK_SLOW : PICK_FAST;
    if (atomic_load(line_gauge(q, t)) == 0 && (!c || atomic_load(&c->shm->parked) == 0) &&
        chooser_claim(owner, t, lane) == CHOOSER_CLAIMED)
        return QUEUE_TAKEN;
    if (!enqueue(q, p->shm, t, want))
        return QUEUE_FULL;
    queue_serve(owner);
    return QUEUE_WAITS;
}

u32 queue_retry_after_s(struct ticket *t)
{
    struct queue *q = &t->owner->proxy->queue;
    const struct shm_waiting *shown = &t->owner->proxy->shm->concurrency.app[t->app];

    return codel_retry_after_s(atomic_load(&shown->gap_ns), waiting_before(q, t->app, t->priority),
                               atomic_fetch_add(&q->told, 1));
}

void queue_doubt(struct ticket *t)
{
    struct queue *q;

    if (t->state != TICKET_QUEUED && t->state != TICKET_PARKED)
        return;
    q = &t->owner->proxy->queue;
    pthread_mutex_lock(&q->lock);
    if (t->state == TICKET_QUEUED || t->state == TICKET_PARKED) /* it may have been given by now */
        line_move(q, t->owner->proxy->shm, t, TICKET_DOUBTFUL);
    pthread_mutex_unlock(&q->lock);
}

void queue_leave(struct ticket *t)
{
    struct queue *q;
    bool unused = false;

    if (t->state == TICKET_NONE)
        return;
    q = &t->owner->proxy->queue;
    pthread_mutex_lock(&q->lock);
    if (t->state == TICKET_QUEUED || t->state == TICKET_PARKED || t->state == TICKET_DOUBTFUL) {
        line_del(q, t->owner->proxy->shm, t);
    } else if (t->state == TICKET_GIVEN) {
        list_del(&t->link);
        claim_unused(&t->claim);
        unused = true;
    }
    t->state = TICKET_NONE;
    pthread_mutex_unlock(&q->lock);
    if (unused)
        queue_serve(t->owner); /* the next one may have it */
}
