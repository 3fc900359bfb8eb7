/* guard/concurrency.h -- how many requests at once an app can do with, found out
 *
 * Event loops show whether they have time (balance/); what stands behind an app does not: a
 * database that is asked for more than it can do answers no more of it, only later. Then each
 * request that is passed on adds to everybody's wait, and it is better kept in a queue that can be
 * shed.
 *
 * That answers take longer is not enough to tell (as the gradients of Envoy and of Netflix's
 * concurrency-limits have it): it may be other requests, or a database that is slow today and would
 * do with more of them. So it is tried. By Little's law, answers a second are what is in flight
 * divided by what an answer takes; so what one takes is seen by how many are in flight, and those
 * that have not been answered at all count as well. If answers take CONCURRENCY_SUSPECT times as
 * long as usual, the limit becomes a part of what is in flight. Where as many are answered after
 * that, the rest was of no use, and the next cut is deeper; where fewer are, it was of use: the
 * limit goes at once, what is seen now is what is usual, and nothing is tried for a while. A limit
 * that is needed grows step by step, is tried with less now and then, and goes when nobody has met
 * it for a while.
 *
 * Until then there is none: an app that is not overloaded sees nothing of this. An app with
 * CONCURRENCY_FREE requests or fewer for each worker is never limited.
 *
 * Values and clock in, verdict out. Source of the idea that throughput decides: BBR (Cardwell et
 * al., 2016).
 */
#pragma once

#include "base/base.h"

enum {
    CONCURRENCY_FREE = 16,   /* for each worker, never limited */
    CONCURRENCY_SUSPECT = 3, /* times as long as usual */
    CONCURRENCY_GOOD = 2,    /* times as long as usual is still good, under a limit */
};

/* Counters that only grow, and how many are there now. */
struct concurrency_reading {
    u64 now_ns;
    u64 answers;   /* that came */
    u64 refused;   /* grows while somebody has to wait for a place */
    u32 in_flight; /* that are a load */
    u32 workers;
};

enum concurrency_state {
    CONCURRENCY_NONE, /* no limit */
    CONCURRENCY_CUT,  /* it has been lowered: is it worth it? */
    CONCURRENCY_HOLD,
};

/* All zero: nothing is known. */
struct concurrency {
    enum concurrency_state state;
    u32 limit;  /* 0: none */
    u32 before; /* the limit, or what was in flight, before the newest cut */
    double usual_ns,
        now_ns;           /* an answer takes usually, and took in the newest window; 0: unknown */
    double rate, rate_ns; /* answers a second before the first cut, and what one took then */
    double part;          /* the next cut leaves this part */
    u32 suspicions;       /* windows in a row */
    u32 wrongs;           /* cuts in a row that were of no use */
    u64 quiet_ns;         /* until then nothing is tried */
    u64 met_ns;           /* when somebody met the limit last */
    u64 tried_ns;         /* when it was lowered or raised by a try last */
    struct concurrency_reading begun; /* the window that runs … */
    double in_flight;                 /* … the sum of what was in flight, … */
    u32 looks;                        /* … and how often it was looked at */
    bool drained;                     /* it began with no more in flight than the limit */
};

/* A few times a second. The limit: 0 is none. */
u32 concurrency_look(struct concurrency *c, const struct concurrency_reading *r);
