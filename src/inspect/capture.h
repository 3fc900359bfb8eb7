/* inspect/capture.h -- what an inspector can be asked to take: snapshots and profiles, to a file
 *
 * Source: https://chromedevtools.github.io/devtools-protocol/v8/ (HeapProfiler, Profiler),
 * V8's src/inspector/v8-heap-profiler-agent-impl.cc: a snapshot is taken in a task of the loop,
 * or at once while the debugger has paused. A loop that is blocked runs no task, so it is paused.
 */
#pragma once

#include "inspect/devtools.h"
#include "inspect/outfile.h"

struct capture {
    struct devtools *client;
    struct outfile *file;
    u64 silence_ns; /* the longest time without a word from the inspector */
    void (*progress)(const struct capture *c); /* may be NULL; often */
    void *arg;                                 /* its caller's */
    /* How far it is */
    u64 done, total; /* objects that V8 has visited, of how many it expects; total 0: not yet */
    u64 bytes;       /* in the file */
    bool paused;     /* the loop was blocked: it has been halted meanwhile */
    bool ending;     /* the process is about to end, and waits for us */
    /* private */
    u64 heard_ns;
    int write_err;
};

/* All return 0; -ECANCELED; -EINVAL with *p, and others with *p. What the file has by then is no
 * use. */

/* What V8's heap has in use, and the major version of its Node; 0: not known (a browser). */
MUST_USE int capture_heap_used(struct capture *c, u64 *bytes, u32 *node_major, struct problem *p);

/* A heap snapshot. `numbers`: with the values of numbers, which makes it larger. */
MUST_USE int capture_snapshot(struct capture *c, bool numbers, struct problem *p);

enum capture_profile { CAPTURE_CPU, CAPTURE_ALLOCATIONS };

struct capture_conf {
    enum capture_profile what;
    u32 interval;      /* microseconds between two samples of the CPU, bytes between two of
                        * allocations */
    bool with_garbage; /* of allocations: what has been freed by now, too */
};

/* Begins to record. */
MUST_USE int capture_start(struct capture *c, const struct capture_conf *conf, struct problem *p);
/* Takes what has come; does not wait. To be called now and then: `ending` may be set. */
MUST_USE int capture_look(struct capture *c, struct problem *p);
/* Ends it, and writes the profile. */
MUST_USE int capture_stop(struct capture *c, enum capture_profile what, struct problem *p);
