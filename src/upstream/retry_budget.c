/* upstream/retry_budget.c -- how many requests may be sent again */
#include "upstream/retry_budget.h"

#include "base/clock.h"

static u64 in_window(u64 place, u64 second)
{
    u64 at = place >> 32;

    return at <= second && second - at < RETRY_BUDGET_WINDOW_S ? place & UINT32_MAX : 0;
}

void retry_budget_init(struct retry_budget *b)
{
    *b = (struct retry_budget){ 0 };
    pthread_mutex_init(&b->lock, NULL);
}

void retry_budget_request(struct retry_budget *b, u64 now_ns)
{
    u64 second = now_ns / NS_PER_S;
    _Atomic u64 *place = &b->requests[second % RETRY_BUDGET_WINDOW_S];
    u64 had = atomic_load_explicit(place, memory_order_relaxed);

    while (had >> 32 < second) /* the first one in this second */
        if (atomic_compare_exchange_weak_explicit(place, &had, second << 32 | 1,
                                                  memory_order_relaxed, memory_order_relaxed))
            return;
    atomic_fetch_add_explicit(place, 1, memory_order_relaxed);
}

u64 retry_budget_most(u64 requests, u32 share)
{
    return requests * share / RETRY_BUDGET_ALL + RETRY_BUDGET_LEAST;
}

bool retry_budget_take(struct retry_budget *b, u32 share, u64 now_ns)
{
    u64 second = now_ns / NS_PER_S, requests = 0, repeats = 0, *place;
    bool taken;

    if (share == 0)
        return true;
    pthread_mutex_lock(&b->lock);
    for (u32 i = 0; i < RETRY_BUDGET_WINDOW_S; i++) {
        requests += in_window(atomic_load_explicit(&b->requests[i], memory_order_relaxed), second);
        repeats += in_window(b->repeats[i], second);
    }
    place = &b->repeats[second % RETRY_BUDGET_WINDOW_S];
    /* A thread whose clock was read before another one's: that second's place has been given away.
     */
    taken = repeats < retry_budget_most(requests, share) && *place >> 32 <= second;
    if (taken)
        *place = (*place >> 32 == second ? *place : second << 32) + 1;
    pthread_mutex_unlock(&b->lock);
    return taken;
}
