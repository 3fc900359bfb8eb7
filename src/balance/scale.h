/* balance/scale.h -- how many workers there should be, between a least and a most number
 *
 * Up quickly: for a period (a second) requests have waited, or the loops were nearly always busy,
 * and there is CPU for one more. Several at once when the load asks for it and that many CPUs are
 * free. Down slowly, one at a time: for SCALE_DOWN_PERIODS the load would have fitted into one
 * worker less, far below where that would be pressed again; bursts count with their peaks. Where a
 * worker is taken away and wanted again soon after, the next one is taken away later and later.
 * Two limits: memory; and when all CPUs are busy, more loops than CPUs (and one) only take turns.
 *
 * Values in, verdict out: no clock, no shared memory, no log.
 */
#pragma once

#include "base/buf.h"

enum { SCALE_DOWN_PERIODS = 30, SCALE_PATIENCE_MAX = 4 };

struct scale_conf {
    u32 least, most; /* 1 … */
    double cpus;     /* that fettle may use, perhaps 1.5 */
    u64 period_ns;   /* a second; tests have shorter ones */
};

/* The means since the last reading. */
struct scale_reading {
    u64 now_ns;
    u32 workers;      /* that there should be */
    u32 ready;        /* that serve */
    double busy;      /* loops that did not wait: 0 … ready */
    double waiting;   /* requests in the central queue */
    double cpus_free; /* of those that fettle may use */
    u32 memory_most;  /* workers that fit into memory: scale_memory_most */
};

enum scale_reason {
    SCALE_STAYS,
    SCALE_WAITING,   /* up: requests wait */
    SCALE_BUSY,      /* up: the loops are busy */
    SCALE_LEAST,     /* there are less than the least number */
    SCALE_MOST,      /* there are more than the most */
    SCALE_IDLE,      /* down: one less would do */
    SCALE_CPUS,      /* down: more loops than pay off */
    SCALE_NO_MEMORY, /* stays, though it would go up: one more does not fit into memory */
};

struct scale_verdict {
    u32 workers; /* that there should be from now on */
    enum scale_reason reason;
};

struct scale {
    bool begun;
    u64 last_ns;
    struct scale_level {
        double busy, waiting, cpus_free;
    } fast, slow;                     /* faded means: over half a period, over five */
    u64 pressed_ns, calm_ns, full_ns; /* since when it is so; 0: it is not */
    double pressed_waiting;           /* fast.waiting at that time */
    u64 up_ns, down_ns;               /* the newest changes; 0: none yet */
    u32 patience;                     /* SCALE_DOWN_PERIODS are doubled so often */
};

/* Where a verdict's `workers` is not the reading's, the caller sets that number: the next reading
 * is taken to be of it. */
struct scale_verdict scale_reading(struct scale *s, const struct scale_conf *conf,
                                   const struct scale_reading *r);

/* How many workers fit into memory: `available_bytes` is what may still be used, each of `ready`
 * ones has `mean_bytes` (0: unknown) and is allowed `max_bytes` (0: there is no limit, the mean
 * counts). A tenth is left alone. UINT32_MAX: not known. */
u32 scale_memory_most(u64 available_bytes, u32 ready, u64 mean_bytes, u64 max_bytes);

/* For people: «requests wait (3.2 at a time) and 1.4 CPUs are free». */
void scale_reason_text(const struct scale *s, const struct scale_reading *r,
                       const struct scale_verdict *v, struct buf *out);
