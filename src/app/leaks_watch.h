/* app/leaks_watch.h -- a live target, watched: three snapshots with some use between them
 *
 * The snapshots are temporary files, in $TMPDIR or /var/tmp, that are gone when it is over.
 */
#pragma once

#include "app/leaks_options.h"
#include "heap/leaks.h"

enum { LEAKS_WATCH_PATH_MAX = 256 };

struct leaks_watch {
    char folder[LEAKS_WATCH_PATH_MAX]; /* of its own; empty: not made */
    char path[LEAKS_SNAPSHOTS][LEAKS_WATCH_PATH_MAX + 32];
    char target[160]; /* as it is now known: "shop/2" of "shop" */
};

/* Takes the three. 0; else an exit code, after a message. leaks_watch_done in any case. */
MUST_USE int leaks_watch_take(struct leaks_watch *w, const struct leaks_options *o,
                              const char *target);
/* Removes the files. */
void leaks_watch_done(struct leaks_watch *w);
