/* admin/route_costs.h -- how fast routes are asked for, and how much CPU time they take
 *
 * Once a second the monitor looks at the sums of shared memory. How often each route was asked for
 * lately is a difference to ten seconds ago. The proxy has put the time that a loop ran down to
 * routes (balance/blame.h); a loop that runs may have no CPU, so of that time a route gets as much
 * CPU time as the kernel gave the loops of its app, of the time that they ran lately. That is
 * written to struct shm_series. What the loops' threads used besides belongs to no route: what goes
 * on without a request, or after its answer.
 */
#pragma once

#include "base/base.h"
#include "shm/layout.h"

struct route_costs;

/* Sums of an app since the monitor started. */
struct route_costs_app {
    u64 loop_ns;  /* its loops ran */
    u64 cpu_ns;   /* their threads had a CPU */
    u64 route_ns; /* of that, what was put down to routes */
};

MUST_USE int route_costs_new(struct route_costs **out);
void route_costs_free(struct route_costs *rc);

/* Once a second. Writes cpu_ns and per_1000s of each series. */
void route_costs_tick(struct route_costs *rc, struct shm *shm, u64 now_ns);

struct route_costs_app route_costs_app(const struct route_costs *rc, u32 app);

/* For tests: the share of a running loop's time that had a CPU, of sums that fade. */
struct route_costs_share {
    double loop_ns, cpu_ns;
};
/* Adds a second's; what it is then, from 0 to 1; 1 while nothing is known. */
double route_costs_share_add(struct route_costs_share *s, u64 loop_ns, u64 cpu_ns);
