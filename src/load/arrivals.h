/* load/arrivals.h -- when requests shall be sent: at a constant rate, or as a Poisson process
 *
 * The times are planned ahead and do not depend on the answers: that is what
 * makes a load an open one. No clock is read here.
 */
#pragma once

#include "base/random.h"

struct arrivals {
    u64 next_ns; /* when the next request shall be sent */
    /* private */
    u64 start_ns;
    double gap_ns, at_ns;
    u64 count;
    bool poisson;
    struct random random;
};

/* `rate` a second, more than 0, beginning at start_ns (constant: the first one is then). */
void arrivals_init(struct arrivals *a, double rate, bool poisson, u64 start_ns, u64 seed);
/* Goes on to the following one. */
void arrivals_step(struct arrivals *a);
