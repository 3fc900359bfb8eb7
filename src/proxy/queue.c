/* proxy/queue.c -- the one central queue
 *
 * Lost wake-ups: a ticket is put in and shm->waiters set before the workers are
 * looked at once more; a loop publishes «waits» before it looks at waiters. So
 * one of the two sees the other (both are sequentially consistent). The queue
 * timer of thread.c is the net below that, for policies that time changes.
 */
#include "proxy/queue.h"

#include "balance/lane.h"
#include "proxy/thread.h"

void queue_init(struct queue *q)
{
    pthread_mutex_init(&q->lock, NULL);
    for (u32 i = 0; i < SHM_LISTENERS_MAX; i++) {
        list_init(&q->waiting[i]);
        list_init(&q->slow[i]);
        list_init(&q->doubtful[i]);
    }
    for (u32 i = 0; i < SHM_THREADS_MAX; i++)
        list_init(&q->given[i]);
}

static enum pick_policy policy_of(const struct settings_request *s)
{
    switch (s->balance.by) {
    case SETTINGS_BALANCE_IDLE_FIRST:
        return PICK_IDLE_FIRST;
    case SETTINGS_BALANCE_LEAST_CONN:
        return PICK_LEAST_CONN;
    case SETTINGS_BALANCE_ROUND_ROBIN:
        return PICK_ROUND_ROBIN;
    case SETTINGS_BALANCE_HASH_IP:
    case SETTINGS_BALANCE_HASH_COOKIE:
    case SETTINGS_BALANCE_HASH_HEADER:
        return PICK_HASH;
    }
    return PICK_IDLE_FIRST;
}

/* One worker as it looks now; *dispatched is what the look was based on. */
static struct pick_worker look(struct shm_slot *slot, u64 now_ns, u64 *dispatched)
{
    u64 since = atomic_load(&slot->loop.busy_since_ns);
    u64 seen = atomic_load(&slot->loop.seen), before = atomic_load(&slot->loop.seen_before);
    bool waits = atomic_load(&slot->loop.waits_since_ns) != 0;

    *dispatched = atomic_load(&slot->dispatched);
    return (struct pick_worker){
        .id = slot->worker,
        .in_flight = slot->in_flight + slot->streams,
        .busy_ns = waits || since == 0 ? 0
                   : since < now_ns    ? now_ns - since
                                       : 1,
        .unseen = *dispatched > seen ? *dispatched - seen : 0,
        .taken = seen > before ? seen - before : 0,
        .ahead_max = slot->ahead_max,
        .request_mean_ns = slot->request_mean_ns,
        .blocks = slot->slow_in_flight > 0,
    };
}

static bool can_take(const struct thread *t, const struct ticket *ticket, u32 i)
{
    struct shm_slot *slot = &t->proxy->shm->slot[i];

    return atomic_load(&slot->state) == SHM_READY && slot->listening & BIT(ticket->listener) &&
           t->proxy->gone[i] != slot->generation;
}

/* The slots that may take it; the one to be avoided only when it is the only one. */
static u32 candidates(const struct thread *t, const struct ticket *ticket, u8 slots[SHM_SLOTS_MAX])
{
    u32 used = shm_slots_used(t->proxy->shm), n = 0;

    for (u32 i = 0; i < used; i++)
        if (i + 1 != ticket->avoid && can_take(t, ticket, i))
            slots[n++] = (u8)i;
    if (n == 0 && ticket->avoid && can_take(t, ticket, ticket->avoid - 1))
        slots[n++] = (u8)(ticket->avoid - 1);
    return n;
}

static enum pick_verdict claim_worker(struct thread *t, struct ticket *ticket, enum pick_lane lane)
{
    struct shm *shm = t->proxy->shm;
    struct shm_lanes *lanes = &shm->lanes[ticket->app];
    struct pick_worker workers[SHM_SLOTS_MAX];
    u64 dispatched[SHM_SLOTS_MAX];
    u8 slots[SHM_SLOTS_MAX];

