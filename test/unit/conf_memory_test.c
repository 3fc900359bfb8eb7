/* test/unit/conf_memory_test.c -- how much memory there is for us still */
#include "conf/memory.h"

#include "tap.h"

#include <ftw.h>
#include <sys/stat.h>

#define MB (1ull << 20)

static char root[64];

static int entry_remove(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st;
    (void)kind;
    (void)ftw;
    return remove(path);
}

static void root_make(void)
{
    snprintf(root, sizeof(root), "/tmp/fettle-memory-XXXXXX");
    if (!mkdtemp(root))
        abort();
}

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

static void the_machine_tells_what_is_available(void)
{
    root_make();
    CHECK_EQ(memory_available(root), -1);
    file_make("proc/meminfo", "MemTotal:  8000000 kB\nMemAvailable:    4096 kB\nBuffers: 1 kB\n");
    CHECK_EQ(memory_available(root), 4 * MB);
    nftw(root, entry_remove, 8, FTW_DEPTH | FTW_PHYS);
}

static void the_tightest_group_counts_without_files_that_nobody_uses(void)
{
    root_make();
    file_make("proc/meminfo", "MemAvailable: 1048576 kB\n");
    file_make("proc/self/cgroup", "0::/a/b\n");
    file_make("proc/self/mountinfo", "25 30 0:23 / /sys/fs/cg rw shared:9 - cgroup2 cgroup2 rw\n");
    file_make("sys/fs/cg/a/b/memory.max", "max\n");
    file_make("sys/fs/cg/a/b/memory.current", "1000\n");
    CHECK_EQ(memory_available(root), 1024 * MB);
    file_make("sys/fs/cg/a/memory.max", "536870912\n");
    file_make("sys/fs/cg/a/memory.current", "419430400\n");
    CHECK_EQ(memory_available(root), 112 * MB);
    file_make("sys/fs/cg/a/memory.stat", "anon 5\ninactive_file 104857600\n");
    CHECK_EQ(memory_available(root), 212 * MB);
    file_make("sys/fs/cg/a/memory.current", "936870912\n"); /* above it */
    CHECK_EQ(memory_available(root), 0);
    nftw(root, entry_remove, 8, FTW_DEPTH | FTW_PHYS);
}

static void version_1_is_read_too(void)
{
    root_make();
    file_make("proc/meminfo", "MemAvailable: 1048576 kB\n");
    file_make("proc/self/cgroup", "4:cpu,cpuacct:/x\n9:memory:/docker/1f\n");
    file_make("proc/self/mountinfo",
              "25 30 0:23 /docker/1f /sys/fs/m rw shared:9 - cgroup cgroup rw,memory\n");
    file_make("sys/fs/m/memory.limit_in_bytes", "209715200\n");
    file_make("sys/fs/m/memory.usage_in_bytes", "104857600\n");
    file_make("sys/fs/m/memory.stat", "inactive_file 1\ntotal_inactive_file 52428800\n");
    CHECK_EQ(memory_available(root), 150 * MB);
    nftw(root, entry_remove, 8, FTW_DEPTH | FTW_PHYS);
}

static void another_process_has_groups_of_its_own(void)
{
    root_make();
    file_make("proc/meminfo", "MemAvailable: 1048576 kB\n");
    file_make("proc/self/cgroup", "0::/\n");
    file_make("proc/4711/cgroup", "0::/a\n");
    file_make("proc/self/mountinfo", "25 30 0:23 / /sys/fs/cg rw shared:9 - cgroup2 cgroup2 rw\n");
    file_make("sys/fs/cg/a/memory.max", "536870912\n");
    file_make("sys/fs/cg/a/memory.current", "419430400\n");
    CHECK_EQ(memory_available(root), 1024 * MB);
    CHECK_EQ(memory_available_to(root, 4711), 112 * MB);
    nftw(root, entry_remove, 8, FTW_DEPTH | FTW_PHYS);
}

int main(void)
{
    TEST(the_machine_tells_what_is_available);
    TEST(the_tightest_group_counts_without_files_that_nobody_uses);
    TEST(version_1_is_read_too);
    TEST(another_process_has_groups_of_its_own);
    return tap_done();
}
