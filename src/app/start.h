/* app/start.h -- what the start of apps needs, from a command line to what can be started
 *
 * The steps fill it in one after the other. Of several apps each has a `struct start`; what they
 * share is the first one's.
 */
#pragma once

#include "app/app_user.h"
#include "app/config_file.h"
#include "app/launch.h"
#include "app/renewal.h"
#include "conf/settings.h"
#include "worker/supervisor.h"

struct start {
    struct settings settings;
    struct settings_args args;
    struct config_file file;
    struct launch launch;
    struct strings file_env; /* of .env files */
    struct app_user user;
    struct buf watch; /* paths, NUL-terminated */
    struct buf node_path;
    struct str cwd; /* absolute; empty: not set */
    char *cwd_real;
    char **app_args;                /* of the command line, up to a NULL */
    char **argv, **env, **base_env; /* of its workers */
    struct buf settings_json, places_json;
    struct renewal renewal;
    struct problem problem;
};

struct starts {
    struct start *list;
    u32 count;
    struct buf agent_dir;
    struct buf log_path;     /* of one in the background; empty: none */
    struct app_conf *conf;   /* SHM_APPS_MAX of them once they are there */
    struct endpoint *routed; /* addresses of routes */
    u32 routed_n;
    struct supervisor_conf supervisor;
    struct strings proxy, reread, reread_env, succeed; /* command lines, and an environment … */
    char **proxy_argv, **reread_argv, **reread_envp, **succeed_argv; /* … as lists into them */
    char *here;
    struct notify notify; /* of the service manager, if there is one */
    struct activation activation;
    int manager_err;
    struct predecessor predecessor; /* from which this one takes over */
    struct successor_left left;     /* what has taken over from this one */
};

/* One start, empty; list is NULL when memory is out. starts_done in any case. */
struct starts starts_one(void);
void starts_done(struct starts *all);

/* From the first start, whose settings have been read, to one for each app that only needs to be
 * done. 0, -errno with a problem in one of them, or an exit code after a message. */
MUST_USE int starts_prepare(struct starts *all, char **argv);

/* What was wrong with one of them. */
struct problem *starts_problem(struct starts *all);

/* What an app wants to be run before its first worker, once, in the foreground. -errno with
 * s->problem. */
MUST_USE int prescript_run(struct start *s);
