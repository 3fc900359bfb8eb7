/* io/child.h -- starting processes, and learning how they ended
 *
 * A child gets exactly the descriptors named, an empty signal mask, and default
 * signal actions. Call from the thread that lives as long as the process:
 * death_signal is tied to it.
 */
#pragma once

#include "base/str.h"

#include <sys/types.h>

enum { CHILD_FDS_MAX = 48 };

/* Whom a child runs as; only root can ask for that. */
struct child_user {
    uid_t uid;
    gid_t gid;
    const gid_t *groups; /* supplementary ones, all of them */
    u32 groups_n;
};

struct child_conf {
    const char *file;       /* what is executed; without a slash it is looked for in PATH of envp */
    char *const *argv;      /* NULL-terminated */
    char *const *envp;      /* NULL-terminated; NULL: this process's own */
    const char *cwd;        /* NULL: this process's own */
    int fds[CHILD_FDS_MAX]; /* fds[i] becomes descriptor i; -1: /dev/null for 0…2, closed above */
    u32 fds_n;              /* at least 3 */
    bool group;             /* the leader of a process group of its own */
    int death_signal;       /* sent to it when this process dies; 0: none */
    const struct child_user *user; /* NULL: as this process; its folder is then entered as him */
    const int *ignored;            /* signals that the child ignores, ended by 0; NULL: none */
    /* CHILD_PID_MAX bytes somewhere in envp, which the child overwrites with its pid in decimal and
     * a NUL, as LISTEN_PID wants it; NULL: none. */
    char *pid_text;
};

enum { CHILD_PID_MAX = 12 };
enum child_step { CHILD_FORK, CHILD_USER, CHILD_CHDIR, CHILD_EXEC };

/* Starts a process. 0 and *pid when its program runs; else -errno, and *step says which step
 * failed (a folder that is not there, a program that is not there). `step` may be NULL. */
MUST_USE int child_start(const struct child_conf *conf, pid_t *pid, enum child_step *step);

/* How a process ended. */
struct child_end {
    pid_t pid;
    int code;   /* exit code; -1 when a signal ended it */
    int signal; /* 0 when it exited */
    bool core;  /* a core file was written */
};

/* Collects one dead child (with PR_SET_CHILD_SUBREAPER also adopted ones). False: none is dead. */
MUST_USE bool child_reap(struct child_end *out);

/* "exit code 1", "signal SIGSEGV (core dumped)" into out; returns it as a view. */
enum { CHILD_END_TEXT_MAX = 64 };
struct str child_end_text(const struct child_end *end, char out[CHILD_END_TEXT_MAX]);
