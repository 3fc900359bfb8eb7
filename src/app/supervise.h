/* app/supervise.h -- from starts to a running supervisor, and what a reload may change of it */
#pragma once

#include "app/start.h"

/* Fills all->conf, one for each start. -errno with a problem in one of them. */
MUST_USE int supervise_confs(struct starts *all);

/* Keeps how fettle was called, for reading the settings again; before anything of that is changed.
 * -ENOMEM. */
MUST_USE int supervise_reread_keep(struct starts *all, int argc, char **argv);

/* Runs until all is over; the exit code, or -errno before anything was started. */
MUST_USE int supervise(struct starts *all);
