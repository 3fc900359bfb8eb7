/* proxy/chooser.c -- a worker for a ticket, claimed, with a place in its ceiling */
#include "proxy/chooser.h"

#include "proxy/ceiling.h"
#include "proxy/thread.h"

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

bool chooser_sticks(const struct ticket *ticket)
{
    return policy_of(ticket->is) == PICK_HASH;
}

/* Whether the worker has as many as it may. */
static bool is_full(const struct ticket *ticket, const struct shm_slot *slot)
{
    u32 most = ticket->is->worker_concurrency;

    return most && atomic_load(&slot->in_flight) + atomic_load(&slot->streams) >= most;
}

/* Who sticks to a worker waits for it, though it is full. */
static bool can_take(const struct thread *t, const struct ticket *ticket, u32 i)
{
    struct shm_slot *slot = &t->proxy->shm->slot[i];

    if (ticket->is->worker_concurrency && !chooser_sticks(ticket) && is_full(ticket, slot))
        return false;
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

/* The one that was chosen. False: another thread was first. */
static bool claim_slot(struct ticket *ticket, struct shm_slot *slot, u64 dispatched, u64 now_ns)
{
    u32 most = ticket->is->worker_concurrency, before;

    if (!atomic_compare_exchange_strong(&slot->dispatched, &dispatched, dispatched + 1))
        return false;
    slot->dispatched_ns = now_ns;
    before = claim_take(&ticket->claim, slot,
                        &(struct claim_expects){ .block_ns = ticket->block_ns,
                                                 .loop_ns = ticket->loop_ns,
                                                 .slow = ticket->slow },
                        now_ns);
    if (most && before >= most) {
        claim_unused(&ticket->claim);
        return false;
    }
    return true;
}

static enum chooser_verdict claim_worker(struct thread *t, struct ticket *ticket,
                                         enum pick_lane lane)
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
        if (pick_worker(&t->pick[ticket->app], policy_of(ticket->is), workers, n, ticket->key, lane,
                        &index) != PICK_GIVE)
            return CHOOSER_NONE;
        if (is_full(ticket, &shm->slot[slots[index]]) && chooser_sticks(ticket))
            return CHOOSER_ITS_FULL;
        if (!claim_slot(ticket, &shm->slot[slots[index]], dispatched[index], now_ns))
            continue; /* look again */
        if (lane != PICK_NO_LANE)
            COUNT(lanes->requests[ticket->slow], 1);
        if (lane == PICK_AGED)
            COUNT(lanes->aged, 1);
        return CHOOSER_CLAIMED;
    }
}

enum chooser_verdict chooser_claim(struct thread *t, struct ticket *ticket, enum pick_lane lane)
{
    struct ceiling *c = ticket->ceiling;
    enum chooser_verdict claimed;

    if (!c)
        return claim_worker(t, ticket, lane);
    if (!ceiling_take(c, ticket->is, ticket->priority == PRIORITY_HIGH))
        return CHOOSER_CEILING;
    claimed = claim_worker(t, ticket, lane);
    if (claimed == CHOOSER_CLAIMED)
        ticket->claim.ceiling = c->shm;
    else
        ceiling_give(c);
    return claimed;
}

bool chooser_has_lanes(const struct thread *t, const struct ticket *ticket)
{
    return t->proxy->shm->lanes[ticket->app].slow_ns &&
           ticket->is->balance.by == SETTINGS_BALANCE_IDLE_FIRST;
}
