/* worker/health.h -- four times a second: memory, processor time, blocked loops */
#pragma once

#include "base/base.h"

struct crew;
struct agent;
struct str;

/* Looks at every process. `tick` counts the calls. */
void health_tick(struct crew *c, u32 tick, u64 now_ns);

/* The stack that was asked for has come. */
void health_stack(struct agent *a, struct str stack, u64 now_ns);
