/* worker/workers.h -- how many workers the app has, while it runs
 *
 * More: new ones are started. Fewer: those with the highest numbers are drained and end, as at a
 * reload; the requests that they have are finished.
 */
#pragma once

#include "base/base.h"

struct crew;

/* From now on there are `n` workers. 0, and nothing happens when that is so already. -ERANGE: not
 * 1 … LISTENERS_WORKERS_MAX. -ESHUTDOWN: fettle is ending. -ENOTSUP: the app is a cluster of its
 * own, of which one copy runs. Logs nothing: the caller knows the reason. */
MUST_USE int workers_set(struct crew *c, u32 n);
