/* finding/blocking.h -- whether a turn of an event loop takes too long, while it lasts
 *
 * A pure decision over what is seen of one loop at one moment after the other. A turn counts from
 * its beginning, without the time in which its thread could not run: while it waited for a CPU or
 * was stopped, while V8 did something for fettle itself, and while the watcher itself came late
 * (then the whole machine stood still, most likely). A turn that served many short requests is not
 * a block (shm_turn_is_long).
 *
 * The one who looks says what there is and gets told when to look again: at the moment at which the
 * turn that runs would be too long, so that it is seen at once and nobody looks in between.
 */
#pragma once

#include "base/clock.h"

/* All zero at first, and when the slot has another process. */
struct blocking {
    u64 since_ns; /* busy_since_ns of the turn that takes too long; 0: none does */
    u64 took_ns;  /* how long that has lasted, as it is known, its hold-ups included */
    u64 held_ns;  /* of that: in which it could not run */
    u64 ran_ns;   /* ... and had a CPU, at the most, until it was seen last */
    u32 asks;     /* how often its stack was asked for */
    /* private */
    u64 turn_ns; /* the turn that was seen last */
    u64 at_ns;   /* when it was looked at last; 0: never */
    u64 waited_ns, cpu_ns, inspected_ns;
    u32 postponed; /* looks at this turn that could not tell */
    u64 long_ns;   /* of the loop, before the turn */
    u64 ask_ns;    /* when its stack is to be asked for again */
};

struct blocking_view {
    u64 now_ns, late_ns; /* late: than the moment that was asked for */
    u64 limit_ns;        /* a turn this long is too long; 0: none is */
    u64 busy_since_ns;   /* of struct shm_loop */
    u64 long_ns;         /* likewise */
    u64 requests;        /* that came with the turn */
    u64 waited_ns; /* how long the thread has waited for a CPU, ever, until it last got one; 0: not
                    * known */
    u64 cpu_ns;    /* ... and has run */
    u64 inspected_ns; /* how long fettle itself has had V8 work there, ever */
    bool runnable;    /* it does, or waits for a CPU now */
    bool stopped;     /* the process has been stopped, or is traced */
};

enum blocking_verdict {
    BLOCKING_FINE,
    BLOCKING_ASK,   /* its stack is wanted */
    BLOCKING_ENDED, /* the turn since b->since_ns has ended; b->took_ns is how long it took. It is
                     * forgotten at the next look */
};

/* *again_ns: when to look again. */
enum blocking_verdict blocking_look(struct blocking *b, const struct blocking_view *v,
                                    u64 *again_ns);
