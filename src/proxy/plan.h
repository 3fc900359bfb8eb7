/* proxy/plan.h -- what is learned of the workers' loops, and the lanes, ten times a second
 *
 * Thread 0 reads the counters in shared memory, has balance/ draw its conclusions, publishes them
 * there for all threads, and asks the kernel to share the CPUs accordingly: the loops that are kept
 * for fast requests get short time slices, so that they run as soon as they wake; the others get a
 * lower weight while there are lanes, where that can be taken back.
 */
#pragma once

#include "balance/lane.h"
#include "balance/learn.h"
#include "shm/layout.h"

struct plan;
struct proxy;

/* Lives as long as the process, as `proxy` does. -ENOMEM. */
MUST_USE int plan_new(struct plan **out, const struct proxy *proxy);

/* Looks, concludes and publishes. */
void plan_look(struct plan *plan, u64 now_ns);
