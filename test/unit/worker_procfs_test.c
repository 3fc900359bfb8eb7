/* test/unit/worker_procfs_test.c */
#include "worker/procfs.h"

#include "base/clock.h"
#include "tap.h"

#include <signal.h>
#include <sys/wait.h>

static void this_process_is_known(void)
{
    struct procfs_sample s;
    u32 fds = 0, most = 0;

    CHECK_EQ(procfs_sample((u32)getpid(), &s), 0);
    CHECK(s.rss_bytes > 4096);
    CHECK(s.vm_bytes >= s.rss_bytes);
    CHECK_EQ(s.threads, 1);
    CHECK_EQ(s.parent, getppid());
    CHECK_EQ(s.group, getpgrp());
    CHECK_EQ(procfs_fds((u32)getpid(), &fds, &most), 0);
    CHECK(fds >= 3);
    CHECK(most >= fds);
    CHECK(procfs_descends((u32)getpid(), (u32)getppid()));
    CHECK(!procfs_descends((u32)getppid(), (u32)getpid()));
    CHECK(procfs_sample(UINT32_MAX, &s) < 0);
}

static void a_name_may_hold_anything(void)
{
    struct procfs_sample s = { .threads = 9 };

    CHECK_EQ(
        procfs_parse(STR("7 (a) R 1 2) (x) S 10 20 30 0 -1 4194304 1 2 3 4 100 50 0 0 20 0 5 0 "
                         "1000 409600 25 18446744073709551615 1\n"),
                     &s),
        0);
    CHECK_EQ(s.parent, 10);
    CHECK_EQ(s.group, 20);
    CHECK_EQ(s.threads, 5);
    CHECK_EQ(s.vm_bytes, 409600);
    CHECK_EQ(s.rss_bytes, 25 * sysconf(_SC_PAGESIZE));
    CHECK_EQ(s.cpu_user_ns, 100 * (NS_PER_S / (u64)sysconf(_SC_CLK_TCK)));
}

static void what_is_cut_short_is_refused(void)
{
    struct str whole =
        STR("7 (a) S 10 20 30 0 -1 4194304 1 2 3 4 100 50 0 0 20 0 5 0 1000 409600 25");
    struct procfs_sample s = { .threads = 9 };

    CHECK_EQ(procfs_parse((struct str){ 0 }, &s), -EPROTO);
    for (size_t len = 0; len + 3 < whole.len; len++)
        CHECK_EQ(procfs_parse(str_sub(whole, 0, len), &s), -EPROTO);
    CHECK_EQ(s.threads, 9);
}

static void children_are_listed(void)
{
    u32 pids[8];
    pid_t pid = fork();

    if (pid == 0) {
        pause();
        _exit(0);
    }
    CHECK_EQ(procfs_children(pids, 8), 1);
    CHECK_EQ(pids[0], pid);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    CHECK_EQ(procfs_children(pids, 8), 0);
}

int main(void)
{
    TEST(this_process_is_known);
    TEST(a_name_may_hold_anything);
    TEST(what_is_cut_short_is_refused);
    TEST(children_are_listed);
    return tap_done();
}
