/* worker/predecessor.h -- the fettle before this one, from which it takes over (worker/successor.h)
 *
 * A supervisor that was started by another one gets that one's listening sockets (LISTEN_FDS) and,
 * at the descriptor that FETTLE_PREDECESSOR names and the two above it: a SEQPACKET socket to it,
 * the standard error to go on with (until then it is a pipe to the other one), and perhaps a socket
 * to the process in front (app/front.h). Messages are text:
 *     ← {"apps":[{"name":"shop","workers":4,"workers_conf":2,"by_hand":true},…]}   how it stands
 *     → line TEXT          a warning or an error, for whoever asked for the change
 *     → started            the settings are read and what comes before is done
 *     → ready VERSION      every app is ready
 *     ← go
 *     → taken              from here on the sockets are accepted from, and commands answered
 * Until "go" it holds: its proxy knows no listener, there is no monitor and no control socket, and
 * no service manager is told anything. When the other one goes away before that, it ends at once.
 */
#pragma once

#include "base/log.h"
#include "conf/json_value.h"
#include "io/loop.h"

struct app;
struct crew;

#define PREDECESSOR_ENV "FETTLE_PREDECESSOR"
#define PREDECESSOR_NONE                          \
    (struct predecessor)                          \
    {                                             \
        .fd = -1, .stderr_fd = -1, .front_fd = -1 \
    }
enum { PREDECESSOR_MESSAGE_MAX = 32768 };

struct predecessor {
    int fd;        /* -1: there is none (any more) */
    int stderr_fd; /* -1: it is in its place */
    int front_fd;  /* the process in front; -1: there is none */
    bool holds;
    /* private */
    bool ready_told;
    struct crew *crew;
    struct watch watch, front_watch;
    struct json_value *state;
};

/* Takes what the environment says, and takes it out of there; before activation_take. -errno: the
 * descriptors cannot be used, and there is none. */
MUST_USE int predecessor_take(struct predecessor *p);
void predecessor_done(struct predecessor *p);

/* Standard error is now the real one. */
void predecessor_stderr_take(struct predecessor *p);
/* What is wrong, for whoever asked. Nothing happens when we do not hold. */
void predecessor_say(const struct predecessor *p, enum log_level level, struct str line);

/* When there are apps, but nothing runs: they become as they were there. -errno. */
MUST_USE int predecessor_begin(struct predecessor *p, struct crew *crew);
/* The app's workers were scaled by hand there, and the settings have not changed. */
bool predecessor_by_hand(const struct predecessor *p, const struct app *app);
/* Before the loop is freed. */
void predecessor_end(struct predecessor *p);
/* Four times a second while we hold; `settled`: every app is ready, or has been given up. Ends us
 * when one was given up that ran there. */
void predecessor_tick(struct predecessor *p, bool settled);