    for (;;) {
        u64 now_ns = clock_now_ns();
        u32 n = candidates(t, ticket, slots), index;

        for (u32 i = 0; i < n; i++)
            workers[i] = look(&shm->slot[slots[i]], now_ns, &dispatched[i]);
        if (lane != PICK_NO_LANE)
            pick_keep(workers, n, lanes->kept,
                      atomic_load(&t->proxy->queue.slow_count[ticket->app]) > 0);
        enum pick_verdict v = pick_worker(&t->pick[ticket->app], policy_of(ticket->is), workers, n,
                                          ticket->key, lane, &index);
        if (v != PICK_GIVE)
            return v;
        struct shm_slot *slot = &shm->slot[slots[index]];
        /* Another thread may have chosen the same loop in the meantime: then look again. */
        if (!atomic_compare_exchange_strong(&slot->dispatched, &dispatched[index],
                                            dispatched[index] + 1))
            continue;
        slot->dispatched_ns = now_ns;
        claim_take(&ticket->claim, slot,
                   &(struct claim_expects){ .block_ns = ticket->block_ns,
                                            .loop_ns = ticket->loop_ns,
                                            .slow = ticket->slow },
                   now_ns);
        if (lane != PICK_NO_LANE)
            COUNT(lanes->requests[ticket->slow], 1);
        if (lane == PICK_AGED)
            COUNT(lanes->aged, 1);
        return v;
    }
}

/* ---- the lines ---- */

u32 queue_length(const struct queue *q)
{
    return atomic_load(&q->all);
}

/* The gauge that a waiting ticket is counted in. */
static _Atomic u32 *gauge(struct queue *q, const struct ticket *t)
{
    if (t->state == TICKET_DOUBTFUL)
        return &q->doubtful_count;
    return t->slow ? &q->slow_count[t->app] : &q->count[t->app];
}

/* With the lock held: tells loops and people how many wait. */
static void counted(struct queue *q, struct shm *shm)
{
    u32 all = queue_length(q);

    atomic_store(&shm->waiters, all);
    shm->proxy.queued = all;
}

/* With the lock held: into the gauge of its line. */
static void ticket_in(struct queue *q, struct shm *shm, struct ticket *t, struct list *line)
{
    list_add(line, &t->link);
    atomic_fetch_add(gauge(q, t), 1);
    atomic_fetch_add(&q->all, 1);
    COUNT(shm->lanes[t->app].queued, 1);
    counted(q, shm);
}

/* With the lock held: out of the list it waits in. */
static void ticket_out(struct queue *q, struct shm *shm, struct ticket *t)
{
    list_del(&t->link);
    atomic_fetch_sub(gauge(q, t), 1);
    atomic_fetch_sub(&q->all, 1);
    UNCOUNT(shm->lanes[t->app].queued, 1);
    counted(q, shm);
}

static void count_wait(struct thread *t, const struct ticket *ticket)
{
    u64 now_ns = clock_now_ns();
    u64 waited_ns = now_ns > ticket->queued_ns ? now_ns - ticket->queued_ns : 0;

    COUNT(t->proxy->shm->proxy.queue_wait_ns, waited_ns);
    COUNT(t->proxy->shm->lanes[ticket->app].queue_wait_ns, waited_ns);
}

enum turn { TURN_AGED, TURN_FAST, TURN_SLOW, TURN_DOUBTFUL };

/* Whether lanes are of any meaning for it. */
static bool has_lanes(const struct thread *t, const struct ticket *ticket)
{
    return t->proxy->shm->lanes[ticket->app].slow_ns &&
           ticket->is->balance.by == SETTINGS_BALANCE_IDLE_FIRST;
}

/* False: it is not this ticket's turn. */
static bool lane_of(const struct thread *t, const struct ticket *ticket, enum turn turn, u64 now_ns,
                    enum pick_lane *lane)
{
    u64 waited_ns = now_ns > ticket->queued_ns ? now_ns - ticket->queued_ns : 0;
    u64 slow_ns = t->proxy->shm->lanes[ticket->app].slow_ns;
    bool aged = ticket->slow && lane_is_aged(waited_ns, max(ticket->block_ns, slow_ns));

    if (!has_lanes(t, ticket))
        *lane = PICK_NO_LANE;
    else if (!ticket->slow)
        *lane = PICK_FAST;
    else
        *lane = aged && turn != TURN_AGED ? PICK_AGED : PICK_SLOW;
    return turn != TURN_AGED || aged;
}

/* With the lock held: the oldest tickets of one line, while workers can take them. Bit i of the
 * result: thread i was given some. */
