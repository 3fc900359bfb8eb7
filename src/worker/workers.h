/* worker/workers.h -- how many workers an app has, while it runs
 *
 * More: new ones are started. Fewer: those with the highest numbers are drained and end, as at a
 * reload; the requests that they have are finished.
 */
#pragma once

#include "base/base.h"

struct app;

/* From now on the app has `n` workers. 0, and nothing happens when that is so already. -ERANGE: not
 * 1 … LISTENERS_WORKERS_MAX. -ESHUTDOWN: fettle is ending, or the app is over. -ENOTSUP: the app is
 * a cluster of its own, of which one copy runs. -ENOENT: it has no processes. Logs nothing: the
 * caller knows the reason. */
MUST_USE int workers_set(struct app *app, u32 n);
