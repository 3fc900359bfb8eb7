/* worker/side.h -- side processes: workers that are not Node, and get no traffic
 *
 * No agent reports from them. Such a process is ready when it has lived for a second (ten, where a
 * shell may be about to start Node after all), has a slot of its own, so that it is seen with its
 * memory and restarts like any worker, and is replaced for its memory too.
 */
#pragma once

#include "base/base.h"

struct process;

/* Whether a process from which no agent has reported counts as ready. Pure. */
bool side_is_ready(bool is_side, bool is_node, u64 lived_ns);

/* It is ready: takes a slot for it. */
void side_begin(struct process *p);
/* An agent has reported after all, or it is gone. Accepts one that has no slot. */
void side_end(struct process *p);
/* Its state has changed. */
void side_publish(struct process *p);
