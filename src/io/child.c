/* io/child.c -- starting processes, and learning how they ended
 *
 * Between fork and exec only system calls are made: the parent may have
 * threads. What fails there comes back over a pipe that a successful exec
 * closes.
 */
#include "io/child.h"

#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

struct failure {
    int error;
    enum child_step step;
};

/* Where `file` is, by the PATH of the child's environment, as a malloc'ed path; NULL: nowhere. */
static char *path_find(const char *file, char *const *envp)
{
    struct str path = STR("/usr/local/bin:/usr/bin:/bin");
    char full[4096];

    if (strchr(file, '/'))
        return strdup(file);
    for (; *envp; envp++)
        if (str_starts(str_of(*envp), STR("PATH=")))
            path = str_of(*envp + 5);
    while (path.ptr) {
        struct str dir = str_cut(path, ':', &path);

        if (dir.len == 0)
            dir = STR(".");
        int n = snprintf(full, sizeof(full), "%.*s/%s", STR_ARG(dir), file);

        if (n > 0 && (size_t)n < sizeof(full) && access(full, X_OK) == 0)
            return strdup(full);
    }
    return NULL;
}

/* Moves every descriptor out of the way (so that no dup2 runs over one still needed), then each
 * to its place. The pipe moves last and stays close-on-exec. */
static int fds_place(const struct child_conf *conf, int *pipe_fd)
{
    int high[CHILD_FDS_MAX], base = (int)conf->fds_n;
    int null_fd = open("/dev/null", O_RDWR);

    if (null_fd < 0)
        return -errno;
    for (u32 i = 0; i < conf->fds_n; i++) {
        int from = conf->fds[i] < 0 ? null_fd : conf->fds[i];

        high[i] = fcntl(from, F_DUPFD, base);
        if (high[i] < 0)
            return -errno;
    }
    *pipe_fd = fcntl(*pipe_fd, F_DUPFD_CLOEXEC, base);
    if (*pipe_fd < 0)
        return -errno;
    for (u32 i = 0; i < conf->fds_n; i++) {
        if (conf->fds[i] < 0 && i > 2)
            close((int)i);
        else if (dup2(high[i], (int)i) < 0)
            return -errno;
        close(high[i]);
    }
    if (null_fd >= base)
        close(null_fd);
    return 0;
}

