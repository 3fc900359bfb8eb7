/* app/detach.h -- `fettle run --detach`: on in the background, once it is known to run
 *
 * The process that was called stays until the app is ready, or has failed, and tells which; the one
 * that goes on has a session of its own and writes to log files, so that it survives the terminal.
 */
#pragma once

#include "base/buf.h"
#include "base/problem.h"

/* Whether an app of that name runs already; *p then says so, and what to do. */
MUST_USE bool detach_runs_already(const char *name, const char *runtime_dir, struct problem *p);

enum detach {
    DETACH_GOES_ON, /* this is the process in the background */
    DETACH_ENDS,    /* this one has told everything: *exit_code */
    DETACH_FAILED,  /* nothing was started: *p says why */
};

/* Where the lines of an app in the background go, when its settings do not say: NAME.log in
 * $XDG_STATE_HOME/fettle, else /var/log/fettle for root, else ~/.local/state/fettle, which is made.
 * -errno with *p. */
MUST_USE int detach_log_path(const char *name, struct buf *path, struct problem *p);

/* `log` is the file that people are pointed to. What fettle and its helpers print besides goes to
 * NAME.console.log in the folder of detach_log_path, anew at each start. */
MUST_USE enum detach detach_fork(const char *name, const char *runtime_dir, const char *log,
                                 int *exit_code, struct problem *p);
