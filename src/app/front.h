/* app/front.h -- the process that somebody started, after another fettle has taken over from it
 *
 * A shell, a container or a service manager waits for the process that it has started. When that
 * one is replaced (worker/successor.h) it stays so long: passes signals on to the fettle that runs,
 * and ends as that one ends. Each fettle that takes over tells it, over a SEQPACKET socket, the pid
 * of the next: there is never more than one process in front.
 */
#pragma once

#include "worker/successor.h"

/* Until the fettle that runs has ended; returns its exit code. */
MUST_USE int front_run(const struct successor_left *left);
