/* app/front.c -- the process that somebody started, after another fettle has taken over from it */
#include "app/front.h"

#include "app/exit_code.h"
#include "io/sock.h"

#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>

struct front {
    pid_t pid; /* of the fettle that runs */
    int fd;
    int exit_code; /* of the newest one that has ended */
    bool over;
};

/* A fettle that takes over. */
static void follow(struct front *f)
{
    char text[16];
    u32 fds_n;
    ssize_t n;
    u64 pid;

    while ((n = sock_recv_msg(f->fd, text, sizeof(text), NULL, 0, &fds_n)) > 0)
        if (str_to_u64(str_make(text, (size_t)n), &pid) && pid > 1 && pid <= INT32_MAX)
            f->pid = (pid_t)pid;
}

/* Children are fettles, and what dead ones have left behind. */
static void reap(struct front *f)
{
    struct child_end end;

    follow(f);
    while (child_reap(&end)) {
        if (end.pid != f->pid)
            continue;
        f->exit_code = end.signal ? EXIT_SIGNAL + end.signal : end.code;
        f->over = true;
    }
    if (!f->over && kill(f->pid, 0) < 0 && errno == ESRCH)
        f->over = true; /* its end was seen by another one, which has ended, too */
}

static void signalled(struct front *f, const struct signalfd_siginfo *info)
{
    int signal = (int)info->ssi_signo;

    if (signal == SIGCHLD)
        reap(f);
    else if (signal == SIGHUP && info->ssi_code == SI_KERNEL) /* our terminal was closed */
        kill(f->pid, SIGTERM);
    else
        kill(f->pid, signal);
}

int front_run(const struct successor_left *left)
{
    static const int signals[] = { SIGCHLD, SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2, SIGQUIT };
    struct front f = { .pid = left->pid, .fd = left->front_fd, .exit_code = EXIT_APP };
    struct signalfd_siginfo info;
    sigset_t set;

    if (left->ended)
        return left->exit_code;
    sigemptyset(&set);
    for (u32 i = 0; i < ARRAY_LEN(signals); i++)
        sigaddset(&set, signals[i]);
    sigprocmask(SIG_BLOCK, &set, NULL);
    AUTO(fd_closep) int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd < 0)
        return EXIT_APP;
    prctl(PR_SET_NAME, "fettle: front");
    for (reap(&f); !f.over;) {
        struct pollfd wait[] = { { .fd = fd, .events = POLLIN }, { .fd = f.fd, .events = POLLIN } };

        if (poll(wait, ARRAY_LEN(wait), -1) < 0 && errno != EINTR)
            break;
        if (wait[1].revents)
            follow(&f);
        while (read(fd, &info, sizeof(info)) == sizeof(info))
            signalled(&f, &info);
        if (wait[1].revents & POLLHUP) { /* nobody holds the other end any more */
            close(TAKE(f.fd, -1));
            reap(&f);
        }
    }
    fd_closep(&f.fd);
    return f.exit_code;
}
