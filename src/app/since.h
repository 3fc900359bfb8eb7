/* app/since.h -- --since TIME: how long ago, or a time */
#pragma once

#include "base/problem.h"

/* "10m", "2026-11-26T04:02:26Z", "2026-11-26" as milliseconds since 1970; empty: *since_ms is left.
 * -EINVAL with *p. */
MUST_USE int since_read(struct str text, u64 *since_ms, struct problem *p);
