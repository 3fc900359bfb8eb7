/* base/team.h -- a few threads that do one job together
 *
 * For analyses of large files: `members` calls of `work`, each on a thread of its own, the first on
 * the caller's. Returns when all have. A thread that cannot be started has its part done by the
 * caller after its own, so a part must not wait for one of a larger index.
 */
#pragma once

#include "base/base.h"

enum { TEAM_MAX = 16 };

void team_run(u32 members, void (*work)(void *ctx, u32 index), void *ctx);
/* CPUs that this process may use, at least 1, at most TEAM_MAX. */
u32 team_cpus(void);
