/* test/unit/conf_cpus_test.c -- how many CPUs this process may use */
#include "conf/cpus.h"

#include "tap.h"

#include <ftw.h>
#include <sched.h>
#include <sys/stat.h>

static char root[64];

static int entry_remove(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st;
    (void)kind;
    (void)ftw;
    return remove(path);
}

static void root_remove(void)
{
    nftw(root, entry_remove, 8, FTW_DEPTH | FTW_PHYS);
}

static void root_make(void)
{
    snprintf(root, sizeof(root), "/tmp/fettle-cpus-XXXXXX");
    if (!mkdtemp(root))
        abort();
}

/* Writes root/path, with the folders that it needs. */
static void file_make(const char *path, const char *text)
{
    char full[512];
    FILE *f;

    snprintf(full, sizeof(full), "%s/%s", root, path);
    for (char *slash = full + strlen(root) + 1; (slash = strchr(slash, '/')); *slash++ = '/') {
        *slash = 0;
        mkdir(full, 0700);
    }
    f = fopen(full, "w");
    if (!f || fputs(text, f) < 0 || fclose(f))
        abort();
}

static void a_quota_is_rounded_up_and_never_adds(void)
{
    CHECK_EQ(cpus_of(8, 0), 8);
    CHECK_EQ(cpus_of(8, 500), 1);
    CHECK_EQ(cpus_of(8, 1000), 1);
    CHECK_EQ(cpus_of(8, 1001), 2);
    CHECK_EQ(cpus_of(8, 64000), 8);
    CHECK_EQ(cpus_of(0, 1), 1);
}

static void quotas_are_read_in_both_forms(void)
{
    CHECK_EQ(cpus_quota_v2(STR("50000 100000\n")), 500);
    CHECK_EQ(cpus_quota_v2(STR("250000 100000\n")), 2500);
    CHECK_EQ(cpus_quota_v2(STR("max 100000\n")), 0);
    CHECK_EQ(cpus_quota_v2(STR("")), 0);
    CHECK_EQ(cpus_quota_v2(STR("1 0")), 0);
    CHECK_EQ(cpus_quota_v2(STR("18446744073709551615 1")), 0);
    CHECK_EQ(cpus_quota_v2(STR("1 100000")), 1);
    CHECK_EQ(cpus_quota_v1(STR("-1\n"), STR("100000\n")), 0);
    CHECK_EQ(cpus_quota_v1(STR("150000\n"), STR("100000\n")), 1500);
}

static void the_least_quota_of_a_group_and_its_parents_counts(void)
{
    root_make();
    file_make("proc/self/cgroup", "0::/a/b b/c\n");
    file_make("proc/self/mountinfo",
              "24 30 0:22 / /proc rw shared:1 - proc proc rw\n"
              "25 30 0:23 / /sys/fs/cg\\040x rw,nosuid shared:9 - cgroup2 cgroup2 rw\n");
    CHECK_EQ(cpus_quota(root), 0);
    file_make("sys/fs/cg x/a/b b/c/cpu.max", "max 100000\n");
    CHECK_EQ(cpus_quota(root), 0);
    file_make("sys/fs/cg x/a/b b/cpu.max", "300000 100000\n");
    CHECK_EQ(cpus_quota(root), 3000);
    file_make("sys/fs/cg x/a/cpu.max", "150000 100000\n");
    CHECK_EQ(cpus_quota(root), 1500);
    file_make("sys/fs/cg x/cpu.max", "200000 100000\n");
    CHECK_EQ(cpus_quota(root), 1500);
    root_remove();
}

static void a_container_sees_its_own_group_as_the_root(void)
{
    root_make();
    file_make("proc/self/cgroup", "0::/\n");
    file_make("proc/self/mountinfo", "25 30 0:23 / /sys/fs/cgroup ro - cgroup2 cgroup rw\n");
    file_make("sys/fs/cgroup/cpu.max", "75000 100000\n");
    CHECK_EQ(cpus_quota(root), 750);
    file_make("proc/self/cgroup", "0::/../../elsewhere\n");
    CHECK_EQ(cpus_quota(root), 750);
    root_remove();
}

static void version_1_names_its_controllers(void)
{
    root_make();
    file_make("proc/self/cgroup", "5:cpuset:/docker/1f\n"
                                  "4:cpu,cpuacct:/docker/1f\n"
                                  "0::/\n");
    file_make("proc/self/mountinfo",
              "30 20 0:2 /docker/1f /cg/cpuset ro - cgroup cgroup rw,cpuset\n"
              "31 20 0:3 /docker/1f /cg/cpu ro - cgroup cgroup rw,cpu,cpuacct\n");
    file_make("cg/cpu/cpu.cfs_quota_us", "250000\n");
    CHECK_EQ(cpus_quota(root), 0);
    file_make("cg/cpu/cpu.cfs_period_us", "100000\n");
    CHECK_EQ(cpus_quota(root), 2500);
    file_make("cg/cpu/cpu.cfs_quota_us", "-1\n");
    CHECK_EQ(cpus_quota(root), 0);
    root_remove();
}

static void nonsense_in_proc_is_no_quota(void)
{
    static const char *const texts[] = { "", "\n\n", "0", "0:", ":::::", "0::relative\n", "x y z" };

    CHECK_EQ(cpus_quota("/nonexistent"), 0);
    for (u32 i = 0; i < ARRAY_LEN(texts); i++) {
        for (u32 k = 0; k < ARRAY_LEN(texts); k++) {
            root_make();
            file_make("proc/self/cgroup", texts[i]);
            file_make("proc/self/mountinfo", texts[k]);
            CHECK_EQ(cpus_quota(root), 0);
            root_remove();
        }
    }
}

static void affinity_is_respected(void)
{
    cpu_set_t had, one;

    CHECK(cpus_allowed() >= 1);
    if (sched_getaffinity(0, sizeof(had), &had) != 0)
        return;
    CPU_ZERO(&one);
    for (int i = 0; i < CPU_SETSIZE; i++) {
        if (CPU_ISSET(i, &had)) {
            CPU_SET(i, &one);
            break;
        }
    }
    CHECK_EQ(sched_setaffinity(0, sizeof(one), &one), 0);
    CHECK_EQ(cpus_allowed(), 1);
    CHECK_EQ(sched_setaffinity(0, sizeof(had), &had), 0);
}

static void idle_time_is_that_of_the_cpus_allowed(void)
{
    cpu_set_t set;
    char text[256];
    int one = 0;

    CHECK_EQ(sched_getaffinity(0, sizeof(set), &set), 0);
    while (!CPU_ISSET(one, &set))
        one++;
    snprintf(text, sizeof(text),
             "cpu  1 2 3 999 9 0 0\ncpu%d 10 20 30 400 50 6 7\ncpu1023 1 1 1 7 7 0\nctxt 5 5 5 5\n",
             one);
    CHECK_EQ(cpus_idle_ticks(str_of(text)), 450);
    CHECK_EQ(cpus_idle_ticks(STR("")), 0);
    CHECK_EQ(cpus_idle_ticks(STR("cpu0\ncpu0 1 2\ncpux 1 2 3 4 5")), 0);
}

int main(void)
{
    TEST(idle_time_is_that_of_the_cpus_allowed);
    TEST(a_quota_is_rounded_up_and_never_adds);
    TEST(quotas_are_read_in_both_forms);
    TEST(the_least_quota_of_a_group_and_its_parents_counts);
    TEST(a_container_sees_its_own_group_as_the_root);
    TEST(version_1_names_its_controllers);
    TEST(nonsense_in_proc_is_no_quota);
    TEST(affinity_is_respected);
    return tap_done();
}
