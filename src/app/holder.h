/* app/holder.h -- who asks the supervisor to keep a worker out of traffic (worker/hold.h)
 *
 * Finds the worker that is meant, asks, and waits until nothing is in it any more. It serves again
 * when holder_end has closed the connection, or when this process ends, however that is.
 */
#pragma once

#include "app/control_client.h"
#include "inspect/wait.h"
#include "worker/order.h"

struct holder {
    struct control_peers peers;
    struct control_peer *peer; /* the connection that holds it; NULL: none */
    char app[ORDER_APP_MAX];   /* empty: no worker of fettle's is meant */
    u32 worker;
    u32 pid;               /* of its Node */
    u32 requests, streams; /* that were in it still when it was held */
};

struct holder_worker {
    char app[ORDER_APP_MAX];
    u32 number;
    u32 pid; /* of its Node */
    u64 heap_bytes;
};

/* All zero at first; holder_end in any case. */

/* The workers that run of the app that `word` names, or the one that it names: "shop", "shop/2".
 * At most `room`; *n is how many. As holder_find. */
MUST_USE int holder_workers(struct holder *h, const struct control_options *o, const char *word,
                            struct holder_worker *out, u32 room, u32 *n, struct problem *p);

/* Which worker `word` means: "shop/2", or of "shop" the one with the largest heap. -ENOENT, -EINVAL
 * and others with *p. */
MUST_USE int holder_find(struct holder *h, const struct control_options *o, const char *word,
                         struct problem *p);
/* Which worker a process is the Node of. False: none. */
MUST_USE bool holder_find_pid(struct holder *h, const struct control_options *o, u32 pid);

/* Has it held; `wait_ns` for what is inside it. `shows`: how far it is is told on standard error.
 * 0; -ECANCELED; -EINVAL and others with *p. */
MUST_USE int holder_begin(struct holder *h, const struct wait *w, u64 wait_ns, bool shows,
                          struct problem *p);
void holder_end(struct holder *h);