static void signals_default(const struct child_conf *conf)
{
    struct sigaction plain = { .sa_handler = SIG_DFL }, ignore = { .sa_handler = SIG_IGN };
    sigset_t none;

    for (int i = 1; i < NSIG; i++)
        sigaction(i, &plain, NULL); /* EINVAL for those that cannot change */
    for (const int *s = conf->ignored; s && *s; s++)
        sigaction(*s, &ignore, NULL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static NORETURN void child_fail(int pipe_fd, enum child_step step, int error)
{
    struct failure f = { .error = error, .step = step };

    if (write(pipe_fd, &f, sizeof(f)) < 0)
        _exit(126);
    _exit(127);
}

static int user_become(const struct child_user *user)
{
    if (setgroups(user->groups_n, user->groups) < 0 ||
        setresgid(user->gid, user->gid, user->gid) < 0)
        return -1;
    return setresuid(user->uid, user->uid, user->uid);
}

/* snprintf may take locks. */
static void pid_write(char *out)
{
    char digits[CHILD_PID_MAX];
    u32 n = 0;

    for (pid_t pid = getpid(); pid > 0 && n < sizeof(digits) - 1; pid /= 10)
        digits[n++] = (char)('0' + pid % 10);
    for (u32 i = 0; i < n; i++)
        out[i] = digits[n - 1 - i];
    out[n] = 0;
}

static NORETURN void child_main(const struct child_conf *conf, const char *path, pid_t parent,
                                int pipe_fd)
{
    char *const *envp = conf->envp ? conf->envp : environ;
    int r;

    if (conf->group && setpgid(0, 0) < 0)
        child_fail(pipe_fd, CHILD_FORK, errno);
    /* Before the death signal is asked for, which a change of the user takes away. */
    if (conf->user && user_become(conf->user) < 0)
        child_fail(pipe_fd, CHILD_USER, errno);
    if (conf->death_signal && prctl(PR_SET_PDEATHSIG, conf->death_signal) < 0)
        child_fail(pipe_fd, CHILD_FORK, errno);
    if (conf->death_signal && getppid() != parent)
        _exit(126); /* it died before we asked for the signal */
    if (conf->pid_text)
        pid_write(conf->pid_text);
    r = fds_place(conf, &pipe_fd);
    if (r < 0)
        child_fail(pipe_fd, CHILD_FORK, -r);
    if (conf->cwd && chdir(conf->cwd) < 0)
        child_fail(pipe_fd, CHILD_CHDIR, errno);
    signals_default(conf);
    execve(path, conf->argv, envp);
    child_fail(pipe_fd, CHILD_EXEC, errno);
}

/* 0 when the exec succeeded (the pipe closed without a word). */
static int failure_read(int fd, pid_t pid, enum child_step *step)
{
    struct failure f;
    ssize_t n;

    do
        n = read(fd, &f, sizeof(f));
    while (n < 0 && errno == EINTR);
    if (n != sizeof(f))
        return 0;
    waitpid(pid, NULL, 0);
    *step = f.step;
    return -f.error;
}

int child_start(const struct child_conf *conf, pid_t *pid, enum child_step *step)
{
    AUTO(fd_closep) int out = -1, in = -1;
    AUTO(freep) char *path = path_find(conf->file, conf->envp ? conf->envp : environ);
    enum child_step ignored;
    pid_t parent = getpid(), child;
    sigset_t all, before;
    int pipe_fds[2];

    assert(conf->fds_n >= 3 && conf->fds_n <= CHILD_FDS_MAX);
    step = step ? step : &ignored;
    *step = CHILD_EXEC;
    if (!path)
        return -ENOENT;
    *step = CHILD_FORK;
    if (pipe2(pipe_fds, O_CLOEXEC) < 0)
        return -errno;
    in = pipe_fds[0];
    out = pipe_fds[1];
    /* No handler of ours may run in the child. */
    sigfillset(&all);
    if (sigprocmask(SIG_SETMASK, &all, &before) < 0)
        return -errno;
    child = fork();
    if (child == 0)
        child_main(conf, path, parent, out);
    int error = errno;

    sigprocmask(SIG_SETMASK, &before, NULL);
    if (child < 0)
        return -error;
    if (conf->group)
        setpgid(child, child); /* both sides ask, so that it is true for either at once */
    close(TAKE(out, -1));
    int r = failure_read(in, child, step);

    if (r == 0)
        *pid = child;
    return r;
}

bool child_reap(struct child_end *out)
{
    int status;
    pid_t pid;

    do
        pid = waitpid(-1, &status, WNOHANG);
    while (pid < 0 && errno == EINTR);
    if (pid <= 0)
        return false;
    *out = (struct child_end){ .pid = pid, .code = -1 };
    if (WIFEXITED(status)) {
        out->code = WEXITSTATUS(status);
    } else {
        out->signal = WTERMSIG(status);
        out->core = WCOREDUMP(status);
    }
    return true;
}

struct str child_end_text(const struct child_end *end, char out[CHILD_END_TEXT_MAX])
{
    const char *name = end->signal > 0 ? sigabbrev_np(end->signal) : NULL;
    const char *core = end->core ? " (core dumped)" : "";

    if (end->signal == 0)
        snprintf(out, CHILD_END_TEXT_MAX, "exit code %d", end->code);
    else if (name)
        snprintf(out, CHILD_END_TEXT_MAX, "signal SIG%s%s", name, core);
    else
        snprintf(out, CHILD_END_TEXT_MAX, "signal %d%s", end->signal, core);
    return str_of(out);
}
