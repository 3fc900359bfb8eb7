/* upstream/circuit.h -- a circuit breaker: what keeps failing is left alone for a while
 *
 *              too many failures, or slow answers
 *   CLOSED ─────────────────────────────────────────▶ OPEN ◀─────────────┐
 *     ▲                                                │ open time over  │ the probe failed:
 *     │ so many probes succeeded, one after the other  ▼                 │ twice as long
 *     └──────────────────────────────────────────── HALF OPEN ───────────┘
 *
 * One state for all threads, in shared memory. Closed, a call costs two loads and an addition; all
 * else takes the lock. At most one probe runs at a time, over all threads; one that is not over
 * after the open time has its place given away, and is not listened to any more. What was begun
 * before the last change of state says nothing about this one and counts for nothing.
 *
 * Values in, verdict out: the clock is the caller's.
 */
#pragma once

#include "base/base.h"
#include "shm/layout.h"

#include <pthread.h>

struct circuit {
    struct shm_circuit *shm;
    pthread_mutex_t lock;
};

struct circuit_rules {
    u32 in_a_row;    /* so many failures one after the other open it; 0: none do */
    u32 errors;      /* this share of failures, in thousandths of a per cent; 0: none */
    u32 slow_share;  /* this share of slow answers; 0: none */
    u64 slow_ns;     /* an answer that began later than this is slow; 0: none is */
    u32 calls_least; /* in the window, before a share says anything */
    u64 window_ns;
    u64 open_ns, open_max_ns; /* how long it stays open at first; at most, as that doubles */
    u32 probes;               /* that must succeed */
};

enum circuit_verdict {
    CIRCUIT_PASS,
    CIRCUIT_PROBE, /* pass, and much depends on it */
    CIRCUIT_REFUSE,
};

/* A call that was passed; all zero: none. */
struct circuit_call {
    struct circuit *circuit; /* NULL: none, or told already */
    u64 epoch;
    u64 probe; /* its number; 0: it is none */
};

enum circuit_result {
    CIRCUIT_OK,
    CIRCUIT_FAILED,
    CIRCUIT_UNKNOWN, /* the client gave up, or nothing was sent: says nothing */
};

enum circuit_change { CIRCUIT_SAME, CIRCUIT_OPENS, CIRCUIT_CLOSES };

void circuit_init(struct circuit *c, struct shm_circuit *shm);

/* PASS, PROBE: *call is to be told, whatever becomes of it. REFUSE: in *wait_ns it may be worth
 * another try. */
MUST_USE enum circuit_verdict circuit_ask(struct circuit *c, const struct circuit_rules *rules,
                                          u64 now_ns, struct circuit_call *call, u64 *wait_ns);

/* What became of it; `began_ns` is how long its answer took to begin. Empties *call; accepts an
 * empty one. */
enum circuit_change circuit_tell(struct circuit_call *call, const struct circuit_rules *rules,
                                 enum circuit_result result, u64 began_ns, u64 now_ns);

/* What is in the window now. */
struct circuit_sums {
    u64 calls, failures, slow;
};
struct circuit_sums circuit_sums(const struct shm_circuit *shm, u64 window_ns, u64 now_ns);
