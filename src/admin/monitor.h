/* admin/monitor.h -- the process that watches: `fettle __monitor`
 *
 * A child of the supervisor, with the shared memory as WIRE_SHM_FD and, as WIRE_PROXY_FD, a socket
 * whose end is the end of the supervisor. It reads the shared memory once a second into the
 * sampler, and serves the admin address. It serves no traffic: it may crash and come back, and
 * only the histories are lost. It also serves the admin address's pages on a unix socket in the
 * runtime folder, without a token: for the commands of this user.
 */
#pragma once

#include "conf/settings.h"

/* In the runtime folder. */
#define MONITOR_SOCKET "monitor.sock"

/* Runs until the supervisor is gone. Returns the process's exit code: 0, or 1 when it could not
 * start (which it has logged). Call after log_setup, from the main thread. */
MUST_USE int monitor_run(const struct settings *settings);
