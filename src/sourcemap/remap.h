/* sourcemap/remap.h -- a profile of what runs becomes one of what was written
 *
 * Functions get the place and the name that their source maps say, and those that are the same then
 * become one. Samples on lines go to the lines of the sources.
 */
#pragma once

#include "profile/profile.h"
#include "sourcemap/sourcemap_cache.h"

/* 0; -ENOMEM. *mapped (may be NULL): how many functions had a source map. */
MUST_USE int remap_profile(struct profile *p, struct sourcemap_cache *c, u32 *mapped);
