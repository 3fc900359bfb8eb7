/* worker/successor.h -- another fettle that takes over from this one, without a failed request
 *
 * Started with the command line, folder and environment of the present one, from the file that
 * stands now where this one's program stood: perhaps a newer version. It gets the listening
 * sockets, starts the apps anew beside ours, and says when all of them are ready
 * (worker/predecessor.h). Only then:
 *
 *   the monitor ends (its address is to be the other one's) ─► the service manager hears of the new
 *   main process ─► "go" ─► "taken" ─► we accept nothing more, drain, and end
 *
 * Up to "taken" whatever fails leaves us as we were. Who connects meanwhile waits in the sockets,
 * which are open all the time.
 *
 * A fettle that somebody has started in the foreground, without a service manager that listens,
 * cannot just end: whoever started it waits for its process. It stays then, as a process in front
 * (app/front.h).
 */
#pragma once

#include "base/buf.h"
#include "io/child.h"
#include "io/loop.h"

struct control_talk;
struct crew;

struct successor_conf {
    const char *file; /* what is started */
    char *const *argv;
    char *const *env;
    const char *cwd;
    bool background; /* nobody waits for our process */
};

/* What supervisor_run leaves behind when there is one. */
struct successor_left {
    pid_t pid;    /* 0: there is none */
    int front_fd; /* the socket to it, for a process in front; -1: we are not to be that */
    bool ended;   /* it has ended already, with this exit code: */
    int exit_code;
};

enum successor_state {
    SUCCESSOR_NONE,
    SUCCESSOR_STARTING,
    SUCCESSOR_READY, /* our monitor is ending */
    SUCCESSOR_TOLD,  /* "go" */
    SUCCESSOR_TAKEN, /* it has taken over */
};

struct successor {
    struct crew *crew;
    enum successor_state state;
    pid_t pid; /* 0: it has ended, or there is none */
    struct watch watch, stderr_watch;
    int fd, stderr_fd, front_fd; /* -1: not open */
    struct timer deadline;
    struct timer slow;         /* the monitor that does not end */
    struct control_talk *talk; /* who asked; NULL: gone */
    struct buf said;           /* lines that tell what went wrong */
    char version[32];
    u64 started_ns;
    bool late, signalled, told;
    struct child_end end;
};

void successor_init(struct successor *s, struct crew *crew);
/* Leaves what it left to *out. */
void successor_done(struct successor *s, struct successor_left *out);

/* Begins; answers `talk`, perhaps at once. */
void successor_begin(struct successor *s, struct control_talk *talk);
/* That connection is gone. */
void successor_forget(struct successor *s, const struct control_talk *talk);
/* If `end` is of its process, deals with it. */
MUST_USE bool successor_reaped(struct successor *s, const struct child_end *end);
/* Our monitor has ended, since that was wanted. */
void successor_monitor_gone(struct successor *s);
/* Our proxy accepts nothing more, or is gone. */
void successor_unlistened(struct successor *s);
/* We were asked to end by a signal. True: one has taken over, so that we are ending anyway; it has
 * been told, where nobody else does that. A second time is for us. */
MUST_USE bool successor_signal(struct successor *s, int signal);

static inline bool successor_has_taken(const struct successor *s)
{
    return s->state == SUCCESSOR_TAKEN;
}
