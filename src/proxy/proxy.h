/* proxy/proxy.h -- the data path as a process: `fettle __proxy`
 *
 * Started by the supervisor with the shared memory on WIRE_SHM_FD, a control
 * socket on WIRE_PROXY_FD and the eventfd that loops write on WIRE_WAKE_FD. It
 * gets its listening sockets over the control socket and serves until told to
 * drain, or until the supervisor is gone.
 */
#pragma once

#include "conf/settings.h"

/* `settings` of each of the apps, an array of malloc that is the proxy's from now on; what is the
 * same for all is read off the first. The exit code of the process. */
int proxy_run(struct settings *settings, u32 apps);