static u64 serve_line(struct thread *t, struct list *line, enum turn turn, u64 now_ns)
{
    struct queue *q = &t->proxy->queue;
    u64 given = 0;

    while (!list_empty(line)) {
        struct ticket *ticket = list_first(line, struct ticket, link);
        enum pick_lane lane;

        if (!lane_of(t, ticket, turn, now_ns, &lane) || claim_worker(t, ticket, lane) != PICK_GIVE)
            break;
        ticket_out(q, t->proxy->shm, ticket);
        count_wait(t, ticket);
        ticket->state = TICKET_GIVEN;
        list_add(&q->given[ticket->owner->index], &ticket->link);
        given |= 1ull << ticket->owner->index;
    }
    return given;
}

/* With the lock held: those that wait on one listener. */
static u64 serve_listener(struct thread *t, u32 i, u64 now_ns)
{
    struct queue *q = &t->proxy->queue;
    u64 given = serve_line(t, &q->slow[i], TURN_AGED, now_ns) |
                serve_line(t, &q->waiting[i], TURN_FAST, now_ns) |
                serve_line(t, &q->slow[i], TURN_SLOW, now_ns);

    if (list_empty(&q->waiting[i]) && list_empty(&q->slow[i]))
        given |= serve_line(t, &q->doubtful[i], TURN_DOUBTFUL, now_ns);
    return given;
}

static void own_given(struct task *task)
{
    queue_take_given(container_of(task, struct thread, given_task));
}

void queue_serve(struct thread *t)
{
    struct proxy *p = t->proxy;
    u64 given = 0, now_ns = clock_now_ns();

    if (queue_length(&p->queue) == 0)
        return;
    pthread_mutex_lock(&p->queue.lock);
    for (u32 i = 0; i < SHM_LISTENERS_MAX; i++)
        given |= serve_listener(t, i, now_ns);
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
    if (!has_lanes(t, ticket))
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

/* With the lock taken: to the end of its line. */
static void enqueue(struct queue *q, struct shm *shm, struct ticket *t)
{
    t->queued_ns = clock_now_ns();
    t->state = TICKET_QUEUED;
    pthread_mutex_lock(&q->lock);
    ticket_in(q, shm, t, t->slow ? &q->slow[t->listener] : &q->waiting[t->listener]);
    pthread_mutex_unlock(&q->lock);
    COUNT(shm->proxy.queued_total, 1);
}

enum queue_verdict queue_ask(struct thread *owner, struct ticket *t, const struct queue_want *want,
                             ticket_fn *fn)
{
    struct proxy *p = owner->proxy;
    struct queue *q = &p->queue;
    enum pick_lane lane;

    *t = (struct ticket){ .owner = owner,
                          .listener = want->listener,
                          .app = want->app,
                          .is = want->is,
                          .key = want->key,
                          .block_ns = want->block_ns,
                          .loop_ns = want->loop_ns,
                          .avoid = want->avoid,
                          .fn = fn };
    list_init(&t->link);
    t->slow = is_slow(owner, t);
    lane = !has_lanes(owner, t) ? PICK_NO_LANE : t->slow ? PICK_SLOW : PICK_FAST;
    if (atomic_load(gauge(q, t)) == 0 && claim_worker(owner, t, lane) == PICK_GIVE)
        return QUEUE_TAKEN;
    if (atomic_load(&q->count[t->app]) + atomic_load(&q->slow_count[t->app]) >= t->is->queue_max)
        return QUEUE_FULL;
    enqueue(q, p->shm, t);
    queue_serve(owner);
    return QUEUE_WAITS;
}

void queue_doubt(struct ticket *t)
{
    struct queue *q;

    if (t->state != TICKET_QUEUED)
        return;
    q = &t->owner->proxy->queue;
    pthread_mutex_lock(&q->lock);
    if (t->state == TICKET_QUEUED) { /* nobody has given it in the meantime */
        ticket_out(q, t->owner->proxy->shm, t);
        t->state = TICKET_DOUBTFUL;
        ticket_in(q, t->owner->proxy->shm, t, &q->doubtful[t->listener]);
    }
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
    if (t->state == TICKET_QUEUED || t->state == TICKET_DOUBTFUL) {
        ticket_out(q, t->owner->proxy->shm, t);
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
