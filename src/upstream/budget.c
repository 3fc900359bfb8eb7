/* upstream/budget.c -- how many requests may be sent again */
#include "upstream/budget.h"

#include "base/clock.h"

static u64 in_window(u64 place, u64 second)
{
    u64 at = place >> 32;

    return at <= second && second - at < BUDGET_WINDOW_S ? place & UINT32_MAX : 0;
}

void budget_init(struct budget *b)
{
    *b = (struct budget){ 0 };
    pthread_mutex_init(&b->lock, NULL);
}

void budget_request(struct budget *b, u64 now_ns)
{
    u64 second = now_ns / NS_PER_S;
    _Atomic u64 *place = &b->requests[second % BUDGET_WINDOW_S];
    u64 had = atomic_load_explicit(place, memory_order_relaxed);

    while (had >> 32 < second) /* the first one in this second */
        if (atomic_compare_exchange_weak_explicit(place, &had, second << 32 | 1,
                                                  memory_order_relaxed, memory_order_relaxed))
            return;
    atomic_fetch_add_explicit(place, 1, memory_order_relaxed);
}

u64 budget_most(u64 requests, u32 share)
{
    return requests * share / BUDGET_ALL + BUDGET_LEAST;
}

bool budget_take(struct budget *b, u32 share, u64 now_ns)
{
    u64 second = now_ns / NS_PER_S, requests = 0, repeats = 0, *place;
    bool taken;

    if (share == 0)
        return true;
    pthread_mutex_lock(&b->lock);
    for (u32 i = 0; i < BUDGET_WINDOW_S; i++) {
        requests += in_window(atomic_load_explicit(&b->requests[i], memory_order_relaxed), second);
        repeats += in_window(b->repeats[i], second);
    }
    place = &b->repeats[second % BUDGET_WINDOW_S];
    /* A thread whose clock was read before another one's: that second's place has been given away. */
    taken = repeats < budget_most(requests, share) && *place >> 32 <= second;
    if (taken)
        *place = (*place >> 32 == second ? *place : second << 32) + 1;
    pthread_mutex_unlock(&b->lock);
    return taken;
}
