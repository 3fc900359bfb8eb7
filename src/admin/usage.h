/* admin/usage.h -- what the kernel says of a process
 *
 * From /proc/PID/stat and /proc/PID/status: what shared memory does not hold. Read by the sampler
 * once a second, never by a scrape.
 */
#pragma once

#include "base/base.h"

struct usage {
    u64 cpu_ns; /* user and system */
    u64 rss_bytes;
    u64 heap_bytes; /* VmData: what prom-client calls process_heap_bytes */
    u64 faults_minor, faults_major;
    u64 switches_voluntary, switches_involuntary; /* of the main thread, where the loop runs */
};

/* -errno (such as -ENOENT: no such process); *out is then unchanged. */
MUST_USE int usage_read(struct usage *out, u32 pid);
