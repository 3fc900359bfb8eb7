/* worker/crew.h -- the supervisor's state: everything that its parts share
 *
 * One thread owns it. A `worker` is a number, 1 … N; a `process` is one life of a worker (old and
 * new one overlap while it is replaced); an `agent` is the control connection of one Node process,
 * of which a worker's process may have several (npm and the app, a cluster and its children).
 */
#pragma once

#include "worker/agents.h"
#include "worker/helper.h"
#include "worker/listeners.h"
#include "worker/logbook.h"
#include "worker/output.h"
#include "worker/process.h"
#include "worker/reload.h"
#include "worker/rundir.h"
#include "worker/slots.h"
#include "worker/supervisor.h"
#include "worker/worker.h"

struct crew {
    const struct supervisor_conf *conf;
    struct loop *loop;
    struct shm *shm;
    int shm_fd, wake_fd;
    struct rundir dir;
    char agent_js[4096];
    char preload[4096]; /* empty: fettle-loop.so is not there */

    struct output_sink sink;
    struct logbook logbook;
    struct output_app output_app;
    struct slots slots;
    struct listeners listeners;
    struct agents agents;
    struct helper proxy, monitor;

    struct list processes[PROCESS_STATES];           /* by state */
    struct worker worker[LISTENERS_WORKERS_MAX + 1]; /* 1 … workers */
    u32 workers;
    bool is_cluster; /* the app forks its own workers: only worker 1 runs */
    struct reload reload;

    u64 started_ns;
    u32 failures; /* before anything was ready */
    bool ever_ready, ever_listened, all_ready_told;
    bool draining;     /* fettle is ending: nothing is started any more */
    bool workers_told; /* … and the workers have been told */
    bool over;
    int exit_code;
    struct task changed; /* the proxy is to look at the slots again */
};

/* The proxy is told at the end of this turn, once. */
void crew_changed(struct crew *c);

/* Drains and ends everything; the exit code is `exit_code`. Asking again changes nothing. */
void crew_end(struct crew *c, int exit_code);

/* No process of any worker is left: ends fettle where that is what is wanted. */
void crew_process_gone(struct crew *c);
