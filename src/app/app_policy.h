/* app/app_policy.h -- how an app is started, ended and started again, from its settings */
#pragma once

#include "conf/settings.h"
#include "worker/supervisor.h"

/* Fills in what the group «Starts and restarts» says. The settings have been checked. */
void app_policy_fill(struct app_conf *app, const struct settings *s);

/* What is watched, as absolute paths with commas between and a NUL, for a setting that is not off;
 * `folder` is the app's own, empty: the present one. -ENOENT with *p for a path that is not there;
 * -ENOMEM. */
MUST_USE int app_policy_watch(const struct settings *s, struct str folder, struct buf *out,
                              struct problem *p);
