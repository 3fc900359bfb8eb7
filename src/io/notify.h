/* io/notify.h -- tells a service manager how this process is (sd_notify(3), without libsystemd)
 *
 * The manager names a datagram socket in NOTIFY_SOCKET, and how often it wants to hear that the
 * process lives in WATCHDOG_USEC. Whatever goes wrong here is of no consequence: a message that is
 * not taken is lost.
 */
#pragma once

#include "base/clock.h"
#include "base/str.h"
#include "base/strings.h"

#include <sys/socket.h>
#include <sys/un.h>

struct notify {
    int fd; /* -1: nobody wants to know */
    struct sockaddr_un to;
    socklen_t to_len;
    u64 watchdog_ns; /* it must hear of us within this time; 0: there is no watchdog */
};

/* Takes what the environment says, and takes it out of there, so that no child believes that it is
 * meant. -EINVAL for a socket's name that is neither a path nor abstract ("@…"), or -errno: nobody
 * is told anything then. */
MUST_USE int notify_take(struct notify *n);
void notify_done(struct notify *n);

/* What has notify_take take the same, in a process that we start: variables are added to `env`. */
void notify_hand_over(const struct notify *n, struct strings *env);

/* "READY=1\nSTATUS=4 workers". Never waits; NULL is nobody. */
void notify_send(const struct notify *n, const char *fmt, ...) PRINTF(2, 3);
