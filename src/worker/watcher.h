/* worker/watcher.h -- tells when files below some folders have changed (inotify)
 *
 * Folders are watched with all that is in them, new ones as they come; a path that is a file is
 * watched alone. Changes that come together are told once. Links to folders are not followed.
 * What cannot be watched, because the kernel has a limit, is named in the log, once.
 */
#pragma once

#include "io/loop.h"
#include "worker/watch_rules.h"

enum { WATCHER_FOLDERS_MAX = 1 << 17, WATCHER_DEPTH_MAX = 64 };

struct watcher;
typedef void watcher_fn(struct watcher *w);

struct watcher_conf {
    struct loop *loop;
    struct str paths; /* absolute, commas between */
    struct watch_rules rules;
    u64 delay_ns;     /* after the last change */
    const char *lead; /* before what is logged */
    watcher_fn *changed;
};

struct watched; /* a folder */

/* All zero: not watching. */
struct watcher {
    struct watcher_conf conf;
    struct watch watch;
    struct timer settle;
    struct watched *folders; /* by rising wd */
    u32 count, room;
    u64 first_ns, last_ns; /* of the present series of changes */
    u32 changes;           /* in it */
    char path[256];        /* the first of them, relative to what is watched */
    u32 missed;            /* folders that could not be watched … */
    char missed_path[256]; /* … and the first of them */
    int missed_errno;
    bool missed_told;
};

/* The texts of `conf` must stay. -errno when nothing can be watched; it has been logged. */
MUST_USE int watcher_init(struct watcher *w, const struct watcher_conf *conf);
/* Accepts what is not watching. */
void watcher_done(struct watcher *w);
