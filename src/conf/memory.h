/* conf/memory.h -- how much memory there is for us still
 *
 * The smaller of what the machine has available and of what the limits of this process's control
 * groups (version 1 and 2, parents included) leave.
 */
#pragma once

#include "base/str.h"

/* In bytes, reading proc and sys below `root` ("" is the real one). UINT64_MAX: not known. */
u64 memory_available(const char *root);
/* The same for another process; 0: ourselves. */
u64 memory_available_to(const char *root, u32 pid);
