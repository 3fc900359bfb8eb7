/* io/signals.h -- signals as events of a loop
 *
 * Blocks the signals in this thread (so before any other thread is started,
 * who then inherits that) and reads them from a signalfd. Signals of the same
 * kind that come fast are one event: for SIGCHLD ask child_reap until it has
 * nothing more.
 */
#pragma once

#include "io/loop.h"

#include <sys/signalfd.h>

struct signals;
typedef void signals_fn(struct signals *s, const struct signalfd_siginfo *info);

/* All zero: not watching. */
struct signals {
    struct watch watch;
    signals_fn *fn;
};

/* `list` holds `n` signal numbers. */
MUST_USE int signals_init(struct signals *s, struct loop *loop, const int *list, u32 n,
                          signals_fn *fn);
/* Ends the watch; the signals stay blocked. */
void signals_done(struct signals *s);
