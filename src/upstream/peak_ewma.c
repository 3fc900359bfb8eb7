/* upstream/peak_ewma.c -- how long an endpoint takes lately */
#include "upstream/peak_ewma.h"

#include <math.h>

/* What is left of the difference between the two after so long. */
static u64 blend(u64 old_ns, u64 to_ns, u64 at_ns, u64 now_ns)
{
    u64 passed_ns = now_ns > at_ns ? now_ns - at_ns : 0;
    double left = exp(-(double)passed_ns / (double)PEAK_EWMA_TAU_NS);

    return (u64)((double)to_ns + ((double)old_ns - (double)to_ns) * left);
}

void peak_ewma_observe(_Atomic u64 *ns, _Atomic u64 *at_ns, u64 sample_ns, u64 now_ns)
{
    u64 had_ns = atomic_load_explicit(ns, memory_order_relaxed);
    u64 had_at_ns = atomic_load_explicit(at_ns, memory_order_relaxed);

    if (sample_ns < had_ns)
        sample_ns = blend(had_ns, sample_ns, had_at_ns, now_ns);
    /* 0 would be: nothing is known. */
    atomic_store_explicit(ns, max(sample_ns, (u64)1), memory_order_relaxed);
    /* Another thread's clock may have been read later. */
    if (now_ns > had_at_ns)
        atomic_store_explicit(at_ns, now_ns, memory_order_relaxed);
}

u64 peak_ewma_at(u64 ns, u64 at_ns, u64 expected_ns, u64 now_ns)
{
    return ns ? blend(ns, expected_ns, at_ns, now_ns) : expected_ns;
}
