/* upstream/peak_ewma.h -- how long an endpoint takes lately, quick to worry and slow to forget
 *
 * An exponentially weighted moving average over time, not over samples, in which a sample above the
 * average replaces it (Finagle's PeakEwma): one slow answer is believed at once, and it takes
 * PEAK_EWMA_TAU_NS of better ones until a third of it is left. What is not observed any more is
 * forgotten as slowly: peak_ewma_at() drifts to what the caller would expect of an endpoint that it
 * knows nothing of, so that one that was slow is tried again.
 *
 * Shared by threads; two that observe at once may lose one observation, no more.
 */
#pragma once

#include "base/base.h"
#include "base/clock.h"

#include <stdatomic.h>

#define PEAK_EWMA_TAU_NS (10 * NS_PER_S)

/* *ns and *at_ns, of the newest observation, lie in shared memory; 0: nothing is known. */
void peak_ewma_observe(_Atomic u64 *ns, _Atomic u64 *at_ns, u64 sample_ns, u64 now_ns);

/* What `ns`, observed at at_ns, counts for now, where nothing better than expected_ns is known.
 * ns 0: expected_ns. */
u64 peak_ewma_at(u64 ns, u64 at_ns, u64 expected_ns, u64 now_ns);
