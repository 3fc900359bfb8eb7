/* admin/thread_state.h -- whether the main thread of a process had a CPU: what the kernel says
 *
 * A turn of the loop is not blocked by what has no CPU (finding/blocking.h). What cannot be read
 * leaves *v as it is.
 */
#pragma once

#include "finding/blocking.h"

/* cpu_ns and waited_ns, from its schedstat: time on a CPU, then on a run queue
 * (Documentation/scheduler/sched-stats.rst). */
void thread_schedule_read(struct blocking_view *v, u32 pid);
/* stopped and runnable, from its stat: the letter behind the name in parentheses (proc(5)). */
void thread_state_read(struct blocking_view *v, u32 pid);
