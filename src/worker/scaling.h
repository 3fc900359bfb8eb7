/* worker/scaling.h -- an app's workers become more or fewer by themselves
 *
 * For an app with a least and a most number of workers: reads its loops, the queue, the CPUs and
 * the memory four times a period, has balance/scale.h decide, sets the number, and says why.
 */
#pragma once

#include "balance/scale.h"
#include "io/loop.h"
#include "shm/layout.h"

struct app;

struct scaling {
    struct app *app; /* NULL: it does not happen */
    struct timer timer;
    struct scale scale;
    struct scale_conf conf;
    u64 at_ns;         /* of the newest reading; 0: none yet. The sums below are of that time */
    u64 idle_ticks;    /* of the CPUs */
    u64 cpu_ns;        /* used by what is ours */
    u64 queue_wait_ns; /* waited by those that have left the queue */
    u32 generation[SHM_SLOTS_MAX];
    u64 busy_ns[SHM_SLOTS_MAX];
    u64 no_memory_ns; /* when it was last said that one more does not fit; 0: never */
};

/* Begins, if the app has a least and a most number; else nothing happens. */
void scaling_start(struct app *app);
/* Ends, for instance because somebody has set the number by hand. It may be started again. */
void scaling_stop(struct app *app);
