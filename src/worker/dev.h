/* worker/dev.h -- --watch: an app is restarted when its files change
 *
 * New processes start at once, and the old ones get no requests any more: what comes meanwhile
 * waits in the queue, so that whoever asks after a change sees the new code. A worker that ends
 * before it was ready (a mistake in the code) is not tried again until the next change.
 */
#pragma once

#include "worker/watcher.h"

struct app;
struct process;

/* All zero: nothing is watched. */
struct dev {
    struct watcher watcher;
    bool on;
};

/* Begins to watch, if the app's conf says so. What cannot be watched is logged. */
void dev_start(struct app *app);
void dev_done(struct app *app);

/* Whether a worker whose process has ended waits for a change; tells that. */
bool dev_waits(struct app *app, const struct process *p, const char *why);
/* All of its workers have finished: whether the app waits for a change; tells that. */
bool dev_waits_all(struct app *app);
