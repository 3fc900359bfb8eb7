/* io/sched.h -- how the kernel shares the CPUs between our processes
 *
 * Nothing here is needed for anything to work: where the kernel or a container forbids it, things
 * are as they were.
 */
#pragma once

#include "base/base.h"

/* Whether a nice value may be lowered again once it was raised: CAP_SYS_NICE, or an RLIMIT_NICE
 * that allows it. */
bool sched_may_lower_nice(void);

/* The nice value of a thread by its id (a process's first thread has the process's id). -errno. */
MUST_USE int sched_nice(u32 tid, int *nice);
MUST_USE int sched_set_nice(u32 tid, int nice);

/* How long a thread has been ready to run and had no CPU, since it began. -errno, -ENODATA: the
 * kernel does not count it. */
MUST_USE int sched_delay(u32 tid, u64 *delay_ns);

/* How long a thread may run before others get a turn, at least 100 µs; 0: as the kernel likes. A
 * thread with a short slice that has slept runs at once when it wakes, and gets no more CPU for it
 * (Linux 6.12 and later, EEVDF; needs no privilege). The thread's nice value stays. tid 0: the
 * caller. */
MUST_USE int sched_set_slice(u32 tid, u64 slice_ns);
