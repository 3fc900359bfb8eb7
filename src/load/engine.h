/* load/engine.h -- one measurement: threads that put a load on a target for a while
 *
 * Open loop (a rate is given): each request has a time at which it shall be
 * sent, and its latency counts from then, whatever kept it: a late generator, no
 * free connection, a stalled server. Closed loop: each connection sends the next
 * request when it has the answer.
 *
 * The measured time begins after the warm-up. In an open loop a request belongs
 * to it when it was meant to be sent in it, in a closed one when it was under
 * way in it; after its end the answers that are still to come are waited for, at
 * most for the time-out.
 */
#pragma once

#include "load/destination.h"
#include "load/mix.h"
#include "load/result.h"

struct engine_conf {
    const struct destination *destination;
    const struct mix *mix;
    u32 connections, threads; /* at least 1; at least one connection for each thread */
    double rate;              /* requests a second in all; 0: closed loop */
    bool poisson;
    bool keep_alive;
    u64 warmup_ns, duration_ns, timeout_ns;
    u64 seed;
};

/* What can be seen while it runs, from any thread. */
struct engine_progress {
    _Atomic u64 answered, failed;
    _Atomic u64 measure_from_ns; /* 0: still connecting */
};

struct engine;

/* Starts the threads. *conf must live until engine_finish; so must what it points to. */
MUST_USE int engine_start(struct engine **out, const struct engine_conf *conf);
/* Readable when all threads have ended. Stays the engine's. */
int engine_fd(const struct engine *e);
const struct engine_progress *engine_progress(const struct engine *e);
/* Ends it at once, with what there is. */
void engine_stop(struct engine *e);
/* Waits for the threads, adds what they measured to *result (made by result_init with the mix's
 * count) by result_append, and frees the engine. */
void engine_finish(struct engine *e, struct result *result);
