/* conf/cpus.c -- how many CPUs this process may use */
#include "conf/cpus.h"

#include "conf/file.h"

#include <sched.h>

enum { FILE_BYTES_MAX = 1 << 20 };

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

static bool has_item(struct str list, struct str item)
{
    while (list.ptr)
        if (str_eq(str_cut(list, ',', &list), item))
            return true;
    return false;
}

/* A line of mountinfo (proc_pid_mountinfo(5)): is it the hierarchy that has the CPU controller?
 * Then *root and *mount are its fields, still with octal escapes. */
static bool mount_line(struct str line, bool v2, struct str *root, struct str *mount)
{
    struct str type, word;

    for (int i = 0; i < 3; i++)
        word_cut(&line);
    *root = word_cut(&line);
    *mount = word_cut(&line);
    do
        word = word_cut(&line);
    while (line.ptr && !str_eq(word, STR("-")));
    type = word_cut(&line);
    word_cut(&line);
    if (v2)
        return str_eq(type, STR("cgroup2"));
    return str_eq(type, STR("cgroup")) && has_item(word_cut(&line), STR("cpu"));
}

/* A line of /proc/self/cgroup, "4:cpu,cpuacct:/docker/1f" or "0::/app": the path in it. */
static bool group_line(struct str line, bool v2, struct str *path)
{
    struct str number = str_cut(line, ':', &line);
    struct str controllers = str_cut(line, ':', path);

    if (!path->ptr)
        return false;
    return v2 ? str_eq(number, STR("0")) && controllers.len == 0
              : has_item(controllers, STR("cpu"));
}

/* mountinfo writes blanks and backslashes as \040. */
static void unescape(struct str s, struct buf *out)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] == '\\' && i + 3 < s.len) {
            buf_addc(out, (char)((s.ptr[i + 1] - '0') << 6 | (s.ptr[i + 2] - '0') << 3 |
                                 (s.ptr[i + 3] - '0')));
            i += 3;
        } else {
            buf_addc(out, s.ptr[i]);
        }
    }
}

static bool small_file(const struct buf *folder, const char *name, struct buf *out)
{
    AUTO(buf_done) struct buf path = { 0 };

    buf_add(&path, buf_str(folder));
    buf_add(&path, str_of(name));
    buf_addc(&path, 0);
    buf_clear(out);
    return !path.failed && file_read(path.ptr, FILE_BYTES_MAX, out) == 0;
}

static u64 folder_quota(const struct buf *folder, bool v2)
{
    AUTO(buf_done) struct buf a = { 0 };
    AUTO(buf_done) struct buf b = { 0 };

    if (v2)
        return small_file(folder, "/cpu.max", &a) ? cpus_quota_v2(buf_str(&a)) : 0;
    if (!small_file(folder, "/cpu.cfs_quota_us", &a) ||
        !small_file(folder, "/cpu.cfs_period_us", &b))
        return 0;
    return cpus_quota_v1(buf_str(&a), buf_str(&b));
}

/* The least quota of the group and its parents. `path` is the group's, `root` what of the
 * hierarchy is mounted (in a container, the container's own group). */
static u64 group_quota(const char *sysroot, struct str mount, struct str root, struct str path,
                       bool v2)
{
    AUTO(buf_done) struct buf folder = { 0 };
    size_t mount_len;
    u64 least = 0, quota;

    if (root.len > 1 && str_starts(path, root))
        path = str_sub(path, root.len, path.len);
    if (str_starts(path, STR("/..")) || str_eq(path, STR("/")))
        path = STR("");
    buf_add(&folder, str_of(sysroot));
    unescape(mount, &folder);
    mount_len = folder.len;
    buf_add(&folder, path);
    while (!folder.failed) {
        quota = folder_quota(&folder, v2);
        if (quota && (!least || quota < least))
            least = quota;
        if (folder.len <= mount_len)
            break;
        while (folder.len > mount_len && folder.ptr[--folder.len] != '/')
            ;
    }
    return least;
}

static u64 hierarchy_quota(const char *sysroot, struct str groups, struct str mounts, bool v2)
{
    struct str path = { 0 }, root = { 0 }, mount = { 0 };
    bool found = false;

    while (groups.ptr && !found)
        found = group_line(str_cut(groups, '\n', &groups), v2, &path);
    if (!found)
        return 0;
    for (found = false; mounts.ptr && !found;)
        found = mount_line(str_cut(mounts, '\n', &mounts), v2, &root, &mount);
    return found ? group_quota(sysroot, mount, root, path, v2) : 0;
}

u64 cpus_quota(const char *root)
{
    AUTO(buf_done) struct buf folder = { 0 };
    AUTO(buf_done) struct buf groups = { 0 };
    AUTO(buf_done) struct buf mounts = { 0 };
    u64 v1, v2;

    buf_addf(&folder, "%s/proc/self", root);
    if (!small_file(&folder, "/cgroup", &groups) || !small_file(&folder, "/mountinfo", &mounts))
        return 0;
    v1 = hierarchy_quota(root, buf_str(&groups), buf_str(&mounts), false);
    v2 = hierarchy_quota(root, buf_str(&groups), buf_str(&mounts), true);
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
