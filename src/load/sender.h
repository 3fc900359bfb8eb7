/* load/sender.h -- a thread of the load generator: its connections, its schedule, its counts
 *
 * Inside load/ only; load/engine.h is what others use.
 */
#pragma once

#include "load/engine.h"
#include "load/request.h"

/* What the threads of one measurement share. */
struct sender_shared {
    const struct engine_conf *conf;
    const struct request *requests; /* one for each kind of the mix */
    struct engine_progress progress;
    _Atomic bool stopping;
    _Atomic u32 opened;   /* threads whose connections stand, or have failed */
    _Atomic u64 start_ns; /* of all schedules; 0: not all have opened */
};

void sender_shared_init(struct sender_shared *s, const struct engine_conf *conf);

struct sender;

/* Thread number `index` of conf->threads. */
MUST_USE int sender_new(struct sender **out, struct sender_shared *shared, u32 index);
/* Accepts NULL. */
void sender_free(struct sender *s);
/* All of the measurement, in the calling thread. */
void sender_run(struct sender *s);
/* After sender_run; stays the sender's. */
struct result *sender_result(struct sender *s);
