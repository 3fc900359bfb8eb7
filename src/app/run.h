/* app/run.h -- what `fettle run` would do with a command line, without doing it */
#pragma once

#include "base/buf.h"

struct run_outline {
    struct buf name;   /* of the app; of several, of the folder of the file that names them */
    struct buf folder; /* absolute: where the app runs */
    struct buf node;   /* absolute */
    u32 apps;
    /* Of several apps, the longest. */
    u64 drain_ns, kill_after_ns;
    u64 start_timeout_ns; /* 0: there is none */
    bool has_port;        /* --port is set */
    bool has_runtime_dir;
    bool has_user; /* --uid or --gid: fettle changes it itself, and has to be root for that */
};

/* argv[0] is "run". 0; or an exit code after a message, as `fettle run` would end. All texts are
 * NUL-terminated; run_outline_done in any case. */
MUST_USE int run_outline_read(struct run_outline *out, int argc, char **argv);
void run_outline_done(struct run_outline *o);
