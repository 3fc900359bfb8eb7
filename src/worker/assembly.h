/* worker/assembly.h -- what a crew needs before its loop begins: the runtime folder, the shared
 * memory, the apps, the listeners of routes
 */
#pragma once

#include "base/problem.h"

struct crew;

/* Checks crew.conf and makes all of it. -EINVAL with *problem; what was made is in the crew, whose
 * end frees it. */
MUST_USE int assembly_make(struct crew *c, struct problem *problem);
