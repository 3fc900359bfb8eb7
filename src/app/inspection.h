/* app/inspection.h -- a look into a running Node, from TARGET to the end of it
 *
 * Finds out who is meant, opens the way in (inspect/attach.h), and leaves everything as it was:
 * whatever happens, Ctrl-C included.
 */
#pragma once

#include "app/holder.h"
#include "app/inspect_options.h"
#include "app/inspectee.h"
#include "app/progress.h"
#include "inspect/attach.h"
#include "inspect/capture.h"

struct inspection {
    const struct inspect_options *options;
    struct inspectee target;
    struct attach attach;
    struct capture capture;
    struct progress progress;
    struct problem problem;
    struct holder holder; /* of a worker of fettle's */
    bool stopped;         /* by Ctrl-C or SIGTERM */
    int stop_fd;          /* the caller's */
};

/* SIGINT, SIGTERM and SIGHUP are taken from a descriptor from now on, which is returned, the
 * caller's; -errno. */
MUST_USE int inspection_signals(void);

/* Reads TARGET, takes a worker of fettle's out of traffic (when options->drain_ns says so), and
 * goes in. 0; else an exit code, after a message. inspection_end in any case. */
MUST_USE int inspection_begin(struct inspection *i, const struct inspect_options *o, int stop_fd,
                              const char *target);
/* The same for a worker that is known; it stays in traffic. */
MUST_USE int inspection_begin_worker(struct inspection *i, const struct inspect_options *o,
                                     int stop_fd, const struct holder_worker *w);
/* Leaves. 0; else an exit code, after a message. */
MUST_USE int inspection_end(struct inspection *i);

/* Takes a signal that has come. False: none has. */
bool inspection_stopped(struct inspection *i);

/* A failure of one of the steps, told on standard error; the exit code. */
int inspection_failed(struct inspection *i, int err);

/* A file name for what is taken: "shop-2-20261126-075211.heapsnapshot". */
void inspection_name(const struct inspection *i, const char *ending, struct buf *out);
