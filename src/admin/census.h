/* admin/census.h -- what a process has open, by kind
 *
 * From /proc/PID/fd and /proc/PID/task/PID/children: what libuv's handles do not show, since a
 * socket that nobody reads from is not active and a descriptor of a file is no handle. A readlink
 * for each descriptor, 1 us: for some seconds each, not for a scrape.
 */
#pragma once

#include "base/base.h"

struct census {
    u64 sockets, files; /* files: whatever is no socket, as pipes and timers */
    u64 children;       /* of the main thread */
};

/* -errno; -EACCES: it is another user's. *out is then unchanged. Where the kernel does not list
 * children, there are 0. */
MUST_USE int census_read(struct census *out, u32 pid);
