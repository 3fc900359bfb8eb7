/* conf/cpus.c -- how many CPUs this process may use */
#include "conf/cpus.h"

#include "conf/cgroup.h"

#include <sched.h>

static struct str word_cut(struct str *line)
{
    while (line->len && line->ptr[0] == ' ')
        *line = str_sub(*line, 1, line->len);
    return str_cut(*line, ' ', line);
}

static struct str first_line(struct str s)
{
    struct str rest;

    return str_trim(str_cut(s, '\n', &rest));
}

static u64 ratio(struct str quota, struct str period)
{
    u64 q, p;

    if (!str_to_u64(quota, &q) || !str_to_u64(period, &p) || p == 0 || q == 0 ||
        q > UINT64_MAX / CPUS_MILLI)
        return 0;
    return max((u64)1, q * CPUS_MILLI / p);
}

u64 cpus_quota_v2(struct str cpu_max)
{
    struct str line = first_line(cpu_max);
    struct str quota = word_cut(&line);

    return ratio(quota, word_cut(&line));
}

u64 cpus_quota_v1(struct str quota_us, struct str period_us)
{
    return ratio(first_line(quota_us), first_line(period_us));
}

u32 cpus_of(u32 allowed, u64 quota_milli)
{
    u64 cpus = quota_milli / CPUS_MILLI + (quota_milli % CPUS_MILLI > 0);

    if (quota_milli && cpus < allowed)
        allowed = (u32)cpus;
    return max(1u, allowed);
}

static u64 folder_quota(const struct buf *folder, bool v2)
{
    AUTO(buf_done) struct buf a = { 0 };
    AUTO(buf_done) struct buf b = { 0 };

    if (v2)
        return cgroup_file(folder, "/cpu.max", &a) ? cpus_quota_v2(buf_str(&a)) : 0;
    if (!cgroup_file(folder, "/cpu.cfs_quota_us", &a) ||
        !cgroup_file(folder, "/cpu.cfs_period_us", &b))
        return 0;
    return cpus_quota_v1(buf_str(&a), buf_str(&b));
}

struct quotas {
    u64 least[2]; /* of version 1, 2; 0: none */
};

/* The least quota of the group and its parents. */
static void quota_look(const struct buf *folder, bool v2, void *arg)
{
    u64 *least = &((struct quotas *)arg)->least[v2];
    u64 quota = folder_quota(folder, v2);

    if (quota && (!*least || quota < *least))
        *least = quota;
}

u64 cpus_quota(const char *root)
{
    struct quotas q = { 0 };
    u64 v1, v2;

    cgroup_walk(root, "cpu", quota_look, &q);
    v1 = q.least[0];
    v2 = q.least[1];
    return v1 && v2 ? min(v1, v2) : max(v1, v2);
}

/* The kernel wants a mask at least as long as its own, whose length it does not tell. */
static u32 affinity(void)
{
    for (int cpus = 1024; cpus <= 1 << 20; cpus *= 2) {
        size_t bytes = CPU_ALLOC_SIZE((size_t)cpus);
        cpu_set_t *set = CPU_ALLOC((size_t)cpus);
        int err = set ? sched_getaffinity(0, bytes, set) : -1;
        bool again = set && err && errno == EINVAL;
        u32 count = !err ? (u32)CPU_COUNT_S(bytes, set) : 0;

        CPU_FREE(set);
        if (count)
            return count;
        if (!again)
            break;
    }
    return (u32)max(1L, sysconf(_SC_NPROCESSORS_ONLN));
}

u32 cpus_allowed(void)
{
    return cpus_of(affinity(), cpus_quota(""));
}

u64 cpus_idle_ticks(struct str proc_stat)
{
    cpu_set_t set;
    bool all = sched_getaffinity(0, sizeof(set), &set) != 0;
    u64 sum = 0, cpu, idle, iowait;

    while (proc_stat.ptr) {
        struct str line = str_cut(proc_stat, '\n', &proc_stat), name = word_cut(&line);

        if (!str_starts(name, STR("cpu")) || !str_to_u64(str_sub(name, 3, name.len), &cpu))
            continue;
        for (int i = 0; i < 3; i++) /* user, nice, system */
            word_cut(&line);
        if (!str_to_u64(word_cut(&line), &idle) || !str_to_u64(word_cut(&line), &iowait))
            continue;
        if (all || (cpu < CPU_SETSIZE && CPU_ISSET(cpu, &set)))
            sum += idle + iowait;
    }
    return sum;
}
