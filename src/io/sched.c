/* io/sched.c -- how the kernel shares the CPUs between our processes */
#include "io/sched.h"

#include "base/str.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#define SCHED_RESET_ON_FORK_FLAG 0x01 /* include/uapi/linux/sched.h: SCHED_FLAG_RESET_ON_FORK */

/* include/uapi/linux/sched/types.h, SCHED_ATTR_SIZE_VER0; the C library has none. */
struct attributes {
    u32 size;
    u32 policy;
    u64 flags;
    int32_t nice;
    u32 priority;
    u64 runtime_ns, deadline_ns, period_ns;
};

bool sched_may_lower_nice(void)
{
    struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { 0 };
    struct rlimit limit = { 0 };

    if (syscall(SYS_capget, &header, data) == 0 &&
        data[CAP_TO_INDEX(CAP_SYS_NICE)].effective & CAP_TO_MASK(CAP_SYS_NICE))
        return true;
    return getrlimit(RLIMIT_NICE, &limit) == 0 && limit.rlim_cur >= 20; /* nice 0 */
}

int sched_nice(u32 tid, int *nice)
{
    int value;

    errno = 0;
    value = getpriority(PRIO_PROCESS, (id_t)tid);
    if (errno)
        return -errno;
    *nice = value;
    return 0;
}

int sched_set_nice(u32 tid, int nice)
{
    return setpriority(PRIO_PROCESS, (id_t)tid, nice) < 0 ? -errno : 0;
}

int sched_set_slice(u32 tid, u64 slice_ns)
{
    struct attributes a = { .size = sizeof(a) };

    if (syscall(SYS_sched_getattr, tid, &a, sizeof(a), 0) < 0)
        return -errno;
    if (a.policy != SCHED_OTHER && a.policy != SCHED_BATCH)
        return -ENOTSUP; /* somebody has given it a policy of another kind: it stays */
    a.size = sizeof(a);
    a.flags |= SCHED_RESET_ON_FORK_FLAG; /* children are as they would be without us */
    a.runtime_ns = slice_ns;
    return syscall(SYS_sched_setattr, tid, &a, 0) < 0 ? -errno : 0;
}

/* /proc/TID/schedstat: nanoseconds on a CPU, nanoseconds without one, time slices. */
int sched_delay(u32 tid, u64 *delay_ns)
{
    AUTO(fd_closep) int fd = -1;
    char path[32], text[96];
    struct str rest;
    ssize_t n;

    snprintf(path, sizeof(path), "/proc/%u/schedstat", tid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    n = read(fd, text, sizeof(text));
    if (n < 0)
        return -errno;
    str_cut(str_make(text, (size_t)n), ' ', &rest);
    return str_to_u64(str_cut(rest, ' ', &rest), delay_ns) ? 0 : -ENODATA;
}
