/* app/env_file.h -- the files of the setting env-file, for the app's environment */
#pragma once

#include "conf/config.h"

/* Adds "NAME=value" for what the files hold and the app does not get from our environment anyway;
 * of several files the last one wins. What is wrong with what they say is in `f`. -ENOENT, -EINVAL
 * with *p when one cannot be read; -ENOMEM. */
MUST_USE int env_file_read(const struct settings *s, const struct config_app *app,
                           struct strings *env, struct findings *f, struct problem *p);
