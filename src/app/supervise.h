/* app/supervise.h -- from starts to a running supervisor, and what a reload may change of it */
#pragma once

#include "app/start.h"

/* Fills all->conf, one for each start. -errno with a problem in one of them. */
MUST_USE int supervise_confs(struct starts *all);

/* Runs until all is over; the exit code, or -errno before anything was started. */
MUST_USE int supervise(struct starts *all);
