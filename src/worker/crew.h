/* worker/crew.h -- the supervisor's state: everything that its parts and its apps share
 *
 * One thread owns it. An `app` has workers; a `worker` is a number of an app, 1 … N; a `process` is
 * one life of a worker (old and new one overlap while it is replaced); an `agent` is the control
 * connection of one Node process, of which a worker's process may have several (npm and the app, a
 * cluster and its children).
 */
#pragma once

#include "worker/agents.h"
#include "worker/app.h"
#include "worker/controller.h"
#include "worker/helper.h"
#include "worker/listeners.h"
#include "worker/logbook.h"
#include "worker/notice.h"
#include "worker/output.h"
#include "worker/predecessor.h"
#include "worker/process.h"
#include "worker/recent.h"
#include "worker/reread.h"
#include "worker/rundir.h"
#include "worker/slots.h"
#include "worker/successor.h"

struct crew {
    const struct supervisor_conf *conf;
    struct loop *loop;
    struct shm *shm;
    int shm_fd, wake_fd;
    int peers_fd, peers_read_fd; /* shm/peers.h */
    struct rundir dir;
    char agent_js[4096];
    char preload[4096]; /* empty: fettle-loop.so is not there */

    struct output_sink sink;
    struct logbook logbook;
    struct recent recent;
    struct slots slots;
    struct listeners listeners;
    struct agents agents;
    struct helper proxy, monitor;
    struct notice notice;
    struct controller controller; /* the control socket */
    struct reread reread;
    struct successor successor;

    struct list processes[PROCESS_STATES]; /* of all apps, by state */
    struct app *app[SHM_APPS_MAX];         /* owned; 0 … apps-1 */
    u32 apps;

    bool unheard_told; /* worker/unheard.h */
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

/* Everything dies now. */
void crew_end_at_once(struct crew *c, int exit_code);

/* A fettle before this one has let go: what was held back begins. */
void crew_release(struct crew *c);
static inline bool crew_holds(const struct crew *c)
{
    return c->conf->predecessor && c->conf->predecessor->holds;
}

/* An app is over: ends fettle if all are. Whether it does. */
bool crew_apps_over(struct crew *c);

/* A process is gone while fettle ends: goes on with that when it was the last one. */
void crew_process_gone(struct crew *c);
