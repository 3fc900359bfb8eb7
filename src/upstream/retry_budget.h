/* upstream/retry_budget.h -- how many requests may be sent again, of those that came lately
 *
 * When a service is slow or down, sending what failed again multiplies its load just then. So
 * repeats are a share of the requests of the last RETRY_BUDGET_WINDOW_S seconds, and a few besides,
 * so that an app with little traffic has any (as Finagle's RetryBudget has it).
 *
 * Shared by all threads. A request costs one addition; only a repeat takes the lock. Never more
 * than retry_budget_most() repeats in the window that ends now, whatever the number of threads.
 */
#pragma once

#include "base/base.h"

#include <pthread.h>
#include <stdatomic.h>

enum {
    RETRY_BUDGET_WINDOW_S = 10,
    RETRY_BUDGET_LEAST = 100,  /* repeats in a window that need no requests: 10 a second */
    RETRY_BUDGET_ALL = 100000, /* thousandths of a per cent */
};

struct retry_budget {
    pthread_mutex_t lock;
    /* By second, modulo the window: second << 32 | how many in it. */
    _Alignas(64) _Atomic u64 requests[RETRY_BUDGET_WINDOW_S];
    u64 repeats[RETRY_BUDGET_WINDOW_S]; /* under the lock */
};

void retry_budget_init(struct retry_budget *b);

/* A request has come. */
void retry_budget_request(struct retry_budget *b, u64 now_ns);

/* Takes one repeat, if there is one at `share` (thousandths of a per cent; 0: there is no limit).
 */
MUST_USE bool retry_budget_take(struct retry_budget *b, u32 share, u64 now_ns);

/* The most repeats in a window of so many requests. */
u64 retry_budget_most(u64 requests, u32 share);
