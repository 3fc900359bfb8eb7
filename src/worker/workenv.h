/* worker/workenv.h -- the environment with which a worker starts
 *
 * The user's own, with the agent put in: LD_PRELOAD gets fettle-loop.so first, NODE_OPTIONS gets
 * `--require <agent_dir>/agent.js` last (quoted as Node wants it), and FETTLE_DIR, FETTLE_WORKER,
 * FETTLE_SPAWNED and NODE_APP_INSTANCE are set. The caller's FETTLE_* are not passed on.
 */
#pragma once

#include "base/strings.h"

struct workenv_conf {
    char *const *base_env;          /* environ */
    char *const *extra_env;         /* NULL: none */
    const struct strings *file_env; /* which base_env and extra_env win over; NULL: none */
    const char *dir;                /* the runtime folder */
    const char *agent_js;           /* path */
    const char *preload;   /* path of fettle-loop.so, without spaces or colons; NULL: not there */
    const char *node_path; /* its folder goes first in PATH when is_node is false; NULL: no */
    bool is_node;
    bool channel;              /* Node's channel to its parent is descriptor 3 */
    u32 worker;                /* FETTLE_WORKER */
    u32 instance;              /* the worker's number from 0 … */
    const char *instance_var;  /* … and the variable for it; NULL: NODE_APP_INSTANCE */
    const char *increment_var; /* to whose value it is added; NULL: none */
};

/* A NULL-terminated environment that the caller frees with workenv_free. */
MUST_USE int workenv_new(char ***out, const struct workenv_conf *conf);
void workenv_free(char **env);
