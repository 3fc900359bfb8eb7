/* app/app_env.h -- the app's environment, as a file of settings wants it */
#pragma once

#include "conf/config.h"

/* Puts the variables of the file before those in `env`, of which the last one of a name counts.
 * -ENOMEM. */
MUST_USE int app_env_join(struct strings *env, const struct config_app *app);
/* Whether the app gets this variable from this process's environment. */
MUST_USE bool app_env_inherits(const struct config_app *app, struct str name);
/* This process's environment without the variables that the file filters (pm2's filter_env): a list
 * that the caller frees, of texts that are environ's. NULL: out of memory. */
MUST_USE char **app_env_base(const struct config_app *app);
/* The file's value of a variable; empty: it has none. */
struct str app_env_value(const struct config_app *app, struct str name);
