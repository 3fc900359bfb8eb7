/* app/log_live.h -- the lines of an app without a log file, from the fettle that runs it
 *
 * What that one keeps in memory (worker/recent.h), and what comes. When another fettle takes over
 * from it, that one is asked.
 */
#pragma once

#include "base/problem.h"
#include "base/str.h"

struct log_live;

/* Connects to the fettle with that pid, which runs `app`. -ENOENT with *p when it is not there any
 * more, else -errno. */
MUST_USE int log_live_open(struct log_live **out, u32 pid, struct str app, struct str runtime_dir,
                           bool follow, struct problem *p);
void log_live_free(struct log_live *l);

/* The next line, a view until the next call. False: there is none now. */
MUST_USE bool log_live_next(struct log_live *l, struct str *line);
/* Its app has ended: nothing comes any more. */
MUST_USE bool log_live_ended(const struct log_live *l);
