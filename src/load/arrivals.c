/* load/arrivals.c -- when requests shall be sent: at a constant rate, or as a Poisson process */
#include "load/arrivals.h"

#include "base/clock.h"

#include <math.h>

/* The gaps of a Poisson process are exponential: their mean times -ln of what is uniform in (0,1].
 */
static void gap_add(struct arrivals *a)
{
    a->at_ns -= log(1 - random_unit(&a->random)) * a->gap_ns;
}

void arrivals_init(struct arrivals *a, double rate, bool poisson, u64 start_ns, u64 seed)
{
    *a = (struct arrivals){ .next_ns = start_ns,
                            .start_ns = start_ns,
                            .gap_ns = (double)NS_PER_S / rate,
                            .poisson = poisson,
                            .random = { seed } };
    if (!poisson)
        return;
    gap_add(a);
    a->next_ns = start_ns + (u64)a->at_ns;
}

void arrivals_step(struct arrivals *a)
{
    a->count++;
    if (a->poisson)
        gap_add(a);
    else
        a->at_ns = (double)a->count * a->gap_ns; /* not a sum, whose rounding would add up */
    a->next_ns = a->start_ns + (u64)a->at_ns;
}
