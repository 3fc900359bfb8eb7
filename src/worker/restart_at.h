/* worker/restart_at.h -- an app that is restarted by the clock of the wall
 *
 * When it is due, the workers are reloaded, one by one; those that have finished are started again
 * (a script that is to run each night). An app with such a time is not over when all of its
 * workers have finished.
 */
#pragma once

#include "conf/cron.h"

struct app;

/* All zero: nothing is known yet. */
struct restart_at {
    i64 next_s; /* seconds since 1970; -1: never again */
    i64 seen_s; /* the last time that was looked */
};

/* Whether a time of the pattern has come since the last look; a clock that was set back begins
 * anew, one that was set forward is due once. Pure. */
bool restart_at_due(struct restart_at *r, const struct cron *c, i64 now_s);

/* Looks, and reloads. */
void restart_at_tick(struct app *app, i64 now_s);
/* All of its workers have finished: whether the app waits for its next time, which is told. */
bool restart_at_waits(struct app *app);
