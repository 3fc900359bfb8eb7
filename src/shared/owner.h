/* shared/owner.h -- whether a process that left its mark in shared memory still lives
 *
 * A number is given again after its process; with the time of its start it is one process's
 * (proc(5), stat, field 22). Processes that share memory share their numbers: one host, one PID
 * namespace.
 */
#pragma once

#include "base/base.h"

struct owner {
    u32 pid; /* 0: nobody */
    u32 thread;
    u64 started; /* clock ticks since boot */
};

/* This process; `thread` tells its threads from each other. */
struct owner owner_self(u32 thread);
bool owner_same(const struct owner *a, const struct owner *b);
/* Two system calls. */
bool owner_lives(const struct owner *o);
