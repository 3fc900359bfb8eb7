/* worker/workenv.h -- the environment with which a worker starts
 *
 * The user's own, with the agent put in: LD_PRELOAD gets fettle-loop.so first, NODE_OPTIONS gets
 * `--require <agent_dir>/agent.js` last (quoted as Node wants it), and FETTLE_DIR, FETTLE_WORKER,
 * FETTLE_SPAWNED and NODE_APP_INSTANCE are set. The caller's FETTLE_* are not passed on.
 */
#pragma once

#include "base/str.h"

struct workenv_conf {
    char *const *base_env;  /* environ */
    char *const *extra_env; /* NULL: none */
    const char *dir;        /* the runtime folder */
    const char *agent_js;   /* path */
    const char *preload;    /* path of fettle-loop.so, without spaces or colons; NULL: not there */
    const char *node_path;  /* its folder goes first in PATH when is_node is false; NULL: no */
    bool is_node;
    u32 worker;   /* FETTLE_WORKER */
    u32 instance; /* NODE_APP_INSTANCE */
};

/* A NULL-terminated environment that the caller frees with workenv_free. */
MUST_USE int workenv_new(char ***out, const struct workenv_conf *conf);
void workenv_free(char **env);
