/* worker/procfs.h -- what the kernel knows about a process
 *
 * Every function returns 0 or -errno (-ENOENT, -ESRCH: the process is gone).
 */
#pragma once

#include "base/str.h"

struct procfs_sample {
    u64 rss_bytes, vm_bytes;
    u64 cpu_user_ns, cpu_system_ns;
    u32 threads;
    u32 parent; /* pid */
    u32 group;  /* process group */
};
MUST_USE int procfs_sample(u32 pid, struct procfs_sample *out);
/* The text of /proc/PID/stat; -EPROTO when it is not one. For tests. */
MUST_USE int procfs_parse(struct str stat, struct procfs_sample *out);

/* Open descriptors, and how many there may be. */
MUST_USE int procfs_fds(u32 pid, u32 *open, u32 *most);

/* Whether `pid` is `ancestor` or descends from it. */
bool procfs_descends(u32 pid, u32 ancestor);

/* The children of this process that are left, at most `room`; how many. */
u32 procfs_children(u32 *pids, u32 room);
