/* app/agent_dir.h -- where the parts are that fettle loads into Node */
#pragma once

#include "base/buf.h"
#include "base/problem.h"

/* Sets `out` to the folder, absolute and NUL-terminated, that holds fettle-loop.so, agent.js and
 * agent.node: that of the program `exe` (a build), else ../lib/fettle from there (an
 * installation). -ENOENT with *p when neither has all three; -ENOMEM. */
MUST_USE int agent_dir_find(const char *exe, struct buf *out, struct problem *p);
