/* test/unit/io_child_test.c */
#include "io/child.h"

#include "io/signals.h"
#include "tap.h"

#include <signal.h>
#include <sys/wait.h>

static char *const sh_env[] = { (char *)"PATH=/usr/bin:/bin", (char *)"WORD=from env", NULL };

/* Runs `sh -c script` with its stdout read into `out`; its pid. */
static pid_t sh(const char *script, struct child_conf conf, char *out, size_t room)
{
    char *argv[] = { (char *)"sh", (char *)"-c", (char *)(uintptr_t)script, NULL };
    int fds[2];
    size_t len = 0;
    ssize_t n;
    pid_t pid = 0;

    CHECK_EQ(pipe(fds), 0);
    conf.file = "sh";
    conf.argv = argv;
    conf.envp = sh_env;
    conf.fds[0] = -1;
    conf.fds[1] = fds[1];
    conf.fds[2] = STDERR_FILENO;
    conf.fds_n = max(conf.fds_n, 3u);
    CHECK_EQ(child_start(&conf, &pid, NULL), 0);
    close(fds[1]);
    while (len + 1 < room && (n = read(fds[0], out + len, room - 1 - len)) > 0)
        len += (size_t)n;
    out[len] = 0;
    close(fds[0]);
    return pid;
}

static struct child_end end_of(pid_t pid)
{
    struct child_end end = { 0 };
    siginfo_t info;

    waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT);
    CHECK(child_reap(&end));
    CHECK_EQ(end.pid, pid);
    return end;
}

static void a_child_has_its_environment_folder_and_descriptors(void)
{
    struct child_conf conf = { .cwd = "/", .fds_n = 6 };
    char out[256], text[CHILD_END_TEXT_MAX];
    struct child_end end;
    int fds[2];
    pid_t pid;

    CHECK_EQ(pipe(fds), 0);
    conf.fds[3] = -1;
    conf.fds[4] = fds[0];
    conf.fds[5] = 4; /* a number that is another one's place */
    CHECK_EQ(dup2(fds[1], 4), 4);
    pid = sh("echo $WORD; pwd; for i in 0 1 2 3 4 5 6; do test -e /proc/$$/fd/$i && echo $i; done; "
             "exit 7",
             conf, out, sizeof(out));
    CHECK(strstr(out, "from env\n/\n0\n1\n2\n4\n5\n") == out);
    end = end_of(pid);
    CHECK_EQ(end.code, 7);
    CHECK_STR(child_end_text(&end, text), "exit code 7");
    close(4);
    close(fds[0]);
    close(fds[1]);
}

static void it_finds_its_pid_in_its_environment(void)
{
    char word[] = "WORD=            ";
    char *env[] = { (char *)"PATH=/usr/bin:/bin", word, NULL };
    char *argv[] = { (char *)"sh", (char *)"-c", (char *)"test $WORD = $$", NULL };
    struct child_conf conf = { .file = "sh", .argv = argv, .envp = env, .fds_n = 3 };
    pid_t pid = 0;

    static_assert(sizeof(word) - sizeof("WORD=") >= CHILD_PID_MAX, "room for it");
    conf.pid_text = word + 5;
    CHECK_EQ(child_start(&conf, &pid, NULL), 0);
    CHECK_EQ(end_of(pid).code, 0);
    CHECK_STR(str_of(word), "WORD=            "); /* ours is as it was */
}

static void what_cannot_be_started_says_why(void)
{
    char *argv[] = { (char *)"nothing", NULL };
    struct child_conf conf = { .file = "no-such-program-here", .argv = argv, .fds_n = 3 };
    enum child_step step = CHILD_FORK;
    struct child_end end;
    pid_t pid = 0;

    CHECK_EQ(child_start(&conf, &pid, &step), -ENOENT);
    CHECK_EQ(step, CHILD_EXEC);
    conf.file = "/etc/passwd";
    CHECK_EQ(child_start(&conf, &pid, &step), -EACCES);
    CHECK_EQ(step, CHILD_EXEC);
    conf.file = "/bin/sh";
    conf.cwd = "/no/such/folder";
    CHECK_EQ(child_start(&conf, &pid, &step), -ENOENT);
    CHECK_EQ(step, CHILD_CHDIR);
    CHECK(!child_reap(&end)); /* nothing is left of them */
}

static void a_group_of_its_own_and_plain_signals(void)
{
    static const int ignored[] = { SIGINT, 0 };
    struct child_conf conf = { .group = true, .death_signal = SIGKILL, .ignored = ignored };
    char out[512], text[CHILD_END_TEXT_MAX], want[32];
    struct child_end end;
    sigset_t usr1;
    pid_t pid;

    signal(SIGUSR2, SIG_IGN);
    sigemptyset(&usr1);
    sigaddset(&usr1, SIGUSR1);
    sigprocmask(SIG_BLOCK, &usr1, NULL);
    pid = sh(
        "ps -o pgid= -p $$; grep -E 'SigBlk|SigIgn' /proc/self/status; kill -INT $$; kill -USR1 $$",
        conf, out, sizeof(out));
    snprintf(want, sizeof(want), "%d\n", (int)pid);
    CHECK(strstr(out, want) != NULL);
    CHECK(strstr(out, "SigBlk:\t0000000000000000") != NULL);
    /* SIGINT alone; 32 and 33 are the C library's, and ignored under a make that spawned us. */
    const char *ignores = strstr(out, "SigIgn:\t");
    CHECK(ignores && (strtoull(ignores + 8, NULL, 16) & 0x7fffffff) == 2);
    end = end_of(pid);
    CHECK_EQ(end.signal, SIGUSR1);
    CHECK_STR(child_end_text(&end, text), "signal SIGUSR1");
    signal(SIGUSR2, SIG_DFL);
}

static int seen;
static void noted(struct signals *s, const struct signalfd_siginfo *info)
{
    (void)s;
    seen = (int)info->ssi_signo;
}

static void signals_are_events_of_the_loop(void)
{
    static const int list[] = { SIGHUP, SIGCHLD };
    struct signals s = { 0 };
    struct loop *loop;

    CHECK_EQ(loop_new(&loop), 0);
    CHECK_EQ(signals_init(&s, loop, list, 2, noted), 0);
    kill(getpid(), SIGHUP);
    loop_turn(loop, 5000);
    CHECK_EQ(seen, SIGHUP);
    signals_done(&s);
    signals_done(&s);
    loop_free(loop);
}

int main(void)
{
    TEST(a_child_has_its_environment_folder_and_descriptors);
    TEST(it_finds_its_pid_in_its_environment);
    TEST(what_cannot_be_started_says_why);
    TEST(a_group_of_its_own_and_plain_signals);
    TEST(signals_are_events_of_the_loop);
    return tap_done();
}
