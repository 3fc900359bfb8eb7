/* conf/cpus.h -- how many CPUs this process may use
 *
 * The smaller of its CPU affinity and of its cgroup's CPU quota (version 1 and
 * 2, parents included), rounded up. What os.cpus() counts is the machine, which
 * in a container is not ours.
 */
#pragma once

#include "base/str.h"

enum { CPUS_MILLI = 1000 }; /* quotas are counted in thousandths of a CPU */

/* At least 1. */
u32 cpus_allowed(void);

/* The quota of this process's cgroup in thousandths, reading proc and sys below `root` ("" is the
 * real one; tests make their own). 0: no quota, or none that can be read. */
u64 cpus_quota(const char *root);

/* The contents of cpu.max: "50000 100000" is 500, "max 100000" is 0. Anything else is 0 too. */
u64 cpus_quota_v2(struct str cpu_max);
/* cpu.cfs_quota_us ("-1": none) and cpu.cfs_period_us. */
u64 cpus_quota_v1(struct str quota_us, struct str period_us);

/* `allowed` by affinity (at least 1) and a quota: 4 and 1500 are 2. */
u32 cpus_of(u32 allowed, u64 quota_milli);

/* The time that the CPUs which this process may run on have been idle, in clock ticks (sysconf
 * _SC_CLK_TCK), from the contents of /proc/stat. */
u64 cpus_idle_ticks(struct str proc_stat);
