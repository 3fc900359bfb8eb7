/* worker/app.h -- one of the apps: its workers, and how it stands
 *
 * Each app starts, fails, backs off, finishes and gives up alone. What they share (loop, memory,
 * proxy, monitor) is in crew.h. fettle ends by itself when every app is over.
 */
#pragma once

#include "worker/dev.h"
#include "worker/listeners.h"
#include "worker/output.h"
#include "worker/reload.h"
#include "worker/restart_at.h"
#include "worker/scaling.h"
#include "worker/supervisor.h"
#include "worker/worker.h"

enum { APP_TITLE_MAX = SHM_NAME_MAX + 16 };

/* A process that ended before it was ready: the newest. */
struct app_failure {
    u32 count; /* of such, ever */
    u32 worker;
    char why[CHILD_END_TEXT_MAX];
    char lines[4096]; /* the last ones that it wrote, with a newline before each */
};

struct app {
    struct crew *crew;
    const struct app_conf *conf;
    u32 index; /* in crew.app, and in shm.app */
    enum shm_app_state state;
    char title[APP_TITLE_MAX]; /* in the middle of a log line: "the app"; of several: "app shop" */
    char lead[APP_TITLE_MAX];  /* before a line that is about it: ""; of several: "shop: " */
    struct output_app output;  /* where its workers' lines go */
    struct worker worker[LISTENERS_WORKERS_MAX + 1]; /* 1 … workers */
    u32 workers;
    u32 workers_conf; /* as the settings had it when they were read last */
    u32 processes;    /* lives that are not gone yet */
    bool removed;     /* a reload found it gone from the settings: it ends, and stays away */
    bool has_come;    /* the newest reading of the settings has brought it, and started it */
    bool is_cluster;  /* it forks its own workers: only worker 1 runs */
    int memory_fd;    /* what its processes share (shared/memfile.h); -1: nothing */
    struct reload reload;
    struct restart_at restart_at;
    struct dev dev;
    struct scaling scaling;

    u32 reloads_failed;
    struct app_failure failure;

    u64 started_ns;
    u32 failures; /* before anything was ready */
    bool ever_ready, ever_listened, all_ready_told;
};

/* -ENOMEM. `index` is where it stands in crew.app. */
MUST_USE int app_new(struct app **out, struct crew *c, const struct app_conf *conf, u32 index);
/* Its processes must be gone. Accepts NULL. */
void app_free(struct app *app);

/* How it and its workers are called, which is longer when there are several apps. */
void app_name(struct app *app);

/* Starts its workers. When the command itself cannot be executed, it is over. */
void app_start(struct app *app);

/* It is stopped from the start, until it is started again. */
void app_leave_stopped(struct app *app);

/* The same for one that is over. */
void app_start_again(struct app *app);

/* A process of it has ended before it was ready. */
void app_failed(struct app *app, const struct process *p, const char *why);

/* Nothing of it is started (any more). */
static inline bool app_is_over(const struct app *app)
{
    return app->state >= SHM_APP_STOPPED;
}

/* Gone from the settings, and nothing of it is left. */
static inline bool app_is_gone(const struct app *app)
{
    return app->removed && app->processes == 0;
}

/* No more lives: what runs ends, and it stays in `state`. When every app is over, fettle ends. */
void app_end(struct app *app, enum shm_app_state state);

/* Something of it is ready. */
void app_ready(struct app *app);
/* Something of it listens, or is ready: tells people of "N workers ready", and of listeners, when
 * it is time. */
void app_announce(struct app *app);
/* It forks workers of its own: one copy of it is enough. */
void app_is_a_cluster(struct app *app);
/* One of its processes is gone. */
void app_process_gone(struct app *app);
/* It is removed, and has no processes: nobody shows it any more. */
void app_process_gone_last(struct app *app);
