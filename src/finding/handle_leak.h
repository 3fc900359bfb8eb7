/* finding/handle_leak.h -- whether a process opens more than it closes
 *
 * One series for each process and kind of resource: how many there are, looked at about once a
 * second, beside the load (requests under way, connections). A leak shows in the floor of the
 * counts, which bursts do not lift, and goes on for as long as it is looked at. What is healthy
 * does not:
 *     warm-up             the first fifth of `after` of a process is passed over
 *     bursts, cron jobs   the floor between them stays
 *     pools               fill and stay: growth stops, or came at once
 *     load                what rises with it is not compared, and two for each request or
 *                         connection are nobody's leak
 * So it takes `after`, in HANDLE_LEAK_WINDOWS windows, of which every quarter has grown, to heights
 * that were not reached before: then it is suspected, and a quarter of `after` later it still has
 * to be so. Meanwhile somebody may look who opens so many (shm/opened.h). Pure: no clock.
 */
#pragma once

#include "base/base.h"

enum {
    HANDLE_LEAK_WINDOWS = 20,
    HANDLE_LEAK_LEAST = 16,  /* grown by fewer is none */
    HANDLE_LEAK_CONFIRM = 4, /* the part of `after` for which it has to go on */
};

enum handle_verdict {
    HANDLES_FINE,
    HANDLES_SUSPECT, /* it has grown as only a leak does; once in `after`, and followed by … */
    HANDLES_LEAK,    /* … it still does, */
    HANDLES_ENDED,   /* or it does not */
};

/* All zero is a series that has not begun. */
struct handle_leak {
    u64 begun_ns;    /* 0: nothing was added */
    u64 window_ends; /* of the window that runs, ns */
    u64 judged_ns;   /* when it was last suspected */
    u64 suspect_ns;  /* since when it is; 0: it is not */
    u64 floor, top, load;
    u32 windows; /* ever closed; the newest is at (windows - 1) % HANDLE_LEAK_WINDOWS */
    u64 floors[HANDLE_LEAK_WINDOWS], tops[HANDLE_LEAK_WINDOWS], loads[HANDLE_LEAK_WINDOWS];
};

/* What has grown, when it has. */
struct handle_growth {
    u64 from, to; /* the floors of the first and of the last quarter */
    u64 over_ns;  /* between which lies this */
    u64 per_hour; /* at this rate */
};

/* Adds what is there now. *out is written with HANDLES_LEAK. */
MUST_USE enum handle_verdict handle_leak_add(struct handle_leak *h, u64 after_ns, u64 now_ns,
                                             u64 count, u64 load, struct handle_growth *out);
