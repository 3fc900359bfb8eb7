/* guard/priority.h -- who comes first when not everybody can be served
 *
 * Strictly: as long as one of a higher priority waits, nobody of a lower one is given a worker.
 * Health checks are of the highest one by themselves, since a load balancer or an orchestrator that
 * gets no answer from an overloaded app takes it out of service, and the others are overloaded
 * next. Everybody can ask for such a path, so only a few a second have that privilege.
 */
#pragma once

#include "base/str.h"
#include "shm/concurrency.h"

enum priority { PRIORITY_HIGH, PRIORITY_NORMAL, PRIORITY_LOW, PRIORITIES };
static_assert((int)PRIORITIES == (int)SHM_PRIORITIES, "shared memory has a place for each");

/* Whether a GET or HEAD of this target is a health check by its name: /healthz, /readyz, /ping,
 * /api/health … */
bool priority_is_health_check(struct str target);

/* How many of them there were in the second that runs. */
struct priority_checks {
    u64 second;
    u32 n;
};
enum { PRIORITY_CHECKS_A_SECOND = 20 };
/* Counts one more; false: there have been enough. */
bool priority_check_take(struct priority_checks *c, u64 now_ns);
